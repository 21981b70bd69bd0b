# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing the fence around a database, step by step. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _catalog, _exchange
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._counters import compare
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fence import (
    Database,
    Mark,
    Situation,
    plan_closed,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fencing import (
    Fence,
    Result,
    look,
    opened_with,
    report,
    result_of,
    timed,
)


def close(fence: Fence, safety_copy: bool, counters: t.Optional[Result], check_mode: bool) -> Result:
    """Bring the fence to closed from wherever it stands. Raises DeployError, with the database open again where this call closed it."""
    found = look(fence)
    plan = plan_closed(found, safety_copy)
    result = result_of(found, plan)
    result["notes"] = _preflight(fence, found, plan)
    if not check_mode and plan:
        step, undo = fence.step or "stop", fence.undo(copied=bool(result["copy_name"]))
        with fence.journal.step(
            fence.deploy_id, step, "database.fence", fence.names.database, {"plan": plan}, undo
        ) as outcome:
            _close(fence, found, plan, result)
            outcome.update(seconds=result["seconds"], sessions=len(result["ended_sessions"]))
    elif found.fenced:
        result["counters"] = _catalog.counters(fence.admin, fence.names.fenced)
    baseline = counters or opened_with(fence, found)
    if baseline and result["counters"]:
        report(result, compare(baseline, result["counters"]))
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
            with timed(result, "fence"):
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
    with timed(result, "copy"):
        _exchange.create_copy(fence.admin, fenced, fence.names.copy, fence.timeout)
        made = fence.mark("copy", copy="made", comment=mark.comment, counters=mark.counters)
        marks = [
            _exchange.comment(fence.names.copy, made.to_comment()),
            _exchange.comment(fenced.name, dataclasses.replace(mark, copy="made").to_comment()),
        ]
        _exchange.dress(fence.admin, fenced, fence.names.copy, marks)
    result["copied"] = True
