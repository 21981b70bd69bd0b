# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of migrations: each observed, tried again where that may help, and its failure told.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import time
import typing as t

from . import _django_plan, _django_whole, _failure
from . import _exceptions as errors
from ._budget import Retries
from ._django_follow import followed, recorded_inside
from ._django_whole import Undone
from ._failure import Progress
from ._protocol import BridgeError

_SAVEPOINT = ("SAVEPOINT", "RELEASE", "ROLLBACK TO")
_WRITE = re.compile(r"^\s*(INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|TRUNCATE)\b", re.I)


class Run:
    """State of one run. `finished` holds a record of each completed migration, in order."""

    def __init__(
        self, connection: t.Any, arguments: dict[str, t.Any], answer: t.Any, lock: t.Any, budget: t.Any, watcher: t.Any
    ) -> None:
        self._connection = connection
        self._arguments = arguments
        self._answer = answer
        self._lock = lock
        self._budget = budget
        self._watcher = watcher
        self._progress: t.Optional[Progress] = None
        self._counting = False
        self._whole = bool(arguments.get("one_transaction"))
        self._inside = False  # of the one transaction
        self._steps: list[t.Any] = []
        self._before: dict[str, str] = {}
        self.signal_writes = 0
        self.finished: list[dict[str, t.Any]] = []

    def begin(self, steps: t.Any, before: dict[str, str], described: list[t.Any]) -> None:
        self._steps, self._before = list(steps), before

    def observe(self, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        """An execute_wrapper: counts what succeeded."""
        result = execute(sql, params, many, context)
        if self._progress is not None:
            self._progress.statements += not str(sql).startswith(_SAVEPOINT)
        elif self._counting and _WRITE.match(str(sql)):
            self.signal_writes += 1
        return result

    @contextlib.contextmanager
    def transaction(self) -> t.Iterator[None]:
        """One around everything, signals included, where that was asked for: what fails in it leaves nothing."""
        if not (self._whole and self._steps):
            yield
            return
        from django.db.transaction import atomic

        try:
            with atomic(using=self._connection.alias):
                self._inside = True
                try:
                    yield
                    _django_whole.settle(self._connection)
                finally:
                    self._inside = False
        except Undone as undone:
            self._keep_recorded()
            raise undone.tell() from None
        except Exception as exc:
            self._keep_recorded()
            raise self._end_failed(exc) from None

    def _keep_recorded(self) -> None:
        """After the rollback: whether it was one is not known before the records were read."""
        recorded = set(self._standing()[1] or [])
        self.finished[:] = [record for record in self.finished if (record["id"] in recorded) != record["backwards"]]

    @contextlib.contextmanager
    def counting_signal_writes(self) -> t.Iterator[None]:
        self._counting = True
        try:
            yield
        finally:
            self._counting = False

    def told(self) -> dict[str, t.Any]:
        """What was done besides the migrations."""
        ending = self._watcher.ending if self._watcher else None
        return {
            "dropped_invalid_indexes": list(self._budget.repaired) if self._budget else [],
            "kept_indexes": list(self._budget.kept) if self._budget else [],
            "ended_blockers": list(ending.ended) if ending else [],
            "blocker_problems": list(ending.problems) if ending else [],
        }

    def executor_class(self) -> t.Any:
        """Django's executor with this run around every single migration."""
        from django.db.migrations.executor import MigrationExecutor

        run = self

        class ObservedExecutor(MigrationExecutor):
            def apply_migration(
                self, state: t.Any, migration: t.Any, fake: bool = False, fake_initial: bool = False
            ) -> t.Any:
                apply = super().apply_migration
                # a copy for every attempt: applying changes the state that it is given
                return run.one(migration, False, fake, lambda: apply(state.clone(), migration, fake, fake_initial))

            def unapply_migration(self, state: t.Any, migration: t.Any, fake: bool = False) -> t.Any:
                unapply = super().unapply_migration
                return run.one(migration, True, fake, lambda: unapply(state, migration, fake))

        return ObservedExecutor

    def one(self, migration: t.Any, backwards: bool, fake: bool, act: t.Callable[[], t.Any]) -> t.Any:
        """One migration, forwards or backwards, with its attempts."""
        self._check_alone(migration, backwards)
        atomic = bool(migration.atomic and self._connection.features.can_rollback_ddl)
        count = 0 if self._whole else int(self._arguments.get("retries", 0))
        retries = Retries(count, float(self._arguments.get("retry_time", 0)))
        started, clock = _now(), time.monotonic()
        self._answer.progress("started", migration=f"{migration.app_label}.{migration.name}", at=started)
        while True:
            progress = self._progress = Progress(migration, backwards, atomic)
            try:
                with self._attempt(migration, progress, retries):
                    result = act()
                    if self._inside:
                        _django_whole.settle(self._connection)
                break
            except (Exception, SystemExit) as exc:
                clean = atomic or not progress.completed
                if not (clean and retries.again(exc)):
                    raise self._failed(progress, exc, retries.used) from None
            finally:
                self._progress = None
        seconds = round(time.monotonic() - clock, 3)
        self._finish(progress, started, seconds, retries.used, faked=fake or not progress.touched)
        return result

    @contextlib.contextmanager
    def _attempt(self, migration: t.Any, progress: Progress, retries: Retries) -> t.Iterator[None]:
        if self._budget:
            self._budget.retries = retries
            self._budget.begin()
        with contextlib.ExitStack() as stack:
            if self._budget:
                stack.callback(self._budget.end)
            for index, operation in enumerate(migration.operations):
                stack.enter_context(followed(operation, index, progress))
            if progress.atomic and not progress.backwards:
                stack.enter_context(recorded_inside(migration, progress))
            yield

    def _finish(self, progress: Progress, started: str, seconds: float, retries: int, faked: bool) -> None:
        record = {
            "id": progress.id,
            "backwards": progress.backwards,
            "started": started,
            "finished": _now(),
            "seconds": seconds,
            "statements": progress.statements,
            "retries": retries,
            "faked": faked,
        }
        self.finished.append(record)
        self._answer.progress("finished", **record)

    def _check_alone(self, migration: t.Any, backwards: bool) -> None:
        """A migrate run by hand knows nothing of our lock: it shows in the records."""
        from django.db.migrations.recorder import MigrationRecorder

        if self._lock is not None and not self._lock.is_held():
            raise self._stopped("lock_lost", "the connection that held the migration lock was ended")
        rows = MigrationRecorder(self._connection).migration_qs
        recorded = rows.filter(app=migration.app_label, name=migration.name).exists()
        if recorded != backwards and not migration.replaces:
            done = "taken back" if backwards else "applied"
            name = f"{migration.app_label}.{migration.name}"
            raise self._stopped("concurrent", f"{name} was {done} by somebody else while this run was under way")

    def _telling(self, tell: t.Callable[[], BridgeError], **detail: t.Any) -> BridgeError:
        """Now, or after the rollback of everything."""
        return Undone(tell, **detail) if self._inside else tell()

    def _stopped(self, kind: str, reason: str) -> BridgeError:
        message = f"{reason}; the run stopped before its next migration. Find out who migrates, then run again"
        return self._telling(lambda: BridgeError(kind, message, **self._standing()[0]))

    def refused(self, exc: Exception) -> BridgeError:
        """Django's own refusal of a whole plan."""
        message = f"Django refuses the plan: {errors.summary(exc)}. Nothing was changed by the refused step"
        return self._telling(lambda: BridgeError("refused", message, **self._standing()[0]))

    def signal_failed(self, which: str, exc: Exception) -> BridgeError:
        return self._telling(lambda: self._signal_failure(which, exc))

    def _signal_failure(self, which: str, exc: Exception) -> BridgeError:
        place = errors.place_of(exc)
        done = ", ".join(record["id"] for record in self.finished) or "no migration"
        message = (
            f"a receiver of {which}_migrate failed: {errors.summary(exc)}{', at ' + place if place else ''}. "
            f"In this run {done} was applied; correct the receiver and run again"
        )
        return BridgeError("signal", message, **self._standing()[0])

    def _failed(self, progress: Progress, exc: BaseException, retries: int) -> BridgeError:
        blockers = list(self._watcher.blockers) if self._watcher else []
        facts = _failure.failure(progress, exc, retries, blockers, whole=self._inside)
        undone = [record["id"] for record in self.finished] if self._inside else []
        return self._telling(lambda: self._failure(facts, undone), failure=facts)

    def _failure(self, facts: dict[str, t.Any], undone: list[str]) -> BridgeError:
        standing, recorded = self._standing()
        known = None if recorded is None else facts["migration"] in recorded
        done = [record["id"] for record in standing["applied"]]
        undone = [name for name in undone if name not in done]
        waiting = [name for name in standing["not_applied"] if name not in (facts["migration"], *undone)]
        problems = standing["blocker_problems"]
        text = _failure.message(facts, done, waiting, known, undone, problems)
        return BridgeError("migration_failed", text, failure=facts, **standing)

    def _end_failed(self, exc: Exception) -> BridgeError:
        """The last check of what was deferred, or the COMMIT, whose answer may have been lost."""
        standing, recorded = self._standing()
        facts = _failure.of_the_end(exc, rolled_back=recorded is not None and not self.finished)
        return BridgeError("migration_failed", _failure.end_message(facts, recorded), failure=facts, **standing)

    def _standing(self) -> tuple[dict[str, t.Any], t.Optional[list[str]]]:
        """What stands, and what is on record after a failure, read anew: the answer to a COMMIT may have been lost."""
        done = {record["id"] for record in self.finished}
        names = [f"{migration.app_label}.{migration.name}" for migration, _backwards in self._steps]
        standing: dict[str, t.Any] = {
            "applied": self.finished,
            "not_applied": [name for name in names if name not in done],
            "before": self._before,
            "after": None,
            **self.told(),
        }
        try:
            if not self._connection.in_atomic_block and not self._connection.is_usable():
                self._connection.close()
            loader = _django_plan.new_executor(self._connection).loader
            standing["after"] = _django_plan.heads(loader)
            return standing, sorted(f"{app}.{name}" for app, name in loader.applied_migrations)
        except Exception:  # the server is gone; the message says so
            return standing, None


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
