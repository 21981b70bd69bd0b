# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrates a scratch copy, and tells of each revision what it did there. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import time
import typing as t

from . import _alembic_apply, _alembic_describe, _alembic_setup
from ._alembic_follow import Reached
from ._alembic_run import AlembicRun
from ._observer import Observer
from ._protocol import BridgeError
from ._sandbox import enclose, end_with, prepare
from ._sqlite_locks import observer_for


def rehearse(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """Apply the plan to the database `database_name`. Progress as a rehearsal of Django's: `begin`, and `evidence` of each revision."""
    if not arguments.get("database_name"):
        raise BridgeError("request", "a rehearsal needs database_name, the scratch copy")
    prepare()
    end_with(answer.go, arguments.get("seconds"))
    project = _alembic_setup.prepare({**arguments, "other_databases": "refuse"}, answer)
    if arguments.get("loaded_first"):
        answer.ask("loaded")
    runs: t.List[AlembicRun] = []
    sandbox = "none"

    def work(heads: t.Tuple[str, ...], context: t.Any) -> t.Dict[str, t.Any]:
        nonlocal sandbox
        sandbox = enclose(_alembic_setup.host_of(project, context))
        run = Rehearsal(project, context, arguments, answer, sandbox)
        runs.append(run)
        with run.listening():
            return _alembic_apply.migrate(run, heads, arguments)

    done = _alembic_apply.ran(project, work, runs, bool(arguments.get("one_transaction")))
    return {
        **done,
        **_alembic_apply.standing(project),
        "warnings": list(project.warnings),
        "sandbox": sandbox,
    }


class Rehearsal(AlembicRun):
    """A run without lock, budget and second attempts: nobody else is there."""

    def __init__(
        self, project: t.Any, context: t.Any, arguments: t.Dict[str, t.Any], answer: t.Any, sandbox: str
    ) -> None:
        super().__init__(project, context, arguments, answer)
        self._sandbox = sandbox
        self._observer: t.Optional[Observer] = None

    def begin(self, heads: t.Sequence[str], steps: t.Sequence[t.Any], described: t.Sequence[t.Any]) -> None:
        super().begin(heads, steps, described)
        release = _alembic_describe.of_release(self.project, self.context)
        plan = [migration.to_json() for migration in described]
        self._answer.ask("begin", plan=plan, release=release, sandbox=self._sandbox)

    def one(self, step: t.Any) -> None:
        observer = self._observer = observer_for(self.context.dialect.name, self.session.rows)
        if self.session.inside():
            observer.begin()
        began = time.monotonic()
        failed: t.Optional[BridgeError] = None
        try:
            super().one(step)
        except BridgeError as exc:
            failed = exc
            raise
        finally:
            seconds = round(time.monotonic() - began, 3)
            self._observer = None
            failure = failed.detail.get("failure") if failed else None
            told = {"id": step.revision.revision, "seconds": seconds, "failure": failure, "sandbox": self._sandbox}
            self._answer.ask("evidence", **told, **observer.told())

    def around(self, execute: t.Callable[..., t.Any], sql: str, values: t.Any, many: bool) -> None:
        observer, reached = self._observer, t.cast(t.Optional[Reached], self._progress)
        if observer is None or reached is None:
            execute(sql, values, many, None)
        else:
            inside = self.session.inside()
            observer.run(sql, inside, reached.in_code(), lambda: execute(sql, values, many, None))

    def transaction_begins(self) -> None:
        if self._observer is not None:
            self._observer.begin()

    def transaction_ends(self) -> None:
        if self._observer is not None:
            self._observer.end()
