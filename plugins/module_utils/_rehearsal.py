# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a rehearsal told to evidence, verdicts and a strategy. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding, Migration, Verdict
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _verdict
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import (
    Demands,
    Evidence,
    Failure,
    Lock,
    Statement,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

Event = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """A plan on a scratch copy. told: an event of each migration that ran there. catalogs: before the first, then after each.

    without: why there was no scratch copy, "" when there was one.
    """

    plan: list[Migration]
    told: list[Event] = dataclasses.field(default_factory=list)
    catalogs: list[Snapshot] = dataclasses.field(default_factory=list)
    without: str = ""

    def evidence(self) -> list[Evidence]:
        """One of each migration of the plan, in order; of those that were not reached it says so."""
        found = []
        for number, migration in enumerate(self.plan):
            if number < len(self.told):
                around = self.catalogs[number], self.catalogs[number + 1]
                found.append(of_event(migration, self.told[number], *around))
            else:
                last = self.catalogs[-1] if self.catalogs else Snapshot("postgresql")
                found.append(Evidence(migration, "none", last, last))
        return found


def of_event(migration: Migration, event: Event, before: Snapshot, after: Snapshot) -> Evidence:
    """What the bridge told of one migration, with the names of the relations that were there before it."""
    names = {table.oid: table.name for table in before.tables}
    files = {table.oid: table.filenode for table in before.tables}
    rewritten = [
        files_of.oid for files_of in after.tables if files.get(files_of.oid, files_of.filenode) != files_of.filenode
    ]
    return Evidence(
        migration=migration,
        rehearsal="schema",
        before=before,
        after=after,
        seconds=event["seconds"],
        statements=[Statement(**one) for one in event["statements"]],
        locks=[
            Lock(**{**one, "relation": names[one["relation"]]}) for one in event["locks"] if one["relation"] in names
        ],
        rewritten=[names[oid] for oid in rewritten],
        scanned=[names[oid] for oid in event["scanned"] if oid in names],
        failure=failure_of(event.get("failure")),
    )


def failure_of(told: t.Optional[Event]) -> t.Optional[Failure]:
    if not told:
        return None
    operation = told["operation"]
    place = f"operation {operation['number']} of {operation['count']} ({operation['description']})"
    return Failure("migration_failed", f"{place}: {told['error']}", told["sqlstate"])


def demands_of(release: str, told: t.Mapping[str, t.Any], drivers: t.Mapping[str, str]) -> Demands:
    """What the bridge recorded of a release; where it did not, nothing is known of it."""
    return Demands(
        release, tables=dict(told.get("tables") or {}), known=bool(told.get("tables")), drivers=dict(drivers)
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

    Code that ran on empty tables may fail for want of rows; a statement on the schema fails anywhere.
    """
    for migration, event in zip(rehearsed.plan, rehearsed.told):
        failure = failure_of(event.get("failure"))
        if failure and not migration.data:
            return f"migration {migration.id} failed on a scratch copy of the schema, in {failure.message}"
    return ""


@dataclasses.dataclass(frozen=True)
class Decision:
    """How the deploy runs. reasons: why not online, a sentence each."""

    strategy: str
    reasons: list[str] = dataclasses.field(default_factory=list)


def decide(wanted: str, serves: bool, found: t.Sequence[Verdict]) -> Decision:
    """The strategy for a plan. serves: whether a release is live that the migrations could harm. Raises DeployError."""
    reasons = [reason for reason in map(not_online, found) if reason] if serves else []
    if not reasons:
        return Decision("maintenance" if wanted == "maintenance" else "online")
    if wanted == "online":
        said = " ".join(f"{reason.rstrip('.')}." for reason in reasons)
        raise DeployError(
            f"the strategy is online, and that is not possible: {said} Change the migration as its findings say, "
            "or choose auto or maintenance",
            reasons=reasons,
        )
    return Decision("maintenance", reasons)


def not_online(verdict: Verdict) -> str:
    """Why a migration may not run before the handover, while the old release serves; "" when it may."""
    if verdict.compatibility == "contract":
        first = verdict.findings[0].evidence if verdict.findings else "The old release does not work after it."
        return f"{verdict.migration} has to wait until the old release is gone: {first}"
    return _verdict.online(verdict)


def table(plan: t.Sequence[Verdict], seconds: t.Sequence[float]) -> list[str]:
    """The plan as lines for people."""
    if not plan:
        return ["No migration is pending."]
    width = max(len(verdict.migration) for verdict in plan)
    lines = []
    for verdict, took in zip(plan, seconds):
        online = not_online(verdict)
        lines.append(
            f"{verdict.migration:<{width}}  {verdict.compatibility:<12}  {took:6.2f} s  {'online' if not online else 'not online'}"
        )
        for finding in verdict.findings:
            lines.append(f"{'':<{width}}  - {finding.evidence}")
            if finding.remedy:
                lines.append(f"{'':<{width}}    {finding.remedy}")
    return lines
