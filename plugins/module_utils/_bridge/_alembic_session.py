# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLAlchemy's connection as a Session. Application's interpreter, PostgreSQL only; PRIVATE to the collection."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import typing as t

from . import _exceptions as errors
from ._alembic_connect import Target, arguments_of
from ._alembic_cursor import driver_connection, in_autocommit, literal, rows_of
from ._session import Session


class Canceled(Exception):
    """A statement that was ended because it had waited long enough."""

    pgcode = ""


def filled(sql: str, arguments: t.Any) -> str:
    """Values go into the text, since each driver has placeholders of its own."""
    return sql % tuple(literal(value) for value in arguments) if arguments else sql


class AlembicSession(Session):
    """The connection of Alembic's MigrationContext, which changes it in an autocommit_block."""

    def __init__(self, context: t.Any, target: Target, alias: str) -> None:
        self._context = context
        self._target = target
        self._alias = alias
        self._trying = False

    @property
    def _connection(self) -> t.Any:
        return self._context.connection

    def rows(self, sql: str, arguments: t.Any = None) -> t.List[t.Any]:
        return rows_of(self._connection, filled(sql, arguments), keep_open=self._trying)

    def inside(self) -> bool:
        return bool(self._connection.in_transaction()) and not in_autocommit(self._connection)

    def usable(self) -> bool:
        try:
            return self.rows("SELECT 1") != []
        except Exception:
            return False

    @contextlib.contextmanager
    def trial(self) -> t.Iterator[None]:
        if in_autocommit(self._connection):
            with super().trial():
                yield
            return
        self._trying = True
        try:
            yield
        finally:
            self._trying = False
            self._connection.connection.rollback()

    def beside(self, name: str) -> Session:
        connection = self._connection
        found, dialect = arguments_of(connection), connection.dialect
        if found is None:  # the engine has a `creator` of its own
            return SideSession(dialect, lambda: connection.engine.pool._invoke_creator(None), name, self.refusal)
        arguments, named = found
        return SideSession(dialect, lambda: dialect.connect(*arguments, **named), name, self.refusal)

    def announced(self) -> int:
        return _announced(driver_connection(self._connection))

    def refusal(self, exc: BaseException) -> str:
        place = {
            "HOST": self._target.host,
            "PORT": self._target.port,
            "USER": self._target.user,
            "NAME": self._target.name,
        }
        return errors.connecting(self._alias, place, exc)

    def lock_not_available(self, limit: int) -> Exception:
        return errors.lock_not_available(Canceled, limit)


class SideSession(Session):
    """A second connection by the same driver, in autocommit; connects when it is first used.

    An asynchronous driver gets an event loop in a thread of its own.
    """

    def __init__(
        self,
        dialect: t.Any,
        connect: t.Callable[[], t.Any],
        name: str,
        refusal: t.Callable[[BaseException], str],
    ) -> None:
        self._dialect = dialect
        self._connect = connect
        self._name = name
        self._refusal = refusal
        self._raw: t.Any = None
        self._loop: t.Any = None

    def rows(self, sql: str, arguments: t.Any = None) -> t.List[t.Any]:
        return t.cast(t.List[t.Any], self._do(lambda: self._rows(filled(sql, arguments))))

    def _rows(self, sql: str) -> t.List[t.Any]:
        if self._raw is None:
            self._raw = self._connect()
            self._raw.autocommit = True
            self._rows(f"SET application_name = {literal(self._name)}")  # what shows in pg_stat_activity
        cursor = self._raw.cursor()
        try:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def _do(self, work: t.Callable[[], t.Any]) -> t.Any:
        if not getattr(self._dialect, "is_async", False):
            return work()
        from sqlalchemy.util import greenlet_spawn

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="seamless-side", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(greenlet_spawn(work), self._loop).result()

    def inside(self) -> bool:
        return False

    def usable(self) -> bool:
        return self._raw is not None

    def close(self) -> None:
        with contextlib.suppress(Exception):
            if self._raw is not None:
                self._do(self._raw.close)
        self._raw = None
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def announced(self) -> int:
        self.rows("SELECT 1")
        return _announced(self._raw)

    def refusal(self, exc: BaseException) -> str:
        return self._refusal(exc)


def _announced(driver: t.Any) -> int:
    """The number that psycopg or asyncpg was told; 0 where the driver does not say."""
    inner = getattr(driver, "_connection", driver)
    if hasattr(inner, "get_server_pid"):
        return int(inner.get_server_pid())
    return int(getattr(getattr(inner, "info", None), "backend_pid", 0))
