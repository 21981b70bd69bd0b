# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of Alembic's revisions. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import typing as t

from . import _alembic_graph as graph
from . import _alembic_plan
from ._alembic_cursor import driver_connection
from ._alembic_follow import Reached, followed, running
from ._alembic_session import AlembicSession
from ._alembic_setup import Project, current_heads
from ._failure import ALEMBIC, Progress
from ._guards import Guards
from ._protocol import BridgeError
from ._run import Run
from ._whole import Undone


class AlembicRun(Run):
    """Around each step of Alembic, on the connection of one MigrationContext."""

    words = ALEMBIC

    def __init__(self, project: Project, context: t.Any, arguments: t.Dict[str, t.Any], answer: t.Any) -> None:
        super().__init__(AlembicSession(context, project.target, project.database), arguments, answer, Guards())
        self.project = project
        self.context = context
        self._whole = self._whole or project.enclosed
        self._heads: t.List[str] = []
        self._step: t.Any = None
        self.error: t.Optional[BridgeError] = None

    @property
    def session(self) -> AlembicSession:
        return t.cast(AlembicSession, self._session)

    @property
    def whole(self) -> bool:
        """Whether everything is in one transaction, asked for or opened by env.py."""
        return self._whole

    def guarded(self, guards: Guards) -> None:
        self._lock, self._budget, self._watcher = guards

    def begin(self, heads: t.Sequence[str], steps: t.Sequence[t.Any], described: t.Sequence[t.Any]) -> None:
        self._planned = [graph.id_of(step) for step in steps]
        self._before = sorted(heads)
        self._heads = list(heads)
        self._inside = self._whole and bool(steps)

    def one(self, step: t.Any) -> None:
        """One revision, forwards or backwards, with its attempts."""
        self._check_alone(step)
        self._step = step
        name, backwards = graph.id_of(step), not step.is_upgrade
        transactional = bool(self.context.impl.transactional_ddl)
        fake = bool(self._arguments.get("fake"))
        expected = _alembic_plan.source_of_step(step, backwards).operations
        self.attempts(
            lambda: Reached(name, backwards, transactional, expected),
            lambda: self.project.run_step(self.context, step),
            fake,
        )
        self._heads = graph.heads_after(self._heads, [step])

    @contextlib.contextmanager
    def preparing(self, progress: Progress) -> t.Iterator[None]:
        reached = t.cast(Reached, progress)
        fake = bool(self._arguments.get("fake"))
        with followed(reached), running(self._step, reached, fake):
            yield

    def _check_alone(self, step: t.Any) -> None:
        self.check_lock()
        found = current_heads(self.context, self._whole)
        if set(found) != set(self._heads):
            raise self.done_by_others(graph.id_of(step), not step.is_upgrade)

    def telling(self, tell: t.Callable[[], BridgeError], **detail: t.Any) -> BridgeError:
        """When env.py has ended: only then the database shows what stands."""
        self.error = Undone(tell, **detail)
        return self.error

    def read_records(self) -> t.Tuple[t.Any, t.List[str]]:
        heads = t.cast(t.Sequence[str], self.project.run(lambda heads, context: list(heads), reading=True) or [])
        return sorted(heads), sorted(graph.applied(self.project.script, heads))

    # -- events of SQLAlchemy

    @contextlib.contextmanager
    def listening(self) -> t.Iterator[None]:
        """Have every statement and every transaction of the migrating connection pass here."""
        from sqlalchemy import event

        connection = self.context.connection
        dialect = connection.dialect
        statements = {
            "do_execute": lambda cursor, sql, values, context: self._passed(
                dialect.do_execute, cursor, sql, values, False, context
            ),
            "do_executemany": lambda cursor, sql, values, context: self._passed(
                dialect.do_executemany, cursor, sql, values, True, context
            ),
            "do_execute_no_params": lambda cursor, sql, context: self._passed(
                lambda cursor, sql, _values, context: dialect.do_execute_no_params(cursor, sql, context),
                cursor,
                sql,
                None,
                False,
                context,
            ),
        }
        moments = {
            "begin": lambda _connection: self.transaction_begins(),
            "commit": lambda _connection: self._commits(),
            "rollback": lambda _connection: self.transaction_ends(),
        }
        with contextlib.ExitStack() as stack:
            for target, handlers in ((connection.engine, statements), (connection, moments)):
                for name, handler in handlers.items():
                    event.listen(target, name, handler)
                    stack.callback(event.remove, target, name, handler)
            yield

    def _passed(
        self, do: t.Callable[..., t.Any], cursor: t.Any, sql: str, values: t.Any, many: bool, context: t.Any
    ) -> bool:
        """Run a statement in place of SQLAlchemy, which is told so by True."""
        if context is None or driver_connection(context.root_connection) is not driver_connection(
            self.context.connection
        ):
            return False
        reached = t.cast(t.Optional[Reached], self._progress)
        if reached is not None and reached.running and (reached.committed or not self.session.inside()):
            reached.atomic = False
        self.around(lambda sql, values, _many, _context: do(cursor, sql, values, context), sql, values, many)
        self.count(sql)
        return True

    def around(self, execute: t.Callable[..., t.Any], sql: str, values: t.Any, many: bool) -> None:
        if self._budget is None:
            execute(sql, values, many, None)
        else:
            self._budget(execute, sql, values or None, many, None)

    def transaction_begins(self) -> None:
        if self._budget:
            self._budget.new_transaction()

    def transaction_ends(self) -> None:
        """Nothing has to be done."""

    def _commits(self) -> None:
        if self._progress is not None:
            t.cast(Reached, self._progress).committed = True
        self.transaction_ends()
