# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backups go. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

#: Seconds without a change, after which an unfinished backup of a dead process (or of any process) is debris.
STALE_WHEN_DEAD = 3600
STALE_ALWAYS = 86400

_PARTIAL = re.compile(r"^\..+\.partial-(\d+)$")


@dataclasses.dataclass(frozen=True)
class StoredBackup:
    """One backup with a manifest, as found in a directory."""

    name: str
    database: str
    label: str
    started: str


def expired(
    backups: t.Iterable[StoredBackup], database: str, label: str, keep: int, protected: t.Container[str]
) -> list[str]:
    """Names of the backups of one database and label beyond the newest `keep`; never one of `protected`."""
    of_kind = [backup for backup in backups if backup.database == database and backup.label == label]
    newest_first = sorted(of_kind, key=lambda backup: (backup.started, backup.name), reverse=True)
    return [backup.name for backup in newest_first[max(keep, 1) :] if backup.name not in protected]


def partial_name(name: str, pid: int) -> str:
    """What an unfinished backup is called."""
    return f".{name}.partial-{pid}"


def partial_owner(name: str) -> t.Optional[int]:
    """The process that made an unfinished backup; None when the name is of something else."""
    match = _PARTIAL.match(name)
    return int(match.group(1)) if match else None


def is_stale(unchanged_seconds: float, owner_alive: bool) -> bool:
    """Whether an unfinished backup is left over from a killed run. A process id may be in use again, hence two limits."""
    return unchanged_seconds >= (STALE_ALWAYS if owner_alive else STALE_WHEN_DEAD)
