# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of migrations: each observed, tried again where that may help, and its failure told. What no framework differs in.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import datetime
import time
import typing as t

from . import _failure
from ._budget import Retries
from ._failure import Progress, Words
from ._guards import Guards
from ._protocol import BridgeError
from ._session import Session
from ._whole import Undone, settle

_SAVEPOINT = ("SAVEPOINT", "RELEASE", "ROLLBACK TO")
#: What stands in the database, and the ids on record, None when they cannot be read.
Standing = t.Tuple[t.Dict[str, t.Any], t.Optional[t.List[str]]]


class Run:
    """State of one run. `finished` holds a record of each completed migration, in order."""

    words: Words

    def __init__(self, session: Session, arguments: dict[str, t.Any], answer: t.Any, guards: Guards) -> None:
        self._session = session
        self._arguments = arguments
        self._answer = answer
        self._lock, self._budget, self._watcher = guards
        self._progress: t.Optional[Progress] = None
        self._whole = bool(arguments.get("one_transaction"))
        self.retries = 0 if self._whole else int(arguments.get("retries", 0))
        self._inside = False  # of the one transaction
        self._planned: list[str] = []
        self._before: t.Any = None
        self.finished: list[dict[str, t.Any]] = []

    def announce(self, described: t.Sequence[t.Any], before: t.Any, missing: t.Sequence[str]) -> None:
        """Tell what is about to run, to a caller who puts it on record first, or refuses."""
        if self._arguments.get("announce"):
            plan = [migration.to_json() for migration in described]
            self._answer.ask("begin", plan=plan, before=before, missing=list(missing))

    def read_records(self) -> tuple[t.Any, list[str]]:
        """(heads, ids on record), read anew from the database. May raise anything."""
        raise NotImplementedError

    def preparing(self, progress: Progress) -> t.ContextManager[None]:
        """Around one attempt."""
        raise NotImplementedError

    def count(self, sql: str) -> None:
        """A statement has succeeded."""
        if self._progress is not None:
            self._progress.statements += not sql.startswith(_SAVEPOINT)

    @contextlib.contextmanager
    def telling_of_the_end(self) -> t.Iterator[None]:
        """Around the one transaction of everything: what fails in it leaves nothing."""
        try:
            yield
        except Undone as undone:
            self.keep_recorded()
            raise undone.tell() from None
        except Exception as exc:
            self.keep_recorded()
            raise self.end_failed(exc) from None

    def keep_recorded(self) -> None:
        """After the rollback: whether it was one is not known before the records were read."""
        recorded = set(self.standing()[1] or [])
        self.finished[:] = [record for record in self.finished if (record["id"] in recorded) != record["backwards"]]

    def told(self) -> dict[str, t.Any]:
        """What was done besides the migrations."""
        ending = self._watcher.ending if self._watcher else None
        return {
            "dropped_invalid_indexes": list(self._budget.repaired) if self._budget else [],
            "kept_indexes": list(self._budget.kept) if self._budget else [],
            "ended_blockers": list(ending.ended) if ending else [],
            "blocker_problems": list(ending.problems) if ending else [],
        }

    def attempts(self, new_progress: t.Callable[[], Progress], act: t.Callable[[], t.Any], fake: bool = False) -> t.Any:
        """One migration, as often as it may be tried."""
        retries = Retries(self.retries, float(self._arguments.get("retry_time", 0)))
        started, clock = _now(), time.monotonic()
        self._answer.progress("started", migration=new_progress().id, at=started)
        while True:
            progress = self._progress = new_progress()
            try:
                with self._attempt(progress, retries):
                    result = act()
                    if self._inside:
                        settle(self._session)
                break
            except (Exception, SystemExit) as exc:
                clean = progress.atomic or not progress.completed
                if not (clean and retries.again(exc)):
                    raise self._failed(progress, exc, retries.used) from None
            finally:
                self._progress = None
        seconds = round(time.monotonic() - clock, 3)
        self._finish(progress, started, seconds, retries.used, faked=fake or not progress.touched)
        return result

    @contextlib.contextmanager
    def _attempt(self, progress: Progress, retries: Retries) -> t.Iterator[None]:
        if self._budget:
            self._budget.retries = retries
            self._budget.begin()
        with contextlib.ExitStack() as stack:
            if self._budget:
                stack.callback(self._budget.end)
            stack.enter_context(self.preparing(progress))
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

    def check_lock(self) -> None:
        if self._lock is not None and not self._lock.is_held():
            raise self._stopped("lock_lost", "the connection that held the migration lock was ended")

    def done_by_others(self, name: str, backwards: bool) -> BridgeError:
        """A migrate run by hand knows nothing of our lock: it shows in the records."""
        done = "taken back" if backwards else "applied"
        return self._stopped("concurrent", f"{name} was {done} by somebody else while this run was under way")

    def telling(self, tell: t.Callable[[], BridgeError], **detail: t.Any) -> BridgeError:
        """Now, or after the rollback of everything."""
        return Undone(tell, **detail) if self._inside else tell()

    def _stopped(self, kind: str, reason: str) -> BridgeError:
        message = f"{reason}; the run stopped before its next migration. Find out who migrates, then run again"
        return self.telling(lambda: BridgeError(kind, message, **self.standing()[0]))

    def _failed(self, progress: Progress, exc: BaseException, retries: int) -> BridgeError:
        blockers = list(self._watcher.blockers) if self._watcher else []
        facts = _failure.failure(progress, exc, retries, blockers, whole=self._inside)
        undone = [record["id"] for record in self.finished] if self._inside else []
        return self.telling(lambda: self._failure(facts, undone), failure=facts)

    def _failure(self, facts: dict[str, t.Any], undone: list[str]) -> BridgeError:
        standing, recorded = self.standing()
        known = None if recorded is None else facts["migration"] in recorded
        done = [record["id"] for record in standing["applied"]]
        undone = [name for name in undone if name not in done]
        waiting = [name for name in standing["not_applied"] if name not in (facts["migration"], *undone)]
        problems = standing["blocker_problems"]
        text = _failure.message(facts, done, waiting, known, undone, problems, self.words)
        return BridgeError("migration_failed", text, failure=facts, **standing)

    def end_failed(self, exc: Exception) -> BridgeError:
        """The last check of what was deferred, or the COMMIT, whose answer may have been lost."""
        standing, recorded = self.standing()
        facts = _failure.of_the_end(exc, rolled_back=recorded is not None and not self.finished)
        text = _failure.end_message(facts, recorded, self.words)
        return BridgeError("migration_failed", text, failure=facts, **standing)

    def standing(self) -> Standing:
        """What stands, and what is on record after a failure, read anew: the answer to a COMMIT may have been lost."""
        done = {record["id"] for record in self.finished}
        standing: dict[str, t.Any] = {
            "applied": self.finished,
            "not_applied": [name for name in self._planned if name not in done],
            "before": self._before,
            "after": None,
            **self.told(),
        }
        try:
            standing["after"], recorded = self.read_records()
            return standing, recorded
        except Exception:  # the server is gone; the message says so
            return standing, None


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
