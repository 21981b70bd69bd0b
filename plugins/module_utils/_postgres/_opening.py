# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Giving a fenced database back, as it stands or as its safety copy. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _catalog, _exchange
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._counters import compare
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fence import Mark, Situation, plan_open
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fencing import (
    Fence,
    Result,
    look,
    opened_with,
    record_undone,
    report,
    result_of,
    timed,
)


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
    result = result_of(found, plan)
    result["restored"] = restore and found.failed is not None and found.failed.mark is not None and not plan
    if found.fenced:
        with connected(fence.admin) as opened:
            _catalog.check_rights(opened, found.fenced)
        result["counters"] = _catalog.counters(fence.admin, fence.names.fenced)
        _weigh(fence, found, plan, counters, only_if_unchanged, result)
    if check_mode:
        return result
    if not plan:
        # A fence of which only the intent is on record was never closed: there is nothing left to undo.
        record_undone(fence, ["database.fence", "database.open"] if result["restored"] else ["database.fence"])
        return result
    restoring = "swap" in plan
    undo = {} if restoring or drop_copy or not found.copy_is_made else fence.undo()
    action = "database.restore" if restoring else "database.open"
    step = fence.step or "start"
    with fence.journal.step(fence.deploy_id, step, action, fence.names.database, {"plan": plan}, undo) as outcome:
        _reopen(fence, found, plan, result)
        if found.fenced and not found.copy:
            # As text: a table may be called like a secret, and the journal refuses such a key.
            outcome["counters"] = json.dumps(result["counters"])
    record_undone(fence, ["database.fence", "database.open"] if restoring or drop_copy else ["database.fence"])
    if restoring and analyze:
        with timed(result, "analyze"):
            result["notes"] += _analyze(fence)
    return result


def _weigh(
    fence: Fence,
    found: Situation,
    plan: list[str],
    counters: t.Optional[Result],
    only_if_unchanged: bool,
    result: Result,
) -> None:
    """What a swap would lose. Behind a fence that was never opened only the deploy itself has written."""
    before = opened_with(fence, found)
    opened = before and (counters or before)
    mark = found.fenced.mark if found.fenced else None
    baseline = opened or counters or (mark.counters if mark else None)
    if baseline:
        report(result, compare(baseline, result["counters"]))
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
        with timed(result, "open"):
            result["ended_sessions"] = _exchange.exchange(fence.admin, [names.fenced], statements, fence.timeout)
    if "swap" in plan:
        _check_copy(fence, copied)
        statements = [
            _exchange.rename(names.fenced, names.failed),
            _exchange.comment(names.failed, fence.mark("failed", comment=original).to_comment()),
            _exchange.rename(names.copy, names.database),
            _exchange.comment(names.database, original),
        ]
        with timed(result, "swap"):
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
            rows(opened, "SET statement_timeout = 0")
            rows(opened, "ANALYZE")
    except DeployError as exc:
        return [f"the restored database was not analysed: {exc}"]
    return []
