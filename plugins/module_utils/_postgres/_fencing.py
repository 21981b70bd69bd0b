# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing and opening the fence around a database, step by step. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
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
    rows,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._counters import Changes, compare
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fence import (
    Database,
    Mark,
    Names,
    Situation,
    plan_closed,
    plan_open,
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

    def undo(self) -> dict[str, str]:
        names = self.names
        return {
            "database": names.database,
            "fence_id": self.fence_id,
            "fenced_name": names.fenced,
            "copy_name": names.copy,
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


def close(fence: Fence, safety_copy: bool, counters: t.Optional[Result], check_mode: bool) -> Result:
    """Bring the fence to closed from wherever it stands. Raises DeployError, with the database open again where this call closed it."""
    found = look(fence)
    plan = plan_closed(found, safety_copy)
    result = _result(found, plan)
    result["notes"] = _preflight(fence, found, plan)
    if not check_mode and plan:
        step = fence.step or "stop"
        with fence.journal.step(
            fence.deploy_id, step, "database.fence", fence.names.database, {"plan": plan}, fence.undo()
        ) as outcome:
            _close(fence, found, plan, result)
            outcome.update(seconds=result["seconds"], sessions=len(result["ended_sessions"]))
    elif found.fenced:
        result["counters"] = _catalog.counters(fence.admin, fence.names.fenced)
    baseline = counters or _opened(found)
    if baseline and result["counters"]:
        _report(result, compare(baseline, result["counters"]))
    return result


def _preflight(fence: Fence, found: Situation, plan: list[str]) -> list[str]:
    """Refuse before anything is touched; notes of what could not be checked."""
    subject = found.original or found.fenced
    notes: list[str] = []
    if subject is None or not plan:
        return notes
    with connected(fence.admin) as opened:
        _catalog.check_ordinary(subject)
        _catalog.check_rights(opened, subject)
        _catalog.check_ties(opened, fence.admin, subject.name)
        if "copy" in plan:
            notes.append(_catalog.check_disk(opened, fence.admin, subject))
    return [note for note in notes if note]


def _close(fence: Fence, found: Situation, plan: list[str], result: Result) -> None:
    subject = found.original or found.fenced
    mark = found.fenced.mark if found.fenced else None
    if subject is None:
        return
    if mark is None:
        state = "made" if found.copy_is_made else "wanted" if "copy" in plan else "none"
        mark = fence.mark("fenced", copy=state, comment=_comment_of(found.original))
    fenced_here = False
    try:
        if "fence" in plan:
            with _timed(result, "fence"):
                renamed = [
                    _exchange.rename(subject.name, fence.names.fenced),
                    _exchange.comment(fence.names.fenced, mark.to_comment()),
                    *_note_unknown_opening(found),
                ]
                result["ended_sessions"] = _exchange.exchange(fence.admin, [subject.name], renamed, fence.timeout)
            fenced_here = True
        _fill(fence, plan, mark, dataclasses.replace(subject, name=fence.names.fenced), result)
    except DeployError as exc:
        if not fenced_here:
            raise
        if "copy" in plan:
            _exchange.drop(fence.admin, fence.names.copy, force=True)
        back = [_exchange.rename(fence.names.fenced, subject.name), _exchange.comment(subject.name, mark.comment)]
        _exchange.exchange(fence.admin, [fence.names.fenced], back, fence.timeout)
        raise DeployError(f"{exc.msg}. The database {subject.name!r} is open again", **exc.result) from exc


def _comment_of(original: t.Optional[Database]) -> t.Optional[str]:
    """The application's own comment, also where somebody has opened a fence by hand and left its mark."""
    if original is None:
        return None
    return original.mark.comment if original.mark else original.comment


def _note_unknown_opening(found: Situation) -> list[t.Any]:
    """A copy without a record of the opening: the fence was opened by hand, and all since the copy counts as written."""
    copied = found.copy.mark if found.copy else None
    if copied is None or copied.opened is not None:
        return []
    return [_exchange.comment(found.names.copy, dataclasses.replace(copied, opened=copied.counters).to_comment())]


def _fill(fence: Fence, plan: list[str], mark: Mark, fenced: Database, result: Result) -> None:
    """Behind a closed fence: read the counters, make the copy."""
    counters = result["counters"] = _catalog.counters(fence.admin, fenced.name)
    if "prove_unchanged" in plan:
        changes = compare(mark.counters or {}, counters)
        if not changes.unchanged:
            raise DeployError(
                f"a safety copy of {fenced.name!r} would not be of the moment when it was closed: {changes.sentence()}; "
                "open it with restore=false and close it again with safety_copy=true"
            )
    wanted = "copy" in plan
    mark = dataclasses.replace(mark, counters=mark.counters or counters, copy="wanted" if wanted else mark.copy)
    with connected(fence.admin) as opened:
        rows(opened, _exchange.comment(fenced.name, mark.to_comment()))
    if "drop_partial_copy" in plan:
        _exchange.drop(fence.admin, fence.names.copy, force=True)
    if not wanted:
        return
    with _timed(result, "copy"):
        _exchange.create_copy(fence.admin, fenced, fence.names.copy, fence.timeout)
        made = fence.mark("copy", copy="made", comment=mark.comment, counters=mark.counters)
        marks = [
            _exchange.comment(fence.names.copy, made.to_comment()),
            _exchange.comment(fenced.name, dataclasses.replace(mark, copy="made").to_comment()),
        ]
        _exchange.dress(fence.admin, fenced, fence.names.copy, marks)
    result["copied"] = True


def reopen(
    fence: Fence,
    restore: bool,
    only_if_unchanged: bool,
    counters: t.Optional[Result],
    drop_copy: bool,
    analyze: bool,
    check_mode: bool,
) -> Result:
    """Give the database back: as it stands, or as its safety copy. Raises DeployError, with nothing changed."""
    found = look(fence)
    plan = plan_open(found, restore, drop_copy)
    result = _result(found, plan)
    result["restored"] = restore and found.failed is not None and found.failed.mark is not None and not plan
    if found.fenced:
        with connected(fence.admin) as opened:
            _catalog.check_rights(opened, found.fenced)
        result["counters"] = _catalog.counters(fence.admin, fence.names.fenced)
        _weigh(found, plan, counters, only_if_unchanged, result)
    if check_mode:
        return result
    if not plan:
        # A fence of which only the intent is on record was never closed: there is nothing left to undo.
        _record_undone(fence, ["database.fence", "database.open"] if result["restored"] else ["database.fence"])
        return result
    restoring = "swap" in plan
    undo = {} if restoring or drop_copy or not found.copy_is_made else fence.undo()
    action = "database.restore" if restoring else "database.open"
    with fence.journal.step(fence.deploy_id, fence.step or "start", action, fence.names.database, {"plan": plan}, undo):
        _reopen(fence, found, plan, result)
    _record_undone(fence, ["database.fence", "database.open"] if restoring or drop_copy else ["database.fence"])
    if restoring and analyze:
        with _timed(result, "analyze"):
            result["notes"] += _analyze(fence)
    return result


def _weigh(
    found: Situation, plan: list[str], counters: t.Optional[Result], only_if_unchanged: bool, result: Result
) -> None:
    """What a swap would lose. Behind a fence that was never opened only the deploy itself has written."""
    opened = _opened(found) and (counters or _opened(found))
    mark = found.fenced.mark if found.fenced else None
    baseline = opened or counters or (mark.counters if mark else None)
    if baseline:
        _report(result, compare(baseline, result["counters"]))
    if not opened:
        result["unchanged"] = True
    if "swap" in plan and not result["unchanged"] and only_if_unchanged:
        raise DeployError(
            f"{found.names.copy!r} is not restored: since the database was opened the application has written to it and that would be lost "
            f"({result['reason'] or compare(opened or {}, result['counters']).sentence()}). Nothing was changed; keep the data with "
            "restore=false, or accept the loss with restore_only_if_unchanged=false",
            counters=result["counters"],
            changes=result["changes"],
            unchanged=False,
        )


def _reopen(fence: Fence, found: Situation, plan: list[str], result: Result) -> None:
    names, fenced = fence.names, found.fenced
    mark = fenced.mark if fenced else None
    original = mark.comment if mark else None
    copied = found.copy.mark if found.copy else None
    if "reopen" in plan:
        statements = [_exchange.rename(names.fenced, names.database), _exchange.comment(names.database, original)]
        if copied:
            kept = dataclasses.replace(copied, opened=result["counters"])
            statements.append(_exchange.comment(names.copy, kept.to_comment()))
        with _timed(result, "open"):
            result["ended_sessions"] = _exchange.exchange(fence.admin, [names.fenced], statements, fence.timeout)
    if "swap" in plan:
        _check_copy(fence, copied)
        statements = [
            _exchange.rename(names.fenced, names.failed),
            _exchange.comment(names.failed, fence.mark("failed", comment=original).to_comment()),
            _exchange.rename(names.copy, names.database),
            _exchange.comment(names.database, original),
        ]
        with _timed(result, "swap"):
            result["ended_sessions"] = _exchange.exchange(
                fence.admin, [names.fenced, names.copy], statements, fence.timeout
            )
        result["restored"] = True
    if "drop_partial_copy" in plan or "drop_copy" in plan:
        _exchange.drop(fence.admin, names.copy, force=True)
        result["removed"] = [names.copy]


def _check_copy(fence: Fence, mark: t.Optional[Mark]) -> None:
    """The copy can be connected to and has every table that was there when it was made."""
    expected = set((mark.counters or {}).get("tables", {})) if mark else set()
    present = set(_catalog.counters(fence.admin, fence.names.copy)["tables"])
    if expected - present:
        missing = ", ".join(sorted(expected - present)[:5])
        raise DeployError(
            f"the safety copy {fence.names.copy!r} lacks {missing}; somebody changed it. Nothing was changed; restore a backup"
        )


def _analyze(fence: Fence) -> list[str]:
    try:
        with connected(fence.admin.to_database(fence.names.database)) as opened:
            rows(opened, "ANALYZE")
    except DeployError as exc:
        return [f"the restored database was not analysed: {exc}"]
    return []


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


def _record_undone(fence: Fence, actions: t.Sequence[str]) -> None:
    """Tell the journal that the fence has nothing left to undo, under whichever step it was closed."""
    for undo in undo_plan(fence.journal.read(), fence.deploy_id):
        if undo.action in actions and undo.subject == fence.names.database:
            fence.journal.append(fence.deploy_id, undo.step, undo.action, "undone", undo.subject)


def _opened(found: Situation) -> t.Optional[Result]:
    mark = found.copy.mark if found.copy else None
    return mark.opened if mark else None


def _report(result: Result, changes: Changes) -> None:
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


def _result(found: Situation, plan: list[str]) -> Result:
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
def _timed(result: Result, what: str) -> t.Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        result["seconds"][what] = round(time.monotonic() - started, 3)
