# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which revision a database is really at: its catalog compared with those that a replay has built. Pure; target; PRIVATE to the collection.

What no step of the history ever makes belongs to others, and takes no part. Parts of a table that a step makes do, also those
that somebody has added by hand.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import (
    Atoms,
    Path,
    differences,
    leftovers,
    places,
    without,
    without_leftovers,
)
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._evidence import applied_by_evidence
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import Chosen, History, Walk, wrong_at
from ansible_collections.seamless.deploy.plugins.module_utils._schema._diff import Difference

KINDS = ("exact", "partial", "nearest")

#: Attempts to come nearer by one step more or less, in a history with branches.
CLIMBS = 200


@dataclasses.dataclass(frozen=True)
class Found:
    """kind: exact (proven), partial (a step is applied halfway) or nearest.

    heads: what the table of versions would say; [] before the first step. Of partial: without the step.
    step: the one applied halfway. differences: from the catalog at `heads` to the real one; of partial to the real one from that after `step`.
    fits: sets of heads that fit too, since what is between them changes no catalog; the true one cannot be seen.
    ignored: objects of others. leftovers: what attempts that failed have left, which takes no part.
    """

    kind: str
    heads: t.List[str]
    step: str = ""
    differences: t.List[Difference] = dataclasses.field(default_factory=list)
    fits: t.List[t.List[str]] = dataclasses.field(default_factory=list)
    ignored: t.List[str] = dataclasses.field(default_factory=list)
    leftovers: t.List[Path] = dataclasses.field(default_factory=list)
    distance: int = 0

    @property
    def proven(self) -> bool:
        return self.kind == "exact" and not self.fits


def detect(
    history: History, real: Atoms, recorded: t.Sequence[str] = (), ignore: t.Container[str] = (), strict: bool = False
) -> Found:
    """recorded: what the table of versions says. ignore: names of objects that take no part. strict: all others do."""
    left = leftovers(real)
    mine, others = own(history, real, ignore, strict)
    on_record = history.up_to(recorded) if recorded else None
    nearest, halfway = _search(history, mine)
    if on_record is not None:
        nearest = _better(nearest, [(len(wrong_at(history, on_record, mine)), on_record)])
    distance = nearest[0][0]
    if distance == 0:
        found = _exact(history, [chosen for _distance, chosen in nearest], on_record)
    else:
        found = _partial(history, mine, halfway, on_record) or _nearest(history, mine, nearest, on_record)
    return dataclasses.replace(found, ignored=others, leftovers=left, distance=distance)


def difference_at(
    history: History, real: Atoms, heads: t.Sequence[str], ignore: t.Container[str] = ()
) -> t.List[Difference]:
    """From what these revisions build to the real catalog. Raises KeyError for one that was not replayed."""
    chosen = history.up_to(heads)
    if chosen is None:
        raise KeyError(", ".join(heads))
    return differences(history.state(chosen), own(history, real, ignore)[0])


def own(history: History, real: Atoms, ignore: t.Container[str], strict: bool = False) -> t.Tuple[Atoms, t.List[str]]:
    """What belongs to the history, without leftovers, and the names of what belongs to others."""
    known = history.known_places()
    clean = {path: value for path, value in without_leftovers(real).items() if not _ignored(path, ignore)}
    others = set() if strict else {place for place in places(clean) if place not in known}
    return without(clean, others), sorted(name for _kind, _owner, name in others)


def _ignored(path: Path, ignore: t.Container[str]) -> bool:
    _kind, owner, name = path
    return name in ignore or owner in ignore or f"{owner}.{name}" in ignore


Candidate = t.Tuple[int, Chosen]


def _search(history: History, real: Atoms) -> t.Tuple[t.List[Candidate], t.List[t.Tuple[Chosen, int]]]:
    """The nearest sets, all of one distance; and (set, step) where all that is wrong is what the step changes, some of it done."""
    walk = Walk(history.base, real)
    nearest: t.List[Candidate] = [(len(walk.wrong), frozenset())]
    halfway: t.List[t.Tuple[Chosen, int]] = []
    for number, step in enumerate(history.steps):
        before: Chosen = frozenset(range(number))
        if _is_halfway(history, walk.state, real, walk.wrong, number):
            halfway.append((before, number))
        walk.apply(step)
        nearest = _better(nearest, [(len(walk.wrong), before | {number})])
    if not history.linear():
        distance, chosen = _climbed(history, real, applied_by_evidence(history, real))
        nearest = _better(nearest, [(distance, chosen)])
        for start in {chosen, *(chosen - {number} for number in history.last(chosen))}:
            state, wrong = history.state(start), wrong_at(history, start, real)
            ready = [number for number in history.ready(start) if _is_halfway(history, state, real, wrong, number)]
            halfway += [(start, number) for number in ready if (start, number) not in halfway]
    return nearest, halfway


def _better(known: t.List[Candidate], more: t.List[Candidate]) -> t.List[Candidate]:
    least = min(distance for distance, _chosen in [*known, *more])
    return list(dict.fromkeys(one for one in [*known, *more] if one[0] == least))


def _is_halfway(history: History, state: Atoms, real: Atoms, wrong: t.Set[Path], number: int) -> bool:
    changed = history.steps[number].changes
    if not wrong or len(wrong) > len(changed) or not all(path in changed for path in wrong):
        return False
    done = [path for path in wrong if real.get(path) == changed[path]]
    if any(
        path in step.changes and step.changes[path] == real.get(path)
        for step in history.steps
        for path in wrong.difference(done)
    ):
        return False  # as another step leaves it
    open_still = [path for path, value in changed.items() if real.get(path) == state.get(path) != value]
    return bool(done) and bool(open_still)


def _climbed(history: History, real: Atoms, chosen: Chosen) -> Candidate:
    """Nearer, by one step more or less at a time."""
    distance = len(wrong_at(history, chosen, real))
    for _attempt in range(CLIMBS):
        around = [chosen | {number} for number in history.ready(chosen)]
        around += [chosen - {number} for number in history.last(chosen)]
        measured = [(len(wrong_at(history, each, real)), sorted(each)) for each in around]
        if not measured or min(measured)[0] >= distance:
            break
        distance, chosen = min(measured)[0], frozenset(min(measured)[1])
    return distance, chosen


def _exact(history: History, candidates: t.List[Chosen], on_record: t.Optional[Chosen]) -> Found:
    """Each set that fits, with the steps around it that change no catalog."""
    least = list(dict.fromkeys(history.trimmed(chosen) for chosen in candidates))
    for chosen in least:
        if on_record is not None and chosen <= on_record <= chosen | history.without_effect(chosen):
            return Found("exact", history.heads(on_record))
    hidden = [history.without_effect(chosen) for chosen in least]
    if len(least) == 1 and not any(history.steps[number].statements for number in hidden[0]):
        return Found("exact", history.heads(least[0] | hidden[0]))
    fits = []
    for chosen, more in zip(least, hidden):
        fits.append(history.heads(chosen))
        for number in sorted(more):
            chosen |= {number}
            fits.append(history.heads(chosen))
    return Found("exact", fits[0], fits=fits)


def _partial(
    history: History, real: Atoms, halfway: t.List[t.Tuple[Chosen, int]], on_record: t.Optional[Chosen]
) -> t.Optional[Found]:
    """Where the step is on record, it was applied and something of it was lost since: that is no partial one."""
    if any(chosen | {number} == on_record for chosen, number in halfway):
        return None
    likely = [each for each in halfway if each[0] == on_record] or halfway
    if not likely:
        return None
    measured = [(len(wrong_at(history, chosen | {number}, real)), -number) for chosen, number in likely]
    chosen, number = likely[measured.index(min(measured))]
    after = history.state(chosen | {number})
    return Found("partial", history.heads(chosen), history.steps[number].id, differences(after, real))


def _nearest(history: History, real: Atoms, nearest: t.List[Candidate], on_record: t.Optional[Chosen]) -> Found:
    """The record counts where it is as near, and where only something is missing from it, but more than that elsewhere."""
    sets = [chosen for _distance, chosen in nearest]
    chosen = on_record if on_record in sets else max(sets, key=lambda each: (len(each), sorted(each)))
    found = differences(history.state(chosen), real)
    if on_record is not None and any(one.kind != "removed" for one in found):
        from_record = differences(history.state(on_record), real)
        if all(one.kind == "removed" for one in from_record):
            chosen, found = on_record, from_record
    missing = all(one.kind == "removed" for one in found)
    more = [] if on_record is None or not missing else sorted(chosen - on_record)
    if (
        on_record is not None
        and len(more) == 1
        and chosen == on_record.union(more)
        and _around(history, more[0], real, chosen)
    ):
        return Found("partial", history.heads(on_record), history.steps[more[0]].id, found)
    return Found("nearest", history.heads(chosen), differences=found)


def _around(history: History, number: int, real: Atoms, chosen: Chosen) -> bool:
    """Whether all that is wrong belongs to tables that the step changes: SQLite makes a table anew, and then its indexes."""
    return places(wrong_at(history, chosen, real)) <= places(history.steps[number].changes)
