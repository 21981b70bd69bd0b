# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong between a database, its record and the code, in one word and one sentence. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._detect import Found
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History
from ansible_collections.seamless.deploy.plugins.module_utils._schema._diff import Difference

#: Every cause, and the action of alembic_repair that ends it: "" where a person has to decide.
CAUSES = {
    "none": "",
    "not_recorded": "stamp",
    "stamped_too_far": "stamp",
    "applied_unrecorded": "stamp",
    "recorded_elsewhere": "stamp",
    "ahead_of_code": "",
    "applied_halfway": "create_missing",
    "objects_missing": "create_missing",
    "objects_added": "",
    "differs": "",
    "undecided": "stamp",
    "not_replayed": "",
}


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """cause: one of CAUSES. heads: where the catalog is, proven or nearest. step: applied halfway. remedy: an action, or ""."""

    cause: str
    sentence: str
    remedy: str
    recorded: t.List[str]
    heads: t.List[str]
    proven: bool
    step: str = ""
    differences: t.List[Difference] = dataclasses.field(default_factory=list)
    fits: t.List[t.List[str]] = dataclasses.field(default_factory=list)
    leftovers: t.List[str] = dataclasses.field(default_factory=list)
    ignored: t.List[str] = dataclasses.field(default_factory=list)


def diagnose(history: History, found: Found, recorded: t.Sequence[str]) -> Diagnosis:
    """The true cause: what the catalog proves counts, and not what the record says."""
    cause, sentence = _exact(history, found, recorded) if found.kind == "exact" else _inexact(history, found, recorded)
    remedy = CAUSES[cause]
    if cause == "applied_halfway" and (_writes(history, found.step) or _only(found.differences) != "removed"):
        remedy = ""
    left = [name for _kind, _owner, name in found.leftovers]
    if left:
        sentence += f"; left by an attempt that failed: {', '.join(left)}"
        remedy = "drop_leftovers"
    return Diagnosis(
        cause,
        sentence,
        remedy,
        sorted(recorded),
        found.heads,
        found.proven,
        found.step,
        found.differences,
        found.fits,
        left,
        found.ignored,
    )


def named(revisions: t.Iterable[str]) -> str:
    return ", ".join(revisions) or "no revision"


def _exact(history: History, found: Found, recorded: t.Sequence[str]) -> t.Tuple[str, str]:
    unknown = [name for name in recorded if name not in history.numbers()]
    at = named(found.heads)
    if found.fits:
        fits = " or ".join(named(heads) for heads in found.fits)
        return "undecided", (
            f"the catalog is that of {fits}, and what is between them changes rows only, which no catalog tells; "
            f"on record is {named(recorded)}"
        )
    if unknown:
        return "ahead_of_code", (
            f"on record is {named(unknown)}, which this code does not have, and the catalog is that of {at}: "
            "use the code that has it; where its file is gone for good, stamp what is proven"
        )
    real, on_record = history.up_to(found.heads), history.up_to(recorded)
    if real is None or on_record is None or real == on_record:
        return "none", f"the catalog is that of {at}, as recorded" if found.heads else "nothing is applied yet"
    if not recorded:
        return "not_recorded", f"nothing is on record, and the catalog is that of {at}"
    missing = [history.steps[number].id for number in sorted(on_record - real)]
    more = [history.steps[number].id for number in sorted(real - on_record)]
    if real < on_record:
        return "stamped_too_far", (
            f"on record is {named(recorded)}, and the catalog is that of {at}: never applied {_were(missing)}"
        )
    if real > on_record:
        return "applied_unrecorded", (
            f"on record is {named(recorded)}, and the catalog is that of {at}: applied without a record {_were(more)}"
        )
    return "recorded_elsewhere", (
        f"on record is {named(recorded)}, and the catalog is that of {at}: never applied {_were(missing)}, "
        f"applied without a record {_were(more)}"
    )


def _were(revisions: t.List[str]) -> str:
    return f"{'was' if len(revisions) == 1 else 'were'} {', '.join(revisions)}"


def _inexact(history: History, found: Found, recorded: t.Sequence[str]) -> t.Tuple[str, str]:
    unknown = [name for name in recorded if name not in history.numbers()]
    count = f"{len(found.differences)} difference{'s' if len(found.differences) > 1 else ''}"
    if unknown and history.stopped:
        return "not_replayed", f"{history.stopped}; the catalog matches none of the revisions before it"
    if unknown:
        return "ahead_of_code", (
            f"on record is {named(unknown)}, which this code does not have, and the catalog is none that this code builds; "
            f"the nearest is that of {named(found.heads)}, with {count}: use the code that has it, or downgrade from that code"
        )
    if history.stopped:
        return "not_replayed", f"{history.stopped}; the catalog matches none of the revisions before it"
    if found.kind == "partial":
        data = ", and it changes rows too" if _writes(history, found.step) else ""
        return "applied_halfway", (
            f"{found.step} is applied halfway upon {named(found.heads)}: {count} to what it would build{data}"
        )
    if sorted(found.heads) == sorted(recorded):
        where = f"the catalog is not that of {named(recorded)}, which is on record"
    else:
        where = f"the catalog is none that this code builds; the nearest is that of {named(found.heads)}"
    kind = _only(found.differences)
    if kind == "removed":
        return "objects_missing", f"{where}: missing {_objects(found.differences)}"
    if kind == "added":
        return "objects_added", f"{where}: made by hand, or by other code, {_were_objects(found.differences)}"
    return "differs", f"{where}: different are {_objects(found.differences)}"


def _writes(history: History, step: str) -> bool:
    return any(one.writes for one in history.steps if one.id == step)


def _only(found: t.Sequence[Difference]) -> str:
    kinds = {one.kind for one in found}
    return kinds.pop() if len(kinds) == 1 else ""


def _objects(found: t.Sequence[Difference], most: int = 5) -> str:
    shown = list(dict.fromkeys(f"{one.type} {one.object}" for one in found))
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def _were_objects(found: t.Sequence[Difference]) -> str:
    return f"{'was' if len(found) == 1 else 'were'} {_objects(found)}"
