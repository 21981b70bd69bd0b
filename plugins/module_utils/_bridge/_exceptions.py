# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exceptions of frameworks, drivers and applications mean. Pure; application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import errno
import os
import re
import socket
import traceback
import typing as t

#: SQLSTATEs of a lock that was not to be had in time and of a deadlock: trying again may succeed.
RETRYABLE = ("55P03", "40P01")
#: The same of SQLite, before Python 3.11 known by its words alone.
BUSY = "SQLITE_BUSY"

_CONNECTING = (
    (
        "password authentication failed",
        "the password is refused; correct it in the application's settings or environment",
    ),
    ("no password supplied", "no password is given; set it in the application's settings or environment"),
    ("no pg_hba.conf entry", "the server's pg_hba.conf has no line for it; add one, or connect from another host"),
    ("connection refused", "nothing listens there; start the server or correct host and port"),
    ("no such file or directory", "there is no such socket; start the server or correct its directory"),
    ("could not translate host name", "the host name is not known; correct it"),
    ("name or service not known", "the host name is not known; correct it"),
    ("failed to resolve host", "the host name is not known; correct it"),
    ("timeout expired", "the server does not answer; look at the network and the firewall"),
    ("timed out", "the server does not answer; look at the network and the firewall"),
    ("too many connections", "it has no free connection; raise max_connections or end idle sessions"),
    ("remaining connection slots", "it has no free connection; raise max_connections or end idle sessions"),
    ("too many clients", "it has no free connection; raise max_connections or end idle sessions"),
    ("starting up", "the server is still starting; run again in a moment"),
    ("shutting down", "the server is shutting down; start it"),
    ("not currently accepting connections", "the database refuses connections; it may be fenced by a deploy"),
    ("is not permitted to log in", "the role may not log in; ALTER ROLE … LOGIN"),
    ("permission denied for database", "the role lacks the CONNECT privilege; GRANT CONNECT ON DATABASE … TO …"),
)
#: What a network or a file that is kept away gives.
_KEPT_AWAY = (errno.EROFS, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL)


def cause_of(exc: t.Optional[BaseException]) -> t.Optional[BaseException]:
    """The driver's exception behind the framework's, or None."""
    while exc is not None:
        if getattr(exc, "diag", None) is not None or getattr(exc, "pgcode", None):
            return exc
        exc = exc.__cause__
    return None


def sqlstate_of(exc: BaseException) -> str:
    """PostgreSQL's five characters, or SQLite's word, such as SQLITE_BUSY."""
    driver = cause_of(exc)
    return str(getattr(driver, "sqlstate", None) or getattr(driver, "pgcode", None) or _sqlite_word(exc))


def _sqlite_word(exc: t.Optional[BaseException]) -> str:
    while exc is not None:
        if type(exc).__module__ == "sqlite3":
            locked = re.search(r"\b(database|database table|schema) is locked\b", str(exc))
            return BUSY if locked else str(getattr(exc, "sqlite_errorname", "") or "SQLITE_ERROR")
        exc = exc.__cause__
    return ""


def kept_away(exc: t.Optional[BaseException]) -> bool:
    """Whether an error comes from what a sandbox keeps away, also where the application has put another one around it."""
    seen: t.Set[int] = set()
    waiting = [exc]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        if isinstance(one, socket.gaierror) or (isinstance(one, OSError) and one.errno in _KEPT_AWAY):
            return True
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
    return False


def told(exc: BaseException, sandbox: str) -> str:
    """What it says, and where; and whether that need not be so where nothing is kept away."""
    place = place_of(exc)
    text = f"{summary(exc)}{', at ' + place if place else ''}"
    if sandbox == "none" or not kept_away(exc):
        return text
    return f"{text}; a rehearsal keeps {sandbox} away, so that it may well work in production"


def is_retryable(exc: BaseException) -> bool:
    return sqlstate_of(exc) in (*RETRYABLE, BUSY)


def lock_not_available(kind: t.Callable[[str], t.Any], limit: int) -> Exception:
    """An exception of this kind that says what the server says when one lock takes too long."""
    error = kind(f"canceled after waiting {limit} ms for locks, all locks of the transaction together")
    error.pgcode = RETRYABLE[0]
    return t.cast(Exception, error)


def database_error(exc: BaseException) -> dict[str, str]:
    """The server's own words without DETAIL, which quotes rows."""
    driver = cause_of(exc)
    if driver is None:
        return {}
    diag = getattr(driver, "diag", None)
    message = getattr(diag, "message_primary", None) or first_line(str(driver))
    state = sqlstate_of(exc)
    if state.startswith("22"):  # invalid input: the value stands after the colon
        message = re.sub(r':\s*".*', "", message, flags=re.DOTALL)
    found = {"sqlstate": state, "message": message}
    for name in ("schema_name", "table_name", "column_name", "constraint_name"):
        if getattr(diag, name, None):
            found[name.replace("_name", "")] = str(getattr(diag, name))
    return found


def first_line(text: str, limit: int = 300) -> str:
    line = next((part.strip() for part in text.split("\n") if part.strip()), "")
    return line if len(line) <= limit else line[:limit] + "…"


def summary(exc: BaseException) -> str:
    """Type and message in one line; what a database says without the rows that it quotes."""
    known = database_error(exc)
    if known.get("message"):
        names = ", ".join(f"{name} {known[name]}" for name in ("table", "column", "constraint") if name in known)
        return f"{known['message']} (SQLSTATE {known['sqlstate'] or 'unknown'}{'; ' + names if names else ''})"
    if isinstance(exc, SystemExit):
        return f"sys.exit({exc.code!r})"
    message = first_line(str(exc))
    if type(exc).__name__ == "BridgeError":  # one of our own sentences
        return message
    return f"{type(exc).__name__}: {message}" if message else type(exc).__name__


def place_of(exc: BaseException, root: str = "") -> str:
    """File and line in the application where it happened, or "" when it was in none of its files."""
    root = os.path.join(os.path.realpath(root or os.getcwd()), "")
    if isinstance(exc, SyntaxError) and exc.filename:
        return f"{_short(exc.filename, root)} line {exc.lineno}"
    own = [frame for frame in traceback.extract_tb(exc.__traceback__) if _is_own(frame.filename, root)]
    return f"{_short(own[-1].filename, root)} line {own[-1].lineno}" if own else ""


def _is_own(filename: str, root: str) -> bool:
    """A file of the project; not <frozen …>, not an environment inside of the project's directory."""
    real = os.path.realpath(filename)
    return not filename.startswith("<") and real.startswith(root) and "site-packages" not in real


def _short(filename: str, root: str) -> str:
    real = os.path.realpath(filename)
    return real[len(root) :] if real.startswith(root) else filename


def where(alias: str, settings: dict[str, t.Any]) -> str:
    """For messages: alias and connection, without the password."""
    host = str(settings.get("HOST") or "")
    place = host if host.startswith("/") else f"{host or 'the local socket'}:{settings.get('PORT') or 5432}"
    user = settings.get("USER") or "the default user"
    return f"{alias!r} ({user}@{place}/{settings.get('NAME') or ''})"


def connecting(alias: str, settings: dict[str, t.Any], exc: BaseException) -> str:
    """Why the database cannot be reached and what to do, in one sentence."""
    text = str(exc)
    lower = text.lower()
    missing = re.search(r'(database|role) "([^"]*)" does not exist', text)
    if missing:
        what = f"the {missing.group(1)} {missing.group(2)!r} does not exist; create it or correct the settings"
    else:
        what = next((meaning for sign, meaning in _CONNECTING if sign in lower), first_line(text))
    return f"the database {where(alias, settings)} cannot be used: {what}"
