# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a rehearsal told to evidence and verdicts. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding, Migration, Verdict
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff, _verdict
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import (
    Demands,
    Evidence,
    Failure,
    Lock,
    Statement,
    Violation,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot, Table
from ansible_collections.seamless.deploy.plugins.module_utils._schema._violations import sentence

Event = t.Dict[str, t.Any]

#: What takes something away or changes rows, but for the records of migrations. A default that goes takes nothing with it.
_LOSES = re.compile(
    r"\bDROP\s+(?!DEFAULT\b)|\bALTER\s+SEQUENCE\b|\b(INSERT\s+INTO|(?<!ON )UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE)\b"
    r"(?!\s+\"?(django_migrations|alembic_version)\b)",
    re.IGNORECASE,
)
DATA = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|SET)\b", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """A plan on a scratch copy. told: an event of each migration that ran there. catalogs: before the first, then after each.

    without: why there was no scratch copy, "" when there was one. kind: whether the copy had rows, schema or data.
    """

    plan: list[Migration]
    told: list[Event] = dataclasses.field(default_factory=list)
    catalogs: list[Snapshot] = dataclasses.field(default_factory=list)
    without: str = ""
    kind: str = "schema"

    def evidence(self) -> list[Evidence]:
        """One of each migration of the plan, in order; of those that were not reached it says so."""
        found = []
        for number, migration in enumerate(self.plan):
            if number < len(self.told):
                around = self.catalogs[number], self.catalogs[number + 1]
                found.append(of_event(migration, self.told[number], *around, self.kind))
            else:
                last = self.catalogs[-1] if self.catalogs else Snapshot("postgresql")
                failed = self.plan[len(self.told) - 1].id if self.told else ""
                reason = Failure("not_reached", f"{failed} failed before it") if failed else None
                found.append(Evidence(migration, "none", last, last, failure=reason))
        return found


def of_event(migration: Migration, event: Event, before: Snapshot, after: Snapshot, kind: str = "schema") -> Evidence:
    """What the bridge told of one migration, with the names of the relations that were there before it."""
    names = {_key(table): table.name for table in before.tables}
    files = {_key(table): table.filenode for table in before.tables}
    rewritten = [_key(table) for table in after.tables if files.get(_key(table), table.filenode) != table.filenode]
    return Evidence(
        migration=migration,
        rehearsal=kind,
        before=before,
        after=after,
        seconds=event["seconds"],
        statements=[Statement(**one) for one in event["statements"]],
        locks=[
            Lock(**{**one, "relation": names[one["relation"]]}) for one in event["locks"] if one["relation"] in names
        ],
        rewritten=[names[key] for key in rewritten],
        scanned=[names[oid] for oid in event["scanned"] if oid in names],
        violations=[Violation(**one) for one in event.get("violations", [])],
        failure=failure_of(event.get("failure")),
    )


def _key(table: Table) -> t.Any:
    """What a rename leaves; SQLite has nothing of the kind."""
    return table.oid or table.name


def failure_of(told: t.Optional[Event]) -> t.Optional[Failure]:
    if not told:
        return None
    operation = told["operation"]
    place = f"operation {operation['number']} of {operation['count']} ({operation['description']})"
    return Failure("migration_failed", f"{place}: {told['error']}", told["sqlstate"])


@dataclasses.dataclass(frozen=True)
class Declared:
    """What the user says of both releases, as `raw` and `deletes` of Demands have it."""

    raw: t.Sequence[str] = ()
    deletes: t.Optional[t.Sequence[str]] = None


def demands_of(
    release: str, told: t.Mapping[str, t.Any], drivers: t.Mapping[str, str], declared: Declared = Declared()
) -> Demands:
    """What the bridge recorded of a release; where it did not, nothing is known of it."""
    return Demands(
        release,
        framework=str(told.get("framework") or "django"),
        tables=dict(told.get("tables") or {}),
        known=bool(told.get("tables")),
        drivers=dict(drivers),
        raw=list(declared.raw),
        deletes=None if declared.deletes is None else list(declared.deletes),
    )


def verdicts(rehearsed: Rehearsed, production: Snapshot, old: Demands, new: Demands) -> list[Verdict]:
    """One of each migration of the plan."""
    found = [_verdict.judge(evidence, production, old, new) for evidence in rehearsed.evidence()]
    if not rehearsed.without:
        return found
    reason = Finding("", f"There is no scratch copy to rehearse on: {rehearsed.without.rstrip('.')}.")
    return [dataclasses.replace(verdict, findings=[reason, *verdict.findings]) for verdict in found]


def broken(rehearsed: Rehearsed) -> str:
    """Why the plan would fail in production too, "" when that is not known.

    Code that ran on empty tables may fail for want of rows, and in a sandbox for want of a network or a file; a statement on the schema
    fails anywhere.
    """
    file = bool(rehearsed.catalogs) and rehearsed.catalogs[0].dialect == "sqlite"
    copy = "of the file" if file else "with the data of a backup" if rehearsed.kind == "data" else "of the schema"
    for migration, event in zip(rehearsed.plan, rehearsed.told):
        failure = failure_of(event.get("failure"))
        alone = event.get("sandbox", "none") != "none" and (event.get("failure") or {}).get("kept_away")
        if failure and not alone and (rehearsed.kind == "data" or not migration.data):
            seen = [sentence(Violation(**one)) for one in event.get("violations", [])]
            return " ".join(
                [f"migration {migration.id} failed on a scratch copy {copy}, in {failure.message}.", *seen]
            ).rstrip(".")
    return ""


def wants_rows(rehearsed: Rehearsed) -> bool:
    """Whether a migration was rehearsed on empty tables that a rehearsal on data could prove."""
    return not rehearsed.without and any(
        one.rehearsal != "data" and (one.migration.data or any(each.code for each in one.statements))
        for one in rehearsed.evidence()
    )


def only_adds(rehearsed: Rehearsed) -> bool:
    """Whether the plan leaves everything as it was that was there before it, so that to take it back loses no row of that."""
    catalogs = rehearsed.catalogs
    if rehearsed.without or len(catalogs) != len(rehearsed.plan) + 1:
        return False
    if any(migration.data or not migration.reversible for migration in rehearsed.plan):
        return False
    if any(one["code"] or _LOSES.search(one["sql"]) for event in rehearsed.told for one in event["statements"]):
        return False
    found = [one for before, after in zip(catalogs, catalogs[1:]) for one in _diff.differences(before, after)]
    return all(one.kind == "added" for one in found)


def statements(rehearsed: Rehearsed) -> list[dict[str, t.Any]]:
    """What each migration ran on the schema, for a linter, which knows no placeholders of a driver."""
    return [
        {
            "migration": migration.id,
            "atomic": migration.atomic,
            "sql": [one["sql"] for one in event["statements"] if not one["code"] and not DATA.match(one["sql"])],
        }
        for migration, event in zip(rehearsed.plan, rehearsed.told)
    ]
