# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of Django's migrations. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import re
import typing as t

from . import _django_plan
from . import _exceptions as errors
from ._django_follow import followed, progress_of, recorded_inside
from ._django_session import DjangoSession
from ._failure import DJANGO, Progress
from ._guards import Guards
from ._protocol import BridgeError
from ._run import Run
from ._whole import settle

#: Django's own bookkeeping of models, of which more than is needed does no harm.
_BOOKS = re.compile(r'^\s*INSERT INTO "?(django_content_type|auth_permission)\b', re.I)
_WRITE = re.compile(r"^\s*(INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|TRUNCATE)\b", re.I)


class DjangoRun(Run):
    """Around Django's own executor."""

    words = DJANGO

    def __init__(
        self, connection: t.Any, arguments: dict[str, t.Any], answer: t.Any, guards: t.Optional[Guards] = None
    ) -> None:
        super().__init__(DjangoSession(connection), arguments, answer, guards or Guards())
        self._connection = connection
        self._migration: t.Any = None
        self._counting = False
        self.signal_writes = self.signal_rows = 0

    def begin(self, steps: t.Any, before: dict[str, str], described: list[t.Any]) -> None:
        self._planned = [f"{migration.app_label}.{migration.name}" for migration, _backwards in steps]
        self._before = before

    def observe(self, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        """An execute_wrapper: counts what succeeded."""
        result = execute(sql, params, many, context)
        self.count(str(sql))
        if self._progress is None and self._counting and _WRITE.match(str(sql)):
            self.signal_writes += 1
            self.signal_rows += not _BOOKS.match(str(sql))
        return result

    @contextlib.contextmanager
    def following_transactions(self) -> t.Iterator[None]:
        """Notice the begin and the end of each: Django's outermost atomic() leaves autocommit, and comes back to it."""
        original = self._connection.set_autocommit

        def followed(autocommit: bool, *args: t.Any, **kwargs: t.Any) -> None:
            self.transaction_ends() if autocommit else self.transaction_begins()
            original(autocommit, *args, **kwargs)

        self._connection.set_autocommit = followed
        try:
            yield
        finally:
            del self._connection.set_autocommit

    def transaction_begins(self) -> None:
        if self._budget:
            self._budget.new_transaction()

    def transaction_ends(self) -> None:
        """Nothing has to be done."""

    @contextlib.contextmanager
    def transaction(self) -> t.Iterator[None]:
        """One around everything, signals included, where that was asked for."""
        if not (self._whole and self._planned):
            yield
            return
        from django.db.transaction import atomic

        with self.telling_of_the_end(), atomic(using=self._connection.alias):
            self._inside = True
            try:
                yield
                settle(self._session)
            finally:
                self._inside = False

    @contextlib.contextmanager
    def counting_signal_writes(self) -> t.Iterator[None]:
        self._counting = True
        try:
            yield
        finally:
            self._counting = False

    def executor_class(self) -> t.Any:
        """Django's executor with this run around every single migration."""
        from django.db.migrations.executor import MigrationExecutor

        run = self

        class ObservedExecutor(MigrationExecutor):
            def apply_migration(
                self, state: t.Any, migration: t.Any, fake: bool = False, fake_initial: bool = False
            ) -> t.Any:
                apply = super().apply_migration
                # a copy for every attempt, where there may be several: applying changes the state that it is given
                given = state.clone if run.retries else lambda: state
                return run.one(migration, False, fake, lambda: apply(given(), migration, fake, fake_initial))

            def unapply_migration(self, state: t.Any, migration: t.Any, fake: bool = False) -> t.Any:
                unapply = super().unapply_migration
                return run.one(migration, True, fake, lambda: unapply(state, migration, fake))

        return ObservedExecutor

    def one(self, migration: t.Any, backwards: bool, fake: bool, act: t.Callable[[], t.Any]) -> t.Any:
        """One migration, forwards or backwards, with its attempts."""
        self._check_alone(migration, backwards)
        self._migration = migration
        atomic = bool(migration.atomic and self._connection.features.can_rollback_ddl)
        return self.attempts(lambda: progress_of(migration, backwards, atomic), act, fake)

    @contextlib.contextmanager
    def preparing(self, progress: Progress) -> t.Iterator[None]:
        with contextlib.ExitStack() as stack:
            for index, operation in enumerate(self._migration.operations):
                stack.enter_context(followed(operation, index, progress))
            if progress.atomic and not progress.backwards:
                stack.enter_context(recorded_inside(self._migration, progress))
            yield

    def _check_alone(self, migration: t.Any, backwards: bool) -> None:
        from django.db.migrations.recorder import MigrationRecorder

        self.check_lock()
        rows = MigrationRecorder(self._connection).migration_qs
        recorded = rows.filter(app=migration.app_label, name=migration.name).exists()
        if recorded != backwards and not migration.replaces:
            raise self.done_by_others(f"{migration.app_label}.{migration.name}", backwards)

    def refused(self, exc: Exception) -> BridgeError:
        """Django's own refusal of a whole plan."""
        message = f"Django refuses the plan: {errors.summary(exc)}. Nothing was changed by the refused step"
        return self.telling(lambda: BridgeError("refused", message, **self.standing()[0]))

    def signal_failed(self, which: str, exc: Exception) -> BridgeError:
        return self.telling(lambda: self._signal_failure(which, exc))

    def _signal_failure(self, which: str, exc: Exception) -> BridgeError:
        place = errors.place_of(exc)
        done = ", ".join(record["id"] for record in self.finished) or "no migration"
        message = (
            f"a receiver of {which}_migrate failed: {errors.summary(exc)}{', at ' + place if place else ''}. "
            f"In this run {done} was applied; correct the receiver and run again"
        )
        return BridgeError("signal", message, **self.standing()[0])

    def read_records(self) -> tuple[t.Any, list[str]]:
        if not self._connection.in_atomic_block and not self._connection.is_usable():
            self._connection.close()
        loader = _django_plan.new_executor(self._connection).loader
        return _django_plan.heads(loader), sorted(f"{app}.{name}" for app, name in loader.applied_migrations)
