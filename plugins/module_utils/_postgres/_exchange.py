# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanging databases under the nose of their applications. Target; PRIVATE to the collection."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _catalog
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import (
    StatementFailed,
    connected,
    rows,
    server_major,
    sql,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fence import Database, split_guc_list, strategy

#: Another session is in the way: worth another try. Object in use, lock timeout, deadlock.
IN_THE_WAY = ("55006", "55P03", "40P01")
#: Settings whose value is a list of names: written as several words, as pg_dump does.
LISTS = (
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
)


class _Attempt(threading.Thread):
    """One try at the statements, in one transaction.

    A rename locks the database against newcomers and waits up to five seconds for those inside to leave.
    They are ended meanwhile, from another connection: so no application can win by reconnecting fast.
    """

    def __init__(self, opened: t.Any, statements: t.Sequence[t.Any]) -> None:
        super().__init__(daemon=True)
        self.error: t.Optional[StatementFailed] = None
        self._opened = opened
        self._statements = statements

    def run(self) -> None:
        try:
            rows(self._opened, "BEGIN")
            for statement in self._statements:
                rows(self._opened, statement)
            rows(self._opened, "COMMIT")
        except StatementFailed as exc:
            self.error = exc
            with contextlib.suppress(StatementFailed):
                rows(self._opened, "ROLLBACK")


def exchange(
    admin: DatabaseConnection, databases: t.Sequence[str], statements: t.Sequence[t.Any], timeout: float
) -> list[dict[str, t.Any]]:
    """Run `statements` in one transaction while every session of `databases` is ended; who was ended, and how often.

    Raises DeployError, with nothing changed.
    """
    ended: collections.Counter[tuple[str, ...]] = collections.Counter()
    seen: set[int] = set()
    deadline = time.monotonic() + timeout
    with connected(admin) as worker, connected(admin) as watcher:
        for setting in ("lock_timeout = '5s'", "statement_timeout = 0", "idle_in_transaction_session_timeout = 0"):
            rows(worker, f"SET {setting}")
        while True:
            attempt = _Attempt(worker, statements)
            attempt.start()
            try:
                while attempt.is_alive():
                    _end_sessions(watcher, databases, ended, seen)
                    attempt.join(0.02)
            except StatementFailed as exc:
                worker.cancel()
                attempt.join()
                raise DeployError(
                    f"a session of {', '.join(databases)} cannot be ended: {exc.said}; nothing was changed"
                ) from exc
            if attempt.error is None:
                return _summary(ended)
            if attempt.error.pgcode not in IN_THE_WAY:
                raise DeployError(
                    f"{', '.join(databases)} cannot be exchanged: {attempt.error.said}; nothing was changed"
                )
            if time.monotonic() >= deadline:
                raise _gave_up(databases, timeout, _summary(ended), _catalog.sessions(watcher, databases))


def _end_sessions(
    watcher: t.Any, databases: t.Sequence[str], ended: t.Counter[tuple[str, ...]], seen: set[int]
) -> None:
    for session in _catalog.sessions(watcher, databases):
        rows(watcher, "SELECT pg_catalog.pg_terminate_backend(%s)", [session["pid"]])
        if session["pid"] not in seen:
            seen.add(session["pid"])
            ended[(session["database"], session["user"], session["application_name"], session["address"])] += 1


def _summary(ended: t.Counter[tuple[str, ...]]) -> list[dict[str, t.Any]]:
    keys = ("database", "user", "application_name", "address")
    return [{**dict(zip(keys, who)), "count": count} for who, count in ended.most_common()]


def _gave_up(
    databases: t.Sequence[str], timeout: float, ended: list[dict[str, t.Any]], left: list[dict[str, t.Any]]
) -> DeployError:
    who = [
        f"{one['user']} ({one['application_name'] or 'unnamed'}, from {one['address']}) {one['count']} times"
        for one in ended
    ]
    stuck = [f"process {one['pid']} of {one['user']}" for one in left]
    named = "; ".join(who[:10]) or "none that this role may see"
    return DeployError(
        f"the sessions of {', '.join(databases)} did not all end within {timeout:.0f} seconds (timeout); nothing was changed. "
        f"Ended: {named}. Still there: {', '.join(stuck[:10]) or 'none'}. Stop these programs first, or allow more time",
        ended_sessions=ended,
    )


def rename(old: str, new: str) -> t.Any:
    return sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))


def comment(name: str, text: t.Optional[str]) -> t.Any:
    return sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(text))


def create_copy(admin: DatabaseConnection, template: Database, name: str, timeout: float) -> None:
    """CREATE DATABASE … TEMPLATE, by whichever way of copying suits the size. Raises DeployError."""
    deadline = time.monotonic() + timeout
    with connected(admin) as opened:
        rows(opened, "SET statement_timeout = 0")
        way = strategy(template.size, server_major(opened))
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}{}").format(
            sql.Identifier(name),
            sql.Identifier(template.name),
            sql.Identifier(template.owner),
            sql.SQL(f" STRATEGY = {way}" if way else ""),
        )
        while True:
            try:
                rows(opened, statement)
                return
            except StatementFailed as exc:
                if exc.pgcode not in IN_THE_WAY or time.monotonic() >= deadline:
                    raise DeployError(
                        f"the safety copy {name!r} (safety_copy) cannot be made: {exc.said}"
                        + ("; free some space on the database server" if exc.pgcode == "53100" else "")
                    ) from exc
                time.sleep(0.2)


def dress(admin: DatabaseConnection, original: Database, name: str, more: t.Sequence[t.Any]) -> None:
    """Give a copy what a template does not pass on: settings, limit and grants; with `more` in one transaction. Raises DeployError."""
    with connected(admin) as opened:
        try:
            rows(opened, "BEGIN")
            for statement in [*_settings(original, name), *_limit(original, name), *_grants(original, name), *more]:
                rows(opened, statement)
            rows(opened, "COMMIT")
        except StatementFailed as exc:
            raise DeployError(
                f"the settings, limits and grants of {original.name!r} cannot be copied to {name!r}: {exc.said}; connect as a superuser"
            ) from exc


def _settings(original: Database, name: str) -> list[t.Any]:
    statements = []
    for role, setting, value in original.settings:
        whose = sql.SQL("ALTER DATABASE {}").format(sql.Identifier(name))
        if role is not None:
            whose = sql.SQL("ALTER ROLE {} IN DATABASE {}").format(sql.Identifier(role), sql.Identifier(name))
        words = split_guc_list(value) if setting.lower() in LISTS else [value]
        values = sql.SQL(", ").join([sql.Literal(word) for word in words] or [sql.Literal("")])
        statements.append(sql.SQL("{} SET {} TO {}").format(whose, sql.Identifier(*setting.split(".")), values))
    return statements


def _limit(original: Database, name: str) -> list[t.Any]:
    if original.connection_limit == -1:
        return []
    limit = sql.Literal(original.connection_limit)
    return [sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(sql.Identifier(name), limit)]


def _grants(original: Database, name: str) -> list[t.Any]:
    if original.acl is None:
        return []
    on = sql.Identifier(name)
    statements = [sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}").format(on, sql.Identifier(original.owner))]
    for grantee, privilege, grantable in original.acl:
        statements.append(
            sql.SQL("GRANT {} ON DATABASE {} TO {}{}").format(
                sql.SQL(privilege),
                on,
                sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC"),
                sql.SQL(" WITH GRANT OPTION" if grantable else ""),
            )
        )
    return statements


def drop(admin: DatabaseConnection, name: str, force: bool) -> None:
    """Raises DeployError."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {}{}").format(
        sql.Identifier(name), sql.SQL(" WITH (FORCE)" if force else "")
    )
    with connected(admin) as opened:
        try:
            rows(opened, statement)
        except StatementFailed as exc:
            raise DeployError(f"the database {name!r} cannot be dropped: {exc.said}") from exc
