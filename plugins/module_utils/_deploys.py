# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys in the journal: begun, ended, and what is told of them. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t
import uuid

from ansible_collections.seamless.deploy.plugins.module_utils import _journal, _recovery
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._lock import Holder, Lock, boot_id

#: How many deploys are told of.
SHOWN = 20


def new_id(now: str) -> str:
    return now.replace("-", "").replace(":", "").rstrip("Z") + "-" + uuid.uuid4().hex[:4]


def summaries(records: t.Iterable[_journal.JournalRecord]) -> list[dict[str, t.Any]]:
    """The last deploys, newest first, with what their first and last records say."""
    found: dict[str, dict[str, t.Any]] = {}
    for record in records:
        if record.event == "begin":
            opening = {"deploy_id": record.deploy_id, "began": record.at, "result": "unfinished"}
            found[record.deploy_id] = {**opening, **record.detail}
        elif record.event == "end" and record.deploy_id in found:
            found[record.deploy_id].update({"ended": record.at, **record.detail})
    return list(found.values())[: -SHOWN - 1 : -1]


class Deploys:
    """The deploys of one application on one host; `path` is the journal's. Methods raise DeployError."""

    def __init__(self, path: str) -> None:
        self.journal = Journal(path)
        self.lock = Lock(os.path.join(os.path.dirname(path), "lock"))

    def begin(self, deploy_id: str, who: str, origin: str, detail: dict[str, t.Any], wait: int, take_over: str) -> None:
        """Take the lock and open a deploy, in place of the one in `take_over` when that holds the lock."""
        folder = os.path.dirname(self.journal.path)
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
        except OSError as exc:
            raise DeployError(f"path: the journal's directory cannot be made: {exc.strerror} ({exc.filename})") from exc
        taken_over = self._take(Holder(deploy_id, who, origin, utc_now(), boot_id()), wait, take_over)
        if taken_over:
            self.journal.append(taken_over, "deploy", "lock", "note", detail={"taken over by": deploy_id})
        opening = {"who": who, "origin": origin, **detail}
        self.journal.append(deploy_id, "deploy", "deploy", "begin", detail=opening)

    def _take(self, holder: Holder, wait: int, take_over: str) -> str:
        """The id of the deploy whose lock was taken over, usually none."""
        deadline = time.monotonic() + wait
        taken_over = ""
        while True:
            found = self.lock.take(holder)
            if found is None:
                return taken_over
            if take_over == found.deploy_id:
                self.lock.release(found.deploy_id)
                taken_over = found.deploy_id
            elif time.monotonic() >= deadline:
                raise DeployError(
                    f"another deploy is under way: {found.sentence()}. Wait for it (deploy_lock_wait gives seconds), "
                    "or, when it is certainly gone, take it back first with rollback.yml "
                    f"-e rollback_take_over={found.deploy_id}",
                    holder=found.to_json(),
                )
            else:
                time.sleep(1)

    def mark_undone(self, deploy_id: str, step: str) -> None:
        """Record everything of a step that is still to be undone as undone."""
        for entry in _journal.undo_plan(self.journal.read(), deploy_id):
            if entry.step == step:
                self.journal.append(deploy_id, entry.step, entry.action, "undone", entry.subject)

    def end(self, deploy_id: str, result: str, detail: dict[str, t.Any]) -> None:
        self.journal.append(deploy_id, "deploy", "deploy", "end", detail={"result": result, **detail})
        self.lock.release(deploy_id)

    def report(self, deploy_id: str, compatible: bool, reading: bool) -> dict[str, t.Any]:
        """What the journal says of a deploy, the last one without an id; of all deploys too when reading."""
        records = self.journal.read()
        chosen = deploy_id or _journal.last_deploy(records)
        holder = self.lock.holder()
        undo = [vars(entry) for entry in _journal.undo_plan(records, chosen)]
        found = _recovery.facts(records, chosen)
        recovery = _recovery.decide(found, compatible)
        result: dict[str, t.Any] = {
            "deploy_id": chosen,
            "holder": holder.to_json() if holder else {},
            "unfinished": [name for name in _journal.unfinished(records) if reading or name != chosen],
            "undo": undo,
            "undo_steps": sorted({entry["step"] for entry in undo}, key=_journal.STEPS.index),
            "recovery": {**dataclasses.asdict(recovery), "applied": list(found.applied)},
        }
        if reading:
            result["records"] = [record.to_json() for record in _journal.of_deploy(records, chosen)]
            result["deploys"] = summaries(records)
        return result
