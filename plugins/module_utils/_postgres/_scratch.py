# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scratch databases: made for one rehearsal, and found again when it died. Target; PRIVATE to the collection.

Whoever made one holds an advisory lock for as long as it lives; a scratch database whose lock nobody holds belongs to nobody.
"""

from __future__ import annotations

import contextlib
import secrets
import typing as t
import zlib

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import (
    StatementFailed,
    connected,
    rows,
    server_major,
    sql,
)

PREFIX = "seamless_rehearsal_"
#: Half of the lock's key; the other half is made from the name.
LOCK = 0x5EA41E55
_HELD = """
SELECT l.objid::bigint FROM pg_catalog.pg_locks AS l
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = %s
"""
_NAMES = "SELECT datname FROM pg_catalog.pg_database WHERE datname LIKE 'seamless\\_rehearsal\\_%'"
_ALLOWED = "SELECT rolsuper, rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user"
_SETTINGS = """
SELECT coalesce(r.rolname, ''), c.setting
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL unnest(s.setconfig) AS c(setting)
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = %s) AND (s.setrole = 0 OR r.rolname IS NOT NULL)
"""


def key_of(name: str) -> int:
    """The name's half of the lock's key. Pure."""
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


def sweep(opened: t.Any) -> list[str]:
    """Remove scratch databases that nobody rehearses on any more; their names. Raises DeployError."""
    names = [name for (name,) in rows(opened, _NAMES)]
    held = {key for (key,) in rows(opened, _HELD, (LOCK,))}
    left = [name for name in names if key_of(name) not in held]
    for name in left:
        rows(opened, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    return left


def privileges(opened: t.Any, admin: DatabaseConnection) -> bool:
    """Whether this is a superuser. Raises DeployError when it may not even make a database."""
    superuser, allowed = rows(opened, _ALLOWED)[0]
    if not allowed:
        raise DeployError(
            f"the role of {admin.where()} may not create a scratch database; grant it CREATEDB, give an admin connection, "
            "or make a database beforehand and name it in scratch_database"
        )
    return bool(superuser)


@contextlib.contextmanager
def scratch(admin: DatabaseConnection, source: str, owner: str) -> t.Iterator[tuple[str, bool]]:
    """An empty database beside `source`, with its encoding, locale and settings; (its name, whether admin is a superuser).

    Gone when this ends, however it ends; what a killed one left goes with the next. Raises DeployError.
    """
    with connected(admin, "login_url") as opened:
        superuser = privileges(opened, admin)
        sweep(opened)
        name = f"{PREFIX}{secrets.token_hex(6)}"
        rows(opened, "SELECT pg_catalog.pg_advisory_lock(%s, %s)", (LOCK, key_of(name)))
        try:
            _create(opened, name, source, owner)
            yield name, superuser
        finally:
            # A connection of its own: the first one may have been idle for too long.
            with connected(admin, "login_url") as last:
                rows(last, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _create(opened: t.Any, name: str, source: str, owner: str) -> None:
    rows(opened, "SET idle_session_timeout = 0" if server_major(opened) >= 14 else "SELECT 1")
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {} {}").format(
        sql.Identifier(name), sql.Identifier(owner), sql.SQL(" ").join(_locale(opened, source))
    )
    try:
        rows(opened, statement)
        for role, setting in rows(opened, _SETTINGS, (source,)):
            _set(opened, name, role, setting)
    except StatementFailed as exc:
        raise DeployError(f"the scratch database for a rehearsal cannot be made: {exc.said}") from exc


def _set(opened: t.Any, name: str, role: str, setting: str) -> None:
    option, _equals, value = setting.partition("=")
    who = sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(role), sql.Identifier(name))
    whom = who if role else sql.SQL("DATABASE {}").format(sql.Identifier(name))
    # Lists such as search_path are stored as they are written, and quoting them would make one name of them.
    shown = sql.SQL(value) if option in ("search_path", "session_preload_libraries") else sql.Literal(value)
    rows(opened, sql.SQL("ALTER {} SET {} = {}").format(whom, sql.Identifier(*option.split(".")), shown))


def _locale(opened: t.Any, source: str) -> list[t.Any]:
    """Encoding and locale of the source, as CREATE DATABASE takes them."""
    major = server_major(opened)
    more = ["datlocprovider" if major >= 15 else "'c'"]
    more.append("datlocale" if major >= 17 else "daticulocale" if major >= 15 else "NULL")
    found = rows(
        opened,
        "SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype, "
        + ", ".join(more)
        + " FROM pg_catalog.pg_database WHERE datname = %s",
        (source,),
    )
    if not found:
        raise DeployError(f"the database {source!r} does not exist; correct the name")
    encoding, collate, ctype, provider, locale = found[0]
    parts = [("ENCODING", encoding), ("LC_COLLATE", collate), ("LC_CTYPE", ctype)]
    if provider == "i":
        parts += [("LOCALE_PROVIDER", "icu"), ("ICU_LOCALE", locale)]
    elif provider == "b":
        parts += [("LOCALE_PROVIDER", "builtin"), ("BUILTIN_LOCALE", locale)]
    return [sql.SQL("{} = {}").format(sql.SQL(word), sql.Literal(value)) for word, value in parts]
