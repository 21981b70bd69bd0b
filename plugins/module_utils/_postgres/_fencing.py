# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What closing and opening a fence share, and dropping what fences leave behind. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal import undo_plan
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _catalog, _exchange
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import (
    connect,
    connected,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._counters import Changes
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fence import (
    Mark,
    Names,
    Situation,
    removable,
)

Result = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Fence:
    """Which fence, over which connection, recorded where. now: UTC, ISO 8601."""

    admin: DatabaseConnection
    names: Names
    fence_id: str
    timeout: float
    now: str
    journal: Journal
    deploy_id: str
    step: str

    def mark(self, kind: str, **more: t.Any) -> Mark:
        return Mark(kind, self.names.database, self.fence_id, self.now, **more)

    def undo(self, copied: bool = True) -> dict[str, str]:
        """copied: whether there is a safety copy, or will be one."""
        names = self.names
        return {
            "database": names.database,
            "fence_id": self.fence_id,
            "fenced_name": names.fenced,
            "copy_name": names.copy if copied else "",
        }


def admin_connection(given: DatabaseConnection, names: Names) -> DatabaseConnection:
    """A connection that is none of the databases about to be exchanged. Raises DeployError."""
    if given.database not in dataclasses.astuple(names):
        connect(given).close()
        return given
    try:
        connect(given.to_database("postgres")).close()
        return given.to_database("postgres")
    except DeployError as exc:
        if exc.result.get("cause") not in ("no_database", "forbidden", "no_entry"):
            raise
    connect(given.to_database("template1")).close()
    return given.to_database("template1")


def look(fence: Fence) -> Situation:
    with connected(fence.admin) as opened:
        return _catalog.situation(opened, fence.names)


def clean(admin: DatabaseConnection, database: str, keep: int, older_than: str, check_mode: bool) -> Result:
    """Drop the copies and failed databases that nobody needs any more. Never one that this collection did not mark."""
    with connected(admin) as opened:
        marks = _catalog.marks(opened)
        names = removable(marks, database, keep, older_than)
        busy = {session["database"] for session in _catalog.sessions(opened, names)}
    removed = [name for name in names if name not in busy]
    if not check_mode:
        for name in removed:
            _exchange.drop(admin, name, force=False)
    kept = sorted(name for name, mark in marks.items() if mark.database == database and name not in removed)
    notes = [f"{name} is kept: somebody is connected to it" for name in sorted(busy)]
    return {**_blank(), "changed": bool(removed), "removed": removed, "kept": kept, "notes": notes}


def record_undone(fence: Fence, actions: t.Sequence[str]) -> None:
    """Tell the journal that the fence has nothing left to undo, under whichever step it was closed."""
    for undo in undo_plan(fence.journal.read(), fence.deploy_id):
        if undo.action in actions and undo.subject == fence.names.database:
            fence.journal.append(fence.deploy_id, undo.step, undo.action, "undone", undo.subject)


def opened_with(fence: Fence, found: Situation) -> t.Optional[Result]:
    """The counters of the moment when the database was given back: its copy has them, or the journal where nothing was copied."""
    mark = found.copy.mark if found.copy else None
    if mark:
        return mark.opened
    if not fence.deploy_id:
        return None
    told = [
        record.detail["counters"]
        for record in fence.journal.read()
        if record.deploy_id == fence.deploy_id
        and (record.action, record.event, record.subject) == ("database.open", "done", fence.names.database)
        and "counters" in record.detail
    ]
    return t.cast(Result, json.loads(told[-1])) if told else None


def report(result: Result, changes: Changes) -> None:
    result["changes"] = changes.to_json()
    result["unchanged"] = changes.unchanged
    result["reason"] = changes.reason


def _blank() -> Result:
    return {
        "changed": False,
        "plan": [],
        "fenced_name": "",
        "copy_name": "",
        "failed_name": "",
        "ended_sessions": [],
        "counters": {},
        "changes": {},
        "unchanged": True,
        "reason": "",
        "restored": False,
        "copied": False,
        "seconds": {},
        "size_bytes": 0,
        "removed": [],
        "kept": [],
        "notes": [],
    }


def result_of(found: Situation, plan: list[str]) -> Result:
    subject = found.original or found.fenced
    has_copy = "copy" in plan or found.copy is not None
    return {
        **_blank(),
        "changed": bool(plan),
        "plan": plan,
        "fenced_name": found.names.fenced,
        "copy_name": found.names.copy if has_copy else "",
        "failed_name": found.names.failed,
        "size_bytes": subject.size if subject else 0,
    }


@contextlib.contextmanager
def timed(result: Result, what: str) -> t.Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        result["seconds"][what] = round(time.monotonic() - started, 3)
