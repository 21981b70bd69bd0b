# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connecting to PostgreSQL, and what a refused connection means. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import LENT, DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

try:
    import psycopg2
    import psycopg2.sql
except ImportError:
    psycopg2 = None  # type: ignore[assignment]

#: Composes statements; None without the driver, where no connection is ever made.
sql: t.Any = psycopg2.sql if psycopg2 is not None else None

APPLICATION_NAME = "seamless.deploy"
CONNECT_TIMEOUT = 10
OLDEST_SERVER = 13

#: What the server or libpq says, and what it means. The SQLSTATE of a refused connection does not reach psycopg2.
_CAUSES = (
    ("no_server", r"connection refused|no such file or directory|could not connect to server|is the server running"),
    ("unknown_host", r"could not translate host name|name or service not known|temporary failure in name resolution"),
    ("timeout", r"timeout expired|timed out|no route to host|network is unreachable"),
    ("no_password", r"no password supplied"),
    ("wrong_password", r"password authentication failed|28P01"),
    ("peer", r"(peer|ident) authentication failed"),
    ("no_entry", r"no pg_hba\.conf entry"),
    ("no_database", r"database \".*\" does not exist|3D000"),
    ("no_role", r"role \".*\" does not exist"),
    ("forbidden", r"permission denied for database|not currently accepting connections|not permitted to log in"),
    ("full", r"too many clients|remaining connection slots|too many connections"),
    ("starting", r"starting up|shutting down|in recovery mode|not yet accepting connections"),
    ("socket_forbidden", r"permission denied"),
    ("tls", r"\bSSL\b|certificate"),
)

_ADVICE = {
    "no_server": "no PostgreSQL server answers at {place}; start it, or correct login_host and login_port",
    "lent": "the administrator's login that was lent to a deploy has ended at {place}; deploy again, which opens another one",
    "unknown_host": "the host {host!r} of login_host cannot be resolved; correct login_host, or this machine's name service",
    "timeout": "no answer from {place} within {timeout} seconds; check login_host, login_port and the firewall between",
    "no_password": "the server at {place} wants a password for the role {user!r} and none was given; set login_password",
    "wrong_password": "the server at {place} does not accept the password of the role {user!r}; correct login_password (or login_user)",
    "peer": "the server at {place} lets the role {user!r} in only as the operating system's user of that name; "
    "set become_user to it, or give login_host, login_user and login_password",
    "no_entry": "pg_hba.conf of the server at {place} has no entry for the role {user!r} and the database {database!r} from here; "
    "add one, or correct login_host, login_user or {option}",
    "no_database": "the database {database!r} does not exist on the server at {place}; correct {option}, or create the database",
    "no_role": "the role {user!r} does not exist on the server at {place}; correct login_user",
    "forbidden": "the role {user!r} may not connect to the database {database!r} at {place}; grant CONNECT, or correct {option}",
    "full": "the server at {place} has no free connection; end sessions, or raise max_connections",
    "starting": "the server at {place} is starting, stopping or recovering; try again when it is up",
    "socket_forbidden": "this user may not use the server's socket at {place}; correct login_host, or set become_user",
    "tls": "no encrypted connection to {place}; correct sslmode and the certificates in login_url",
    "unknown": "no connection to {place} as the role {user!r}; check login_url, login_host, login_port, login_user, "
    "login_password and {option}",
}


def cause_of(text: str) -> str:
    """One word for why a connection failed."""
    for cause, pattern in _CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return cause
    return "unknown"


def explain(text: str, connection: DatabaseConnection, option: str) -> str:
    """One sentence for a person: which option, what was found, what to do. `text` is what libpq said."""
    host = connection.host or "the local socket"
    cause = cause_of(text)
    if cause == "no_server" and os.path.basename(host).startswith(LENT):
        cause = "lent"
    advice = _ADVICE[cause].format(
        place=f"{host}:{connection.port}",
        host=connection.host,
        user=connection.user or "(the operating system's user)",
        database=connection.database,
        option=option,
        timeout=CONNECT_TIMEOUT,
    )
    return f"{advice[0].upper()}{advice[1:]}. PostgreSQL said: {said_once(without_secret(text, connection))}"


def said_once(text: str) -> str:
    """What libpq said, in one line; it says the same for each of its attempts, with and without encryption."""
    return " ".join(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))


def without_secret(text: str, connection: DatabaseConnection) -> str:
    return text.replace(connection.password, "********") if connection.password else text


def require_driver() -> None:
    """Raises DeployError when this interpreter has no psycopg2."""
    if psycopg2 is None:
        raise DeployError(
            f"the Python package psycopg2 is missing in {sys.executable}; the role seamless.deploy.host makes a tool environment "
            "with it: run that role first and set ansible_python_interpreter to <deploy_path>/.deploy/tools/bin/python, "
            "or install psycopg2-binary for this interpreter"
        )


def connect(connection: DatabaseConnection, option_hint: str = "login_url", **options: t.Any) -> t.Any:
    """A psycopg2 connection in autocommit, with limits of its own only. Raises DeployError.

    `option_hint` is the option that named the database; `options` go to libpq.
    """
    require_driver()
    arguments = {"connect_timeout": CONNECT_TIMEOUT, "application_name": APPLICATION_NAME}
    try:
        opened = psycopg2.connect(**{**arguments, **connection.psycopg2_arguments(), **options})
    except psycopg2.Error as exc:
        raise DeployError(explain(str(exc), connection, option_hint), cause=cause_of(str(exc))) from None
    except (TypeError, ValueError) as exc:
        text = without_secret(str(exc), connection)
        raise DeployError(f"login_url holds an option that PostgreSQL does not know: {text}") from None
    opened.autocommit = True
    if server_major(opened) < OLDEST_SERVER:
        found = server_version(opened)
        opened.close()
        raise DeployError(
            f"the server at {connection.where()} is PostgreSQL {found}; supported is {OLDEST_SERVER} or newer"
        )
    return opened


@contextlib.contextmanager
def connected(connection: DatabaseConnection, option_hint: str = "login_url", **options: t.Any) -> t.Iterator[t.Any]:
    opened = connect(connection, option_hint, **options)
    try:
        yield opened
    finally:
        opened.close()


class StatementFailed(DeployError):
    """A statement that the server refused; `pgcode` is its SQLSTATE, and `said` the server's words."""

    def __init__(self, said: str, pgcode: str) -> None:
        super().__init__(f"PostgreSQL refused a statement ({pgcode or 'connection lost'}): {said}")
        self.said = said
        self.pgcode = pgcode


def rows(opened: t.Any, statement: t.Any, values: t.Sequence[t.Any] = ()) -> list[tuple[t.Any, ...]]:
    """Run one statement; its rows, or none. Raises StatementFailed."""
    try:
        with opened.cursor() as cursor:
            cursor.execute(statement, list(values) or None)
            return list(cursor.fetchall()) if cursor.description else []
    except psycopg2.Error as exc:
        raise StatementFailed(" ".join(str(exc).split()), getattr(exc, "pgcode", None) or "") from exc


def server_major(opened: t.Any) -> int:
    return int(opened.server_version) // 10000


def server_version(opened: t.Any) -> str:
    """Such as 16.14: without the packager's words."""
    return str(rows(opened, "SHOW server_version")[0][0]).split()[0]
