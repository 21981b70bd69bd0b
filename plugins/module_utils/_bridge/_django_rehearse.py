# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrates a scratch copy, and tells of each migration what it did there.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from . import _django_apply, _django_check, _django_describe, _django_plan, _django_setup, _exceptions
from ._django_run import DjangoRun
from ._observer import Observer
from ._protocol import BridgeError
from ._sandbox import enclose, end_with, prepare
from ._sqlite_locks import observer_for


def rehearse(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """Apply the plan to the database `database_name`.

    Progress, each waited for, so that the caller can read the catalog: `begin`, then `evidence` of each migration, the failed one too.
    With loaded_first also `history`, before the records of migrations are read, and `loaded`, before the database is used otherwise:
    it may still be in the making.
    """
    if not arguments.get("database_name"):
        raise BridgeError("request", "a rehearsal needs database_name, the scratch copy")
    prepare()
    end_with(answer.go, arguments.get("seconds"))
    _django_setup.prepare({**arguments, "other_databases": "refuse"}, answer, "migrate")
    if arguments.get("loaded_first"):
        answer.ask("history")
    connection = _django_setup.connect(arguments)
    run = Rehearsal(connection, arguments, answer)
    plan = _django_apply.planned(connection, arguments, run)
    if arguments.get("loaded_first"):
        answer.ask("loaded")
    _django_check.refuse_serious(connection.alias)
    _django_apply.register_signals()
    connection.prepare_database()
    run.sandbox = enclose(_django_setup.host_of(connection))
    with contextlib.ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(run.watch))
        stack.enter_context(run.following_transactions())
        done = _django_apply.migrate(run, plan, arguments)
    return {**done, "sandbox": run.sandbox}


class Rehearsal(DjangoRun):
    """A run without lock, budget and second attempts: nobody else is there."""

    def __init__(self, connection: t.Any, arguments: dict[str, t.Any], answer: t.Any) -> None:
        super().__init__(connection, arguments, answer)
        self.sandbox = "none"
        self._observer: t.Optional[Observer] = None
        self._data: list[bool] = []

    def begin(self, steps: t.Any, before: dict[str, str], described: list[t.Any]) -> None:
        super().begin(steps, before, described)
        release = _django_describe.of_release(self._connection)
        plan = [migration.to_json() for migration in described]
        self._answer.ask("begin", plan=plan, release=release, sandbox=self.sandbox)

    def signal_failed(self, which: str, exc: Exception) -> BridgeError:
        failed = super().signal_failed(which, exc)
        failed.detail["sqlstate"] = _exceptions.sqlstate_of(exc)
        failed.detail["kept_away"] = _exceptions.kept_away(exc)
        return failed

    def _query(self, sql: str) -> list[t.Any]:
        """Past the wrappers, so that it is not observed itself."""
        with self._connection.wrap_database_errors:
            self._connection.ensure_connection()
            cursor = self._connection.connection.cursor()
            try:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []
            finally:
                cursor.close()

    def one(self, migration: t.Any, backwards: bool, fake: bool, act: t.Callable[[], t.Any]) -> t.Any:
        self._observer = observer_for(self._connection.vendor, self._query)
        self._data = [_django_plan.is_data(operation) for operation in migration.operations]
        began = time.monotonic()
        failed: t.Optional[BridgeError] = None
        try:
            return super().one(migration, backwards, fake, act)
        except BridgeError as exc:
            failed = exc
            raise
        finally:
            seconds = round(time.monotonic() - began, 3)
            observer, self._observer = self._observer, None
            self._tell(f"{migration.app_label}.{migration.name}", seconds, observer, failed)

    def _tell(self, name: str, seconds: float, observer: Observer, failed: t.Optional[BridgeError]) -> None:
        failure = failed.detail.get("failure") if failed else None
        told = {"id": name, "seconds": seconds, "failure": failure, "sandbox": self.sandbox}
        self._answer.ask("evidence", **told, **observer.told())

    def watch(self, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        """An execute_wrapper."""
        observer, progress = self._observer, self._progress
        if observer is None or progress is None:
            return self.observe(execute, sql, params, many, context)
        code = progress.current is not None and self._data[progress.current]
        return observer.run(
            str(sql),
            self._connection.in_atomic_block,
            code,
            lambda: self.observe(execute, sql, params, many, context),
        )

    def transaction_begins(self) -> None:
        if self._observer is not None:
            self._observer.begin()

    def transaction_ends(self) -> None:
        if self._observer is not None:
            self._observer.end()
