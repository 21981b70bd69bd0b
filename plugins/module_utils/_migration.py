# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migration, finding and verdict: the same for Django and Alembic. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

VERSION = 1

COMPATIBILITY = ("expand", "contract", "either", "blocking", "inconclusive")


@dataclasses.dataclass(frozen=True)
class Migration:
    """One entry of a plan.

    id: the framework's own name of it: "app.0002_name" for Django, the revision for Alembic.
    label: its group: the Django app, the Alembic branch.
    name: its name in the group. backwards: the plan takes it back instead of applying it.
    atomic: runs in a transaction of its own. reversible: can be taken back.
    data: runs code or DML whose effect its text does not show.
    operations: each described in the framework's words. sql: statements, where they can be known beforehand.
    dependencies: ids of the migrations that it comes straight after in the framework's own graph, applied or not.
    """

    id: str
    label: str
    name: str
    backwards: bool = False
    atomic: bool = True
    reversible: bool = True
    data: bool = False
    operations: list[str] = dataclasses.field(default_factory=list)
    sql: list[str] = dataclasses.field(default_factory=list)
    dependencies: list[str] = dataclasses.field(default_factory=list)

    def to_json(self) -> dict[str, t.Any]:
        return {"version": VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: dict[str, t.Any]) -> Migration:
        return cls(**_known(cls, data))


@dataclasses.dataclass(frozen=True)
class Finding:
    """One reason for a verdict: the object it is about, the evidence in one sentence, the remedy."""

    object: str
    evidence: str
    remedy: str = ""

    def to_json(self) -> dict[str, t.Any]:
        return {"version": VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: dict[str, t.Any]) -> Finding:
        return cls(**_known(cls, data))


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is proven of one migration between two named releases.

    compatibility: one of COMPATIBILITY. impact: locks, rewrites, scans and seconds, by name.
    rehearsal: schema, data or none. old_release, new_release: between which it holds.
    """

    migration: str
    old_release: str
    new_release: str
    compatibility: str
    rehearsal: str = "none"
    impact: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    findings: list[Finding] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        if self.compatibility not in COMPATIBILITY:
            raise ValueError(f"compatibility {self.compatibility!r} is none of {', '.join(COMPATIBILITY)}")

    def to_json(self) -> dict[str, t.Any]:
        findings = [finding.to_json() for finding in self.findings]
        return {"version": VERSION, **dataclasses.asdict(self), "findings": findings}

    @classmethod
    def from_json(cls, data: dict[str, t.Any]) -> Verdict:
        values = _known(cls, data)
        values["findings"] = [Finding.from_json(finding) for finding in values.get("findings", [])]
        return cls(**values)


def _known(kind: type, data: dict[str, t.Any]) -> dict[str, t.Any]:
    """Only the fields of `kind`. A newer version is refused: the bridge and its caller are published together."""
    if data.get("version") != VERSION:
        raise ValueError(f"{kind.__name__} has version {data.get('version')!r}, expected {VERSION}")
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in data.items() if name in names}
