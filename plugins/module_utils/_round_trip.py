# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes pending migrations back on a scratch copy that has them, and applies them again. Target; PRIVATE to the collection.

A way back that is not complete is known so before it is needed.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._rehearsal import Rehearsed
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff, _diff_text
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

#: complete: the catalog is as before it, and applying it again gives the same; incomplete: something differs; failed: it stopped with an
#: error; irreversible: it says itself that it cannot be taken back; not_reached: one that comes after it could not be taken back.
OUTCOMES = ("complete", "incomplete", "failed", "irreversible", "not_reached")


@dataclasses.dataclass(frozen=True)
class Returned:
    """What came of taking one migration back. differences: lines; problem: a sentence, "" where there is none."""

    migration: str
    outcome: str
    differences: list[str] = dataclasses.field(default_factory=list)
    problem: str = ""

    def to_json(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


def drive(
    bridge: Bridge, request: dict[str, t.Any], rehearsed: Rehearsed, take: t.Callable[[], Snapshot]
) -> list[Returned]:
    """Have the bridge go back and forth over what was rehearsed. request: alias and database_name of the copy; take: its catalog as it is now.

    Raises DeployError where it cannot even begin.
    """
    ids, catalogs = [migration.id for migration in rehearsed.plan], rehearsed.catalogs
    if not ids:
        return []
    told: dict[str, dict[str, t.Any]] = {}
    seen: dict[str, Snapshot] = {}
    again: list[Snapshot] = []

    def watch(event: dict[str, t.Any]) -> None:
        if event["what"] == "returned":
            told[event["id"]] = event
            if not event["problem"]:
                seen[event["id"]] = take()
        elif event["what"] == "again":
            again.append(take())

    outcome = bridge.attempt("apply", watch=watch, about="round_trip", ids=ids, **request)
    if outcome.error:
        raise outcome.error
    found = [judged(name, told.get(name), catalogs[number], seen.get(name)) for number, name in enumerate(ids)]
    return repeated(found, str(outcome.result.get("problem") or ""), catalogs[-1], again[0] if again else None)


def judged(name: str, event: t.Optional[dict[str, t.Any]], before: Snapshot, after: t.Optional[Snapshot]) -> Returned:
    """One migration: event is what the bridge said, None where it was not reached; before: the catalog that it started from."""
    if event is None:
        return Returned(name, "not_reached", problem="a migration that comes after it could not be taken back")
    if event["problem"] or after is None:
        return Returned(name, "irreversible" if event.get("irreversible") else "failed", problem=event["problem"])
    lines = changes(before, after)
    if not lines:
        return Returned(name, "complete")
    return Returned(name, "incomplete", lines, "the schema is not as it was before it")


def repeated(found: list[Returned], problem: str, whole: Snapshot, again: t.Optional[Snapshot]) -> list[Returned]:
    """With what came of applying all of them again. problem: of that; whole: the catalog of the first time."""
    lines = changes(whole, again) if again else []
    back = [one for one in found if one.outcome in ("complete", "incomplete")]
    if not back or not (problem or lines):
        return found
    # The first to be applied again is the last that was taken back.
    first = back[0]
    text = (
        f"applied again it fails: {problem}" if problem else "applied again it gives another schema than the first time"
    )
    worse = dataclasses.replace(first, outcome="incomplete", differences=[*first.differences, *lines], problem=text)
    return [worse if one is first else one for one in found]


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Differences as lines. Things that were made anew count as the same by their names, and a column stands where it stands."""
    found = _diff.differences(before, dataclasses.replace(after, database_oid=0))
    return _diff_text.text(one for one in found if one.what != "columns").splitlines()


def lines(found: t.Sequence[Returned]) -> list[str]:
    """For people."""
    if not found:
        return []
    width = max(len(one.migration) for one in found)
    told = ["Taken back and applied again:"]
    for one in found:
        text = f"  {one.migration:<{width}}  {one.outcome.replace('_', ' ')}"
        told.append(f"{text}: {one.problem}" if one.problem else text)
        told += [f"      {line}" for line in one.differences]
    return told
