# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing and opening the fence around a SQLite file. Every step can be repeated. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync, write_file
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _dump, _files
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _copy, _exchange, _fence, _users

Result = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Fence:
    """One fence. timeout: seconds within which everybody must have closed the file."""

    names: _fence.Names
    fence_id: str
    timeout: int
    journal: Journal
    deploy_id: str
    step: str

    def answer(self, plan: list[str], **more: t.Any) -> Result:
        """The return values, whatever was done."""
        nothing: Result = {
            "fenced_name": self.names.fenced,
            "copy_name": self.names.copy if os.path.exists(self.names.copy) else "",
            "failed_name": self.names.failed,
            "copied": False,
            "restored": False,
            "unchanged": True,
            "reason": "",
            "changes": {},
            "seconds": {},
            "removed": [],
            "kept": [],
        }
        return {**nothing, **more, "plan": plan, "changed": bool(plan)}


def close(fence: Fence, safety_copy: bool, check_mode: bool) -> Result:
    """Keep everybody out, then copy if asked for. Raises DeployError."""
    names = fence.names
    plan = _plan(fence, safety_copy)
    if check_mode:
        return fence.answer(plan, copy_name=names.copy if safety_copy else "")
    undo = {
        "database": names.path,
        "fence_id": fence.fence_id,
        "fenced_name": names.fenced,
        "copy_name": names.copy if safety_copy or os.path.exists(names.copy) else "",
    }
    seconds: Result = {}
    with fence.journal.step(fence.deploy_id, fence.step, "database.fence", names.path, undo=undo) as outcome:
        if "fence" in plan:
            seconds["fence"] = _timed(lambda: _keep_out(fence))
        if "copy" in plan:
            seconds["copy"] = _timed(lambda: _make_copy(names))
        outcome["seconds"] = seconds
    compared = _compared(fence) if not safety_copy and os.path.exists(names.copy) else {}
    told = {"unchanged": compared["unchanged"], "reason": compared["reason"], "changes": compared} if compared else {}
    return fence.answer(plan, copied="copy" in plan, seconds=seconds, **told)


def _plan(fence: Fence, safety_copy: bool) -> list[str]:
    """What there is to do. Raises DeployError where something stands against it that can be known before."""
    names, other = fence.names, _fence.fenced_by(fence.names.path)
    closed = os.path.exists(names.fenced)
    if other and other != fence.fence_id:
        raise DeployError(f"database {names.path} is fenced by {other}; bring that deploy to its end with recover.yml")
    if other and not closed:
        raise DeployError(
            f"database {names.path} is fenced, and {names.fenced} is gone; put the database back under that name, then run again"
        )
    if not closed and not os.path.isfile(names.path):
        raise DeployError(f"database {names.path} is no file; correct database")
    folder, now = os.path.dirname(names.path), names.fenced if closed else names.path
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DeployError(
            f"the directory {folder} cannot be written by this user, so the database in it cannot be fenced; run as its owner"
        )
    wants_copy = safety_copy and not os.path.exists(names.copy)
    size, free = os.path.getsize(now), _files.free_bytes(folder)
    if wants_copy and size > free:
        raise DeployError(
            f"a safety copy of {names.path} takes {_dump.human(size)} in {folder}, and {_dump.human(free)} are free; free some space"
        )
    return [*([] if other else ["fence"]), *(["copy"] if wants_copy else [])]


def _keep_out(fence: Fence) -> None:
    names, mark = fence.names, f"{fence.names.path}.mark"
    write_file(mark, _fence.mark_text(fence.fence_id), 0o444)
    try:
        if os.path.exists(names.fenced):
            if not os.path.exists(names.path):
                os.rename(mark, names.path)
                return
            _refuse_stranger(names.fenced, names.path)
            os.unlink(names.fenced)  # it was cut off while the database had both names
        _users.wait_until_closed(names.path, float(fence.timeout))
        _exchange.settle(names.path)
        _exchange.exchange(names.path, mark, names.fenced)
    finally:
        _remove(mark)


def _refuse_stranger(source: str, path: str) -> None:
    """Another file than the mark of the fence, and not the database under both of its names."""
    if os.path.exists(path) and not _fence.fenced_by(path) and not os.path.samefile(source, path):
        raise DeployError(
            f"{path} is neither the mark of its fence nor the database, which is {source}, and is not overwritten; "
            "move it away, then run again"
        )


def _make_copy(names: _fence.Names) -> None:
    partial = f"{names.copy}.partial"
    _remove(partial)
    try:
        _copy.copy(names.fenced, partial, "database")
        _exchange.like(partial, os.stat(names.fenced))
        os.rename(partial, names.copy)
        sync(os.path.dirname(names.copy))
    except OSError as exc:
        raise DeployError(f"the safety copy of {names.path} cannot be made: {exc.strerror}") from exc
    finally:
        _remove(partial)


def _compared(fence: Fence) -> Result:
    """What was written since it was opened. Nobody has run behind the fence where it never was."""
    names = fence.names
    if not os.path.exists(names.record):
        return {"unchanged": True, "reason": "", "tables": {}}
    return _fence.changes(_fence.read_record(names), _fence.content(names.fenced))


def reopen(fence: Fence, restore: bool, only_if_unchanged: bool, drop: bool, check_mode: bool) -> Result:
    """Give the database back, as it stands or exchanged for the copy. Raises DeployError."""
    names = fence.names
    closed, copied = os.path.exists(names.fenced), os.path.exists(names.copy)
    half = bool(_fence.fenced_by(names.path)) and not closed and copied and os.path.exists(names.failed)
    if restore and (half or (closed and copied)):
        return _restored(fence, half, only_if_unchanged, check_mode)
    plan = [*(["open"] if closed else []), *(["drop"] if drop and copied else [])]
    if check_mode or not plan:
        return fence.answer(plan)
    seconds: Result = {}
    if closed:
        with fence.journal.step(fence.deploy_id, fence.step, "database.open", names.path, undo=_undo(fence, drop)):
            seconds["open"] = _timed(lambda: _give_back(fence, keep=copied and not drop))
    removed = [names.copy] if drop and copied else []
    if removed:
        _remove(names.copy)
        _remove(names.record)
    return fence.answer(plan, seconds=seconds, removed=removed)


def _undo(fence: Fence, drop: bool) -> Result:
    if drop or not os.path.exists(fence.names.copy):
        return {}
    names = fence.names
    return {
        "database": names.path,
        "fence_id": fence.fence_id,
        "fenced_name": names.fenced,
        "copy_name": names.copy,
    }


def _give_back(fence: Fence, keep: bool) -> None:
    names = fence.names
    _users.wait_until_closed(names.fenced, float(fence.timeout))
    _exchange.settle(names.fenced)
    if keep:
        _fence.write_record(names, fence.fence_id, _fence.content(names.fenced), utc_now())
    _exchange_mark(names.fenced, names.path)


def _exchange_mark(source: str, path: str) -> None:
    """In the place of the mark, which is all that can be there."""
    _refuse_stranger(source, path)
    os.replace(source, path)
    _remove(source)  # two names of one file are not made one by a rename
    sync(os.path.dirname(path))


def _restored(fence: Fence, half: bool, only_if_unchanged: bool, check_mode: bool) -> Result:
    """Exchange the database for its copy."""
    names = fence.names
    compared: Result = {"unchanged": True, "reason": "", "tables": {}} if half else _compared(fence)
    if only_if_unchanged and not compared["unchanged"]:
        raise DeployError(
            f"database {names.path} was written to since it was opened ({', '.join(compared['tables']) or compared['reason']}), "
            "and its safety copy would lose that; set restore_only_if_unchanged to false to lose it",
            changes=compared,
        )
    plan = ["restore"]
    seconds: Result = {}
    if not check_mode:
        with fence.journal.step(fence.deploy_id, fence.step, "database.restore", names.path) as outcome:
            seconds["swap"] = _timed(lambda: _swap(fence, half))
            outcome["failed_name"] = names.failed
    return fence.answer(
        plan, restored=not check_mode, copy_name="", seconds=seconds, unchanged=compared["unchanged"], changes=compared
    )


def _swap(fence: Fence, half: bool) -> None:
    names = fence.names
    if not half:
        _users.wait_until_closed(names.fenced, float(fence.timeout))
        with contextlib.suppress(_exchange.Damaged):
            _exchange.settle(names.fenced)
        for end in _users.BESIDE:
            with contextlib.suppress(FileNotFoundError):
                os.rename(names.fenced + end, names.failed + end)
        os.rename(names.fenced, names.failed)
    for end in _users.BESIDE:  # of whoever tried to open the mark
        _remove(names.path + end)
    _exchange_mark(names.copy, names.path)
    _remove(names.record)


def clean(path: str, keep: int, older_than: float, check_mode: bool) -> Result:
    """Remove copies and exchanged files beyond the newest `keep`, but none that is younger. Raises DeployError."""
    path = os.path.realpath(path)
    found = _fence.left(path) if not _fence.fenced_by(path) else []
    removed = [each for each in found[keep:] if os.lstat(each).st_mtime <= older_than]
    for each in [] if check_mode else removed:
        for end in ("", ".json", *_users.BESIDE):
            _remove(each + end)
    return {"changed": bool(removed), "removed": removed, "kept": [each for each in found if each not in removed]}


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _timed(act: t.Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return round(time.monotonic() - began, 3)
