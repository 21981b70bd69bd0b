# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalog tells about databases, sessions, rights and writes. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows, server_major
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._dump import human
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fence import (
    MARK,
    Database,
    Mark,
    Names,
    Situation,
    mark_of,
)

_DATABASE = """
SELECT d.oid, pg_catalog.pg_get_userbyid(d.datdba), d.datallowconn, d.datistemplate, d.datconnlimit,
       pg_catalog.shobj_description(d.oid, 'pg_database'), d.datacl IS NOT NULL,
       CASE WHEN s.spcname IN ('pg_default', 'pg_global') THEN '' ELSE pg_catalog.pg_tablespace_location(s.oid) END
FROM pg_catalog.pg_database AS d JOIN pg_catalog.pg_tablespace AS s ON s.oid = d.dattablespace WHERE d.datname = %s
"""
#: The size may be seen by who may connect.
_SIZE = """
SELECT CASE WHEN pg_catalog.has_database_privilege(oid, 'CONNECT') THEN pg_catalog.pg_database_size(oid) ELSE 0 END
FROM pg_catalog.pg_database WHERE oid = %s
"""
_ACL = """
SELECT r.rolname, a.privilege_type, a.is_grantable
FROM pg_catalog.pg_database AS d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) AS a
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee WHERE d.oid = %s ORDER BY r.rolname NULLS FIRST, a.privilege_type
"""
_SETTINGS = """
SELECT r.rolname, pg_catalog.unnest(s.setconfig) FROM pg_catalog.pg_db_role_setting AS s
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole WHERE s.setdatabase = %s ORDER BY 1 NULLS FIRST
"""
_RIGHTS = """
SELECT r.rolname, r.rolsuper, r.rolcreatedb, pg_catalog.pg_has_role(d.datdba, 'USAGE'),
       r.rolsuper OR pg_catalog.pg_has_role((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = 'pg_signal_backend'), 'USAGE')
FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d WHERE r.rolname = current_user AND d.oid = %s
"""
_OUT_OF_REACH = """
SELECT DISTINCT a.usename FROM pg_catalog.pg_stat_activity AS a JOIN pg_catalog.pg_roles AS r ON r.oid = a.usesysid
WHERE a.datid = %s AND a.pid <> pg_catalog.pg_backend_pid()
  AND (r.rolsuper OR NOT (%s OR pg_catalog.pg_has_role(a.usesysid, 'USAGE')))
"""
_COUNTERS = """
SELECT schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del, COALESCE(pg_catalog.pg_relation_filenode(relid), 0)
FROM pg_catalog.pg_stat_user_tables WHERE schemaname !~ '^pg_temp'
UNION ALL
SELECT 'large objects', n_tup_ins, n_tup_upd, n_tup_del, 0
FROM pg_catalog.pg_stat_sys_tables WHERE schemaname = 'pg_catalog' AND relname = 'pg_largeobject'
"""
_SINCE = """
SELECT (SELECT stats_reset FROM pg_catalog.pg_stat_bgwriter)::text || ' '
       || COALESCE((SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = current_database())::text, ''),
       (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
"""
#: What ties a database's name or place to something else, so that a fence or a swap would break it.
_TIES = (
    (
        "prepared transactions",
        "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = %s",
        "commit or roll back each of them",
    ),
    (
        "logical replication slots",
        "SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE slot_type = 'logical' AND database = %s",
        "drop the slots, or replicate again afterwards",
    ),
    (
        "subscriptions",
        "SELECT s.subname FROM pg_catalog.pg_subscription AS s JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid WHERE d.datname = %s",
        "drop the subscriptions first",
    ),
)


def observe(opened: t.Any, name: str) -> t.Optional[Database]:
    """One database, or None."""
    found = rows(opened, _DATABASE, [name])
    if not found:
        return None
    oid, owner, allows, template, limit, comment, has_acl, tablespace = found[0]
    settings = [(role, *str(entry).split("=", 1)) for role, entry in rows(opened, _SETTINGS, [oid])]
    acl = [(row[0], row[1], row[2]) for row in rows(opened, _ACL, [oid])] if has_acl else None
    size = int(rows(opened, _SIZE, [oid])[0][0])
    return Database(name, oid, owner, size, allows, template, limit, comment, acl, settings, tablespace)  # type: ignore[arg-type]


def situation(opened: t.Any, names: Names) -> Situation:
    found = [observe(opened, name) for name in (names.database, names.fenced, names.copy, names.failed)]
    return Situation(names, *found)


def marks(opened: t.Any) -> dict[str, Mark]:
    """Every database that a fence has made, by name."""
    statement = """SELECT datname, pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database
                   WHERE pg_catalog.starts_with(pg_catalog.shobj_description(oid, 'pg_database'), %s)"""
    found = {name: mark_of(comment) for name, comment in rows(opened, statement, [MARK])}
    return {name: mark for name, mark in found.items() if mark is not None}


def check_rights(opened: t.Any, database: Database) -> None:
    """The role may rename the database, make a copy and end its sessions. Raises DeployError."""
    role, superuser, createdb, owns, signals = rows(opened, _RIGHTS, [database.oid])[0]
    needs = f"the role {role!r} (login_user) cannot fence the database {database.name!r}: it"
    if not superuser and not owns:
        raise DeployError(
            f"{needs} is neither a superuser nor the owner {database.owner!r} or a member of it; connect as one of these"
        )
    if not superuser and not createdb:
        raise DeployError(
            f"{needs} may not create or rename databases; ALTER ROLE {role} CREATEDB, or connect as a superuser"
        )
    beyond = [name for (name,) in rows(opened, _OUT_OF_REACH, [database.oid, signals])] if not superuser else []
    if beyond:
        raise DeployError(
            f"{needs} may not end the sessions of {', '.join(sorted(beyond))}; grant pg_signal_backend (for sessions of a superuser, "
            "connect as a superuser)"
        )


def check_ties(opened: t.Any, admin: DatabaseConnection, name: str) -> None:
    """Nothing is tied to the database that a fence would break. Raises DeployError with what is, by name."""
    for what, statement, remedy in _TIES:
        found = [str(row[0]) for row in rows(opened, statement, [name])]
        if found:
            raise _tied(name, what, found, remedy)
    with connected(admin.to_database(name), "database") as inside:
        found = [str(row[0]) for row in rows(inside, "SELECT pubname FROM pg_catalog.pg_publication")]
    if found:
        raise _tied(name, "publications", found, "drop the publications first, or deploy without a fence")


def _tied(name: str, what: str, found: list[str], remedy: str) -> DeployError:
    return DeployError(f"the database {name!r} has {what} ({', '.join(sorted(found))}) and is not fenced; {remedy}")


def check_ordinary(database: Database) -> None:
    if database.is_template or not database.allows_connections:
        what = "is a template" if database.is_template else "allows no connections"
        raise DeployError(f"the database {database.name!r} {what}; name the application's own database")


def check_disk(opened: t.Any, admin: DatabaseConnection, database: Database) -> str:
    """Room for the safety copy, where this host can see the server's files; else a note why not. Raises DeployError."""
    if admin.host and not admin.host.startswith("/") and admin.host not in ("localhost", "127.0.0.1", "::1"):
        return "free space for the safety copy was not checked: the server is on another host"
    setting = rows(opened, "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'")
    place = database.tablespace or (str(setting[0][0]) if setting else "")
    try:
        state = os.statvfs(place)
    except OSError:
        return (
            "free space for the safety copy was not checked: this role and user do not see the server's data directory"
        )
    free, needed = state.f_bavail * state.f_frsize, int(database.size * 1.05) + (32 << 20)
    if free < needed:
        raise DeployError(
            f"the safety copy of {database.name!r} needs {human(needed)} and the file system of {place} has {human(free)} free; "
            "free some space, or close with safety_copy=false and rely on the backup"
        )
    return ""


def sessions(opened: t.Any, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
    """Who is connected to these databases. Autovacuum has no role, and leaves on its own."""
    statement = """SELECT pid, datname, COALESCE(usename, ''), COALESCE(application_name, ''), COALESCE(client_addr::text, 'local')
                   FROM pg_catalog.pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_catalog.pg_backend_pid()
                   AND usesysid IS NOT NULL"""
    keys = ("pid", "database", "user", "application_name", "address")
    return [dict(zip(keys, row)) for row in rows(opened, statement, [list(names)])]


def counters(admin: DatabaseConnection, name: str) -> dict[str, t.Any]:
    """What was ever written to each table of a database that nobody else is connected to."""
    with connected(admin.to_database(name), "database") as inside:
        read = _read_counters(inside)
        # Before version 15 a collector process tells what ended sessions did, up to half a second later.
        while server_major(inside) < 15:
            time.sleep(0.7)
            rows(inside, "SELECT pg_catalog.pg_stat_clear_snapshot()")
            again = _read_counters(inside)
            if again == read:
                break
            read = again
    return read


def _read_counters(inside: t.Any) -> dict[str, t.Any]:
    since, oid = rows(inside, _SINCE)[0]
    tables = {str(row[0]): [int(value) for value in row[1:]] for row in rows(inside, _COUNTERS)}
    return {"since": str(since), "oid": int(oid), "tables": tables}
