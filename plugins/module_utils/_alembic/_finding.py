# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found in an Alembic project, for a person to decide. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses

LEVELS = ("stop", "warning", "note")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that a person should know.

    kind: a stable word. level: `stop` is refused by Alembic or by the database, `warning` needs a look, `note` explains.
    object: what it is about. evidence: one sentence. remedy: what to do. place: file and line. revision: its id, if of one.
    """

    kind: str
    level: str
    object: str
    evidence: str
    remedy: str
    place: str = ""
    revision: str = ""

    def to_json(self) -> dict[str, str]:
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return f"{self.evidence}; {self.remedy}"
