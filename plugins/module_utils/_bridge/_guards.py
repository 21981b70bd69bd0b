# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock, lock budget and watcher of one run of migrations. Application's interpreter, PostgreSQL only; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import typing as t

from ._blockers import Ending
from ._budget import Limits, LockBudget
from ._locks import MigrationLock
from ._session import Session
from ._watcher import Watcher


class Guards(t.NamedTuple):
    """None where there is none: on another engine, or in a rehearsal."""

    lock: t.Optional[MigrationLock] = None
    budget: t.Optional[LockBudget] = None
    watcher: t.Optional[Watcher] = None


def guards(session: Session, arguments: dict[str, t.Any], stack: contextlib.ExitStack) -> Guards:
    """Take the lock and begin to watch, until the stack is left. Raises BridgeError."""
    lock = stack.enter_context(MigrationLock(session, float(arguments.get("advisory_lock_wait", 60))))
    limit, whole = int(arguments.get("lock_timeout", 200)), bool(arguments.get("one_transaction"))
    if limit and whole:  # it is not tried again, and nobody is kept waiting behind a fence
        limit = max(limit, 1000 * int(arguments.get("retry_time", 0)))
    ending = Ending(int(arguments.get("end_blockers_after", 0)), arguments.get("end_blockers_of") or [])
    watcher = Watcher(session, min(0.1, max(0.01, limit / 4000.0)) if limit else 0.1, ending)
    watcher.start()
    stack.callback(watcher.stop)
    concurrent, statement = int(arguments.get("concurrent_timeout", 0)), int(arguments.get("statement_timeout", 0))
    return Guards(lock, LockBudget(session, Limits(limit, concurrent, statement, each=whole), watcher), watcher)
