# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detached runner's state: what a later run finds of a long step. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _contract

VERSION = 1

#: `lost`: its process is gone and left no exit code (killed, or the host crashed).
STATUSES = ("starting", "running", "finished", "lost")


@dataclasses.dataclass(frozen=True)
class RunnerState:
    """A long step that runs on the target on its own.

    id: unique on this host. pid and process_started (clock ticks since boot, /proc/PID/stat field 22) and
    boot_id name one process for certain: a pid alone is used again. result_file: where its JSON lines go.
    started_at, finished_at: UTC, ISO 8601. rc is None until it has finished.
    """

    id: str
    deploy_id: str
    step: str
    action: str
    status: str
    pid: int
    process_started: int
    boot_id: str
    started_at: str
    result_file: str
    finished_at: str = ""
    rc: t.Optional[int] = None

    def to_json(self) -> dict[str, t.Any]:
        return _contract.to_json(self, VERSION)

    @classmethod
    def from_json(cls, data: object) -> RunnerState:
        return _contract.from_json(cls, data, VERSION, "the state of a detached step")

    def observed(self, boot_id: str, process_started: t.Optional[int]) -> RunnerState:
        """The state as it really is, given the host's boot id and the start of the process with this pid, if any."""
        if self.status not in ("starting", "running"):
            return self
        alive = boot_id == self.boot_id and process_started == self.process_started
        return self if alive else self.lost()

    def lost(self) -> RunnerState:
        return dataclasses.replace(self, status="lost")
