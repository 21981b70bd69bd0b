# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of each step of a history by itself, whether its effect is in a catalog. Pure; target; PRIVATE to the collection.

Every object that a step changes speaks for it, against it, or says nothing: when it is as the step, or a later one, leaves
it, and as nothing before does, the step was applied.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, Path
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import Chosen, History


@dataclasses.dataclass(frozen=True)
class Testimony:
    """Of one step: the objects that speak for it, those that speak against it, and those that are as no step leaves them."""

    there: t.List[Path]
    missing: t.List[Path]
    foreign: t.List[Path]

    @property
    def word(self) -> str:
        """applied, absent, partial, or unseen: where nothing speaks."""
        if self.foreign or (self.there and self.missing):
            return "partial"
        return "applied" if self.there else "absent" if self.missing else "unseen"


def evidence_of(history: History, real: Atoms) -> t.List[Testimony]:
    """One for each step. What is certain of some of them tells more of the others: who dropped what is not there, and who never made it."""
    touched: t.Dict[Path, t.List[t.Tuple[int, t.Any]]] = collections.defaultdict(list)
    for number, step in enumerate(history.steps):
        for path, value in step.changes.items():
            touched[path].append((number, value))
    certain = _Certain(frozenset(), frozenset())
    told: t.List[Testimony] = []
    for _pass in range(PASSES):
        told = [
            _testimony(number, step.changes, history.base, touched, real, certain)
            for number, step in enumerate(history.steps)
        ]
        before, certain = certain, _certain(history, told)
        if certain == before:
            break
    return told


#: Each pass can settle what the one before it has made clear.
PASSES = 5


class _Certain(t.NamedTuple):
    applied: Chosen
    absent: Chosen


def _certain(history: History, told: t.Sequence[Testimony]) -> _Certain:
    """With the steps that come before one that was applied."""
    names = [history.steps[number].id for number, one in enumerate(told) if one.word == "applied"]
    absent = frozenset(number for number, one in enumerate(told) if one.word == "absent")
    return _Certain((history.up_to(names) or frozenset()) - absent, absent)


def _testimony(
    number: int,
    changed: t.Iterable[Path],
    base: Atoms,
    touched: t.Mapping[Path, t.Sequence[t.Tuple[int, t.Any]]],
    real: Atoms,
    certain: _Certain,
) -> Testimony:
    there, missing, foreign = [], [], []
    for path in changed:
        places = [(-1, base.get(path)), *touched[path]]
        fitting = [place for place, value in places if value == real.get(path)]
        possible = [place for place in fitting if _possible(place, touched[path], certain)] or fitting
        if not possible:
            foreign.append(path)
        elif min(possible) >= number:
            there.append(path)
        elif max(possible) < number:
            missing.append(path)
    return Testimony(there, missing, foreign)


def _possible(place: int, touching: t.Sequence[t.Tuple[int, t.Any]], certain: _Certain) -> bool:
    """Whether an object can be as this step left it: no later one was applied that changes it, and no earlier one was not."""
    return not any(
        number in certain.applied if number > place else number in certain.absent for number, _value in touching
    )


def applied_by_evidence(history: History, real: Atoms) -> Chosen:
    """Steps for which more speaks than against them, with all that they come after."""
    told = evidence_of(history, real)
    names = [history.steps[number].id for number, one in enumerate(told) if len(one.there) > len(one.missing)]
    return history.up_to(names) or frozenset()
