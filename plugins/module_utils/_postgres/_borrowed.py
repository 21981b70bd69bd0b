# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scratch database that somebody made beforehand: used only while it is empty, emptied afterwards. Target; PRIVATE to the collection.

It gets a mark before anything else, which names what was there; whatever else a marked database holds is a rehearsal's.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _emptying
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import (
    StatementFailed,
    connected,
    rows,
    server_major,
    sql,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._limits import end_sessions
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._scratch import LOCK, key_of

#: Seconds until the sessions of a killed rehearsal have ended, and until those that end by themselves have.
PATIENCE, BRIEFLY = 10, 2

_HERE = """
SELECT pg_catalog.current_database(), d.oid::bigint, pg_catalog.pg_encoding_to_char(d.encoding),
  (SELECT pg_catalog.pg_encoding_to_char(s.encoding) FROM pg_catalog.pg_database AS s WHERE s.datname = %s),
  (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user)
FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
"""
_MAY = """
SELECT pg_catalog.pg_has_role(d.datdba, 'USAGE') AND coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), true)
FROM pg_catalog.pg_database AS d LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'public'
WHERE d.datname = pg_catalog.current_database()
"""
_OTHERS = """
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'
  AND pid NOT IN (SELECT l.pid FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'advisory' AND l.classid = %s)
"""


@contextlib.contextmanager
def borrowed(admin: DatabaseConnection, name: str, source: str, owner: str) -> t.Iterator[tuple[str, bool]]:
    """The database `name`, empty; (its name, whether admin is a superuser). Empty again when this ends. Raises DeployError.

    owner: whose the objects in it are, where admin is no superuser.
    """
    _check_name(name, source)
    target = admin.to_database(name)
    with connected(target, "scratch_database") as opened:
        oid, superuser = _prove(opened, name, source)
        rows(opened, "SET idle_session_timeout = 0" if server_major(opened) >= 14 else "SELECT 1")
        if not rows(opened, "SELECT pg_catalog.pg_try_advisory_lock(%s, %s)", (LOCK, key_of(name)))[0][0]:
            raise _refusal(name, "another rehearsal uses it", "wait until that has ended, and run again")
        _become(opened, name, superuser, owner)
        _take(opened, name, oid)
        try:
            yield name, superuser
        finally:
            # A connection of its own: the first one may have been ended.
            with connected(target, "scratch_database") as last:
                _become(last, name, superuser, owner)
                _give_back(last, name)


def _check_name(name: str, source: str) -> None:
    if name in (source, "postgres", "template0", "template1"):
        what = "the production database itself" if name == source else "a database of the server's own"
        raise _refusal(name, f"that is {what}", "name one that was made for rehearsals")
    if "=" in name or "/" in name:
        raise _refusal(name, "client programs would not take that for a name", "give it a plain one")


def _prove(opened: t.Any, name: str, source: str) -> tuple[int, bool]:
    """(its oid, whether this is a superuser). A pooler may lead to another database than the one that was named."""
    found, oid, encoding, wanted, superuser = rows(opened, _HERE, (source,))[0]
    if found != name:
        raise _refusal(name, f"the connection led to {found!r}", "connect to the server itself, without a pooler")
    if wanted is None:
        raise _refusal(name, f"the database {source!r} is not on its server", "make one beside it")
    if encoding != wanted:
        raise _refusal(name, f"its encoding is {encoding} and not {wanted}", f"make it with ENCODING '{wanted}'")
    return int(oid), bool(superuser)


def _become(opened: t.Any, name: str, superuser: bool, owner: str) -> None:
    """What is made here must be the owner's to remove, and nobody else is here to wait for."""
    rows(opened, "SET lock_timeout = '30s'")
    if superuser:
        return
    rows(opened, sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
    if not rows(opened, _MAY)[0][0]:
        raise _refusal(
            name,
            f"the role {owner!r} is not its owner, or may not create tables in its schema public",
            f'make "{owner}" the owner of both',
        )


def _take(opened: t.Any, name: str, oid: int) -> None:
    """Leave it empty and marked, or as it is. Raises DeployError."""
    if _emptying.marked(opened, oid):
        _end_others(opened, name)
        _emptied(opened, name)
        return
    # A rehearsal that has just ended may still be closing its sessions.
    if not _alone(opened, lambda: None, BRIEFLY):
        raise _refusal(name, "others are connected to it", "end their sessions, or name another one")
    found = _emptying.first_object(opened)
    if found:
        raise _refusal(name, f"it is not empty: it holds the {found}", "name one that is empty and made for rehearsals")
    _emptying.mark(opened, oid)


def _give_back(opened: t.Any, name: str) -> None:
    _end_others(opened, name)
    _emptied(opened, name)
    _emptying.unmark(opened)
    rows(opened, sql.SQL("ALTER DATABASE {} RESET synchronous_commit").format(sql.Identifier(name)))


def _end_others(opened: t.Any, name: str) -> None:
    """What a rehearsal started and did not end: the application's interpreter, a client program."""
    if not _alone(opened, lambda: end_sessions(opened, name), PATIENCE):
        raise _refusal(name, "sessions in it cannot be ended", "end them, and run again")


def _alone(opened: t.Any, act: t.Callable[[], None], patience: float) -> bool:
    until = time.monotonic() + patience
    while True:
        act()
        if rows(opened, _OTHERS, (LOCK,))[0][0] == 0:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.1)


def _emptied(opened: t.Any, name: str) -> None:
    try:
        _emptying.empty(opened)
    except StatementFailed as exc:
        raise _refusal(name, f"it cannot be emptied: {exc.said}", "drop it and make it again") from exc


def _refusal(name: str, found: str, advice: str) -> DeployError:
    return DeployError(f"scratch_database {name!r} cannot be used: {found}; {advice}", kind="scratch")
