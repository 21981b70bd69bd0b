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
from ansible_collections.seamless.deploy.plugins.module_utils._durations import (
    durations,
    last_durations,
    pace,
    seconds_between,
)
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._lock import Holder, Lock, Signs, boot_id, why_stale
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs
from ansible_collections.seamless.deploy.plugins.module_utils._unfinished import host_facts

#: How many deploys are told of.
SHOWN = 20
#: Of how many of the last deploys the facts are told: a fleet's other hosts may still have them unfinished.
RECENT = 5


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


def _refused(found: Holder, signs: Signs, patience: Patience) -> DeployError:
    """The refusal of a second deploy, in words."""
    lives = {"alive": "Its ansible-playbook still runs on this control node."}.get(signs.owner, "")
    now = f"On this host runs {signs.running}." if signs.running else ""
    silence = "" if lives or now else f"The last that was heard of it was {signs.silent:.0f} seconds ago."
    return DeployError(
        f"another deploy is under way: {found.sentence()}. {' '.join(part for part in (lives, now, silence) if part)} Wait for it "
        f"(deploy_lock_wait gives seconds). When it is gone, its lock is taken over by itself after {patience.stale} seconds of "
        f"silence (deploy_lock_stale); when it is certainly gone, bring it to its end at once with recover.yml "
        f"-e recover_take_over={found.deploy_id}",
        holder=found.to_json(),
        refused=True,
    )


@dataclasses.dataclass(frozen=True)
class Patience:
    """How a deploy begins where another one stands in the way.

    wait: seconds for a lock whose holder lives. take_over: the id of one that a person says is gone. stale: seconds of
    silence after which a holder that nobody can ask is gone. owners: what the control node knows of holders, by deploy:
    gone, alive or unknown. ending: whether steps of earlier deploys are ended; else they get `running` seconds.
    """

    wait: int = 0
    take_over: str = ""
    stale: int = 900
    owners: dict[str, str] = dataclasses.field(default_factory=dict)
    ending: bool = False
    running: int = 3600


class Deploys:
    """The deploys of one application on one host; `path` is the journal's. Methods raise DeployError."""

    def __init__(self, path: str, lock_id: str = "") -> None:
        self.journal = Journal(path, lock_id=lock_id)
        self.lock = Lock(os.path.join(os.path.dirname(path), "lock"))
        self.runs = Runs(path)

    def begin(
        self,
        deploy_id: str,
        who: str,
        origin: str,
        detail: dict[str, t.Any],
        owner: dict[str, t.Any],
        patience: Patience,
    ) -> dict[str, t.Any]:
        """Take the lock and open a deploy. What an earlier one left running is awaited or ended first."""
        folder = os.path.dirname(self.journal.path)
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
        except OSError as exc:
            raise DeployError(f"path: the journal's directory cannot be made: {exc.strerror} ({exc.filename})") from exc
        taken, told = self._take(Holder(deploy_id, who, origin, utc_now(), boot_id(), owner), patience)
        try:
            if not _journal.begun_and_open(self.journal.read(), deploy_id):
                self.journal.append(
                    deploy_id, "deploy", "deploy", "begin", detail={"who": who, "origin": origin, **detail}
                )
        except DeployError:
            self.lock.release(deploy_id)
            raise
        if taken:
            reason = {"taken over by": deploy_id, "why": taken["why"]}
            self.journal.append(taken["deploy_id"], "deploy", "lock", "note", detail=reason)
        return {"taken_over": taken, "waited_for": told}

    def _take(self, holder: Holder, patience: Patience) -> tuple[dict[str, str], list[dict[str, t.Any]]]:
        """Of which deploy the lock was taken over, usually none, and which steps were awaited before.

        Steps come to their end before the lock changes hands: under another lock they would stop half way.
        """
        deadline = time.monotonic() + patience.wait
        told: list[dict[str, t.Any]] = []
        while True:
            found = self.lock.holder()
            if found is None or found.deploy_id == holder.deploy_id:
                told += self.runs.settle(patience.running, patience.ending)
                if self.lock.take(holder) is None:
                    self.lock.take_over(holder, holder.deploy_id)
                    return {}, told
                continue
            signs = self.signs(found, patience.owners)
            why = "a person says so" if patience.take_over == found.deploy_id else ""
            if not why and found.owner and found.deploy_id not in patience.owners:
                raise _refused(found, signs, patience)  # its control node is asked first
            why = why or why_stale(signs, patience.stale)
            if why:
                told += self.runs.settle(patience.running, patience.ending)
                if self.lock.take_over(holder, found.deploy_id):
                    return {"deploy_id": found.deploy_id, "why": why}, told
            elif time.monotonic() >= deadline:
                raise _refused(found, signs, patience)
            else:
                time.sleep(1)

    def signs(self, holder: Holder, owners: dict[str, str]) -> Signs:
        """What can be seen of the one who holds the lock."""
        last = holder.since
        for record in _journal.of_deploy(self.journal.read(), holder.deploy_id):
            last = max(last, record.at)
        running = [state for state in self.runs.alive() if state.deploy_id == holder.deploy_id]
        boot = boot_id()
        return Signs(
            owners.get(holder.deploy_id, "unknown"),
            bool(holder.boot_id and boot and holder.boot_id != boot),
            seconds_between(last, utc_now()),
            ", ".join(f"{state.action} since {state.started_at}" for state in running),
        )

    def settle(self, deploy_id: str, step: str, event: str, detail: dict[str, t.Any]) -> None:
        """Record of everything of a step that is still to be undone that it was, or that it is left as it is."""
        for entry in _journal.undo_plan(self.journal.read(), deploy_id):
            if entry.step == step:
                self.journal.append(deploy_id, entry.step, entry.action, event, entry.subject, detail)

    def end(self, deploy_id: str, result: str, detail: dict[str, t.Any]) -> None:
        self.journal.append(deploy_id, "deploy", "deploy", "end", detail={"result": result, **detail})
        self.lock.release(deploy_id)

    def facts(self, records: t.Sequence[_journal.JournalRecord], chosen: str) -> dict[str, t.Any]:
        """id -> facts, of the deploys that never ended, the last ones, and the one asked for."""
        began = [record.deploy_id for record in records if record.event == "begin"]
        names = dict.fromkeys([*_journal.unfinished(records), *began[-RECENT:], *([chosen] if chosen else [])])
        running: dict[str, list[str]] = {}
        for state in self.runs.alive():
            said = f"{state.action} (process {state.pid}, since {state.started_at})"
            running.setdefault(state.deploy_id, []).append(said)
        return {name: host_facts(records, name, running.get(name, ())).to_json() for name in names}

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
            "facts": self.facts(records, chosen),
            "undo": undo,
            "undo_steps": sorted({entry["step"] for entry in undo}, key=_journal.STEPS.index),
            "seconds": {
                **durations(records, chosen),
                "last": last_durations(records, chosen),
                "pace": pace(records, chosen),
            },
            "recovery": {
                **dataclasses.asdict(recovery),
                "applied": list(found.applied),
                "fenced_name": found.fenced_name,
            },
        }
        if reading:
            result["records"] = [record.to_json() for record in _journal.of_deploy(records, chosen)]
            result["deploys"] = summaries(records)
        return result
