# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From verdicts to the strategy of a deploy, and to what runs before its handover. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration, Verdict
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _verdict

WANTED = ("auto", "online", "maintenance")


@dataclasses.dataclass(frozen=True)
class Circumstances:
    """What else decides. wanted: one of WANTED.

    serves: whether a release is live that the migrations could harm.
    demands_all: what in the new release fails while a migration is pending, "" for nothing.
    held: migrations that stay held back until somebody says so.
    """

    wanted: str = "auto"
    serves: bool = True
    demands_all: str = ""
    held: t.Collection[str] = ()


@dataclasses.dataclass(frozen=True)
class Decision:
    """How the deploy runs. now: migrations that run before the handover, or during the stop; later: those held back, both in order.

    reasons: why not online, a sentence each.
    """

    strategy: str
    now: list[str] = dataclasses.field(default_factory=list)
    later: list[str] = dataclasses.field(default_factory=list)
    reasons: list[str] = dataclasses.field(default_factory=list)


def decide(plan: t.Sequence[Migration], found: t.Sequence[Verdict], given: Circumstances) -> Decision:
    """The strategy for a plan and its verdicts. Raises DeployError when online is wanted and not possible."""
    everything = [migration.id for migration in plan]
    if not given.serves:
        return Decision("maintenance" if given.wanted == "maintenance" else "online", everything)
    later, reasons = split(plan, found, given)
    if given.wanted == "online" and reasons:
        said = " ".join(f"{reason.rstrip('.')}." for reason in reasons)
        raise DeployError(
            f"strategy is 'online', and that is not possible: {said} Change the migration as its findings say, "
            "or choose auto or maintenance",
            reasons=reasons,
        )
    if given.wanted == "maintenance" or reasons:
        return Decision("maintenance", everything, [], reasons)
    return Decision("online", [name for name in everything if name not in later], later)


def split(plan: t.Sequence[Migration], found: t.Sequence[Verdict], given: Circumstances) -> tuple[list[str], list[str]]:
    """What has to wait until the old release is gone, and why an online deploy is not possible all the same."""
    later: list[str] = []
    reasons: list[str] = []
    for migration, verdict in zip(plan, found):
        unsafe = _verdict.online(verdict)
        if unsafe:
            reasons.append(unsafe)
        waits_for = [name for name in migration.dependencies if name in later]
        if verdict.compatibility == "contract" or (verdict.compatibility == "either" and migration.id in given.held):
            later.append(migration.id)
        elif waits_for:
            later.append(migration.id)
            if verdict.compatibility == "expand":
                reasons.append(
                    f"{migration.id} has to run before the new release starts, and it comes after {waits_for[0]}, "
                    "which has to wait until the old release is gone."
                )
    if later and given.demands_all:
        reasons.append(
            f"{', '.join(later)} would have to wait, and {given.demands_all} fails while a migration is pending."
        )
    return later, reasons


def keeps_old(found: t.Sequence[Verdict]) -> bool:
    """Whether the release that is live is proven to work after all of the plan."""
    return all(verdict.compatibility in ("expand", "either") for verdict in found)


def table(found: t.Sequence[Verdict], seconds: t.Sequence[float], decision: Decision) -> list[str]:
    """The plan as lines for people."""
    if not found:
        return ["No migration is pending."]
    width = max(len(verdict.migration) for verdict in found)
    lines = []
    for verdict, took in zip(found, seconds):
        lines.append(
            f"{verdict.migration:<{width}}  {verdict.compatibility:<12}  {took:6.2f} s  {_when(verdict, decision)}"
        )
        for finding in verdict.findings:
            lines.append(f"{'':<{width}}  - {finding.evidence}")
            if finding.remedy:
                lines.append(f"{'':<{width}}    {finding.remedy}")
    return lines


def _when(verdict: Verdict, decision: Decision) -> str:
    if verdict.migration in decision.later:
        return "after the old release"
    if _verdict.online(verdict):
        return "not online"
    return "online" if decision.strategy == "online" else "in the stop"
