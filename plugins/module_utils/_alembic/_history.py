# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each revision makes of a catalog, as a replay has shown it, and sets of revisions. Pure; target; PRIVATE to the collection.

The same for Alembic's revisions and Django's migrations: a step is either. A set of steps is what a database may be at; with
each step it has all that the step comes after.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, Path, Value, places

#: Numbers of steps in the order in which they ran.
Chosen = t.FrozenSet[int]


@dataclasses.dataclass(frozen=True)
class Step:
    """One revision. parents: all that it comes straight after. changes: of the catalog, None where something went.

    statements: how many it ran. writes: it ran some that change rows, of which no catalog tells whether they ran.
    """

    id: str
    parents: t.List[str]
    changes: t.Dict[Path, t.Optional[Value]]
    statements: int = 0
    writes: bool = False


@dataclasses.dataclass(frozen=True)
class History:
    """base: the catalog before the first step. steps: as they ran. stopped: why the rest could not be replayed, or ""."""

    base: Atoms
    steps: t.List[Step]
    stopped: str = ""

    def numbers(self) -> t.Dict[str, int]:
        return {step.id: number for number, step in enumerate(self.steps)}

    def linear(self) -> bool:
        before: t.List[t.List[str]] = [[], *([step.id] for step in self.steps)]
        return all(step.parents == parents for step, parents in zip(self.steps, before))

    def known_places(self) -> t.Set[Path]:
        """Every object that is there after some step."""
        return places(self.base).union(*(places(step.changes) for step in self.steps))

    def up_to(self, ids: t.Iterable[str]) -> t.Optional[Chosen]:
        """These steps and all that they come after; None where one is unknown."""
        numbers, found, open_ids = self.numbers(), set(), list(ids)
        while open_ids:
            name = open_ids.pop()
            if name not in numbers:
                return None
            if numbers[name] not in found:
                found.add(numbers[name])
                open_ids += self.steps[numbers[name]].parents
        return frozenset(found)

    def heads(self, chosen: Chosen) -> t.List[str]:
        """Those of the set that nothing in it comes after: what the table of versions says."""
        inner = {parent for number in chosen for parent in self.steps[number].parents}
        return [self.steps[number].id for number in sorted(chosen) if self.steps[number].id not in inner]

    def ready(self, chosen: Chosen) -> t.List[int]:
        """Steps that could run next."""
        there = {self.steps[number].id for number in chosen}
        return [
            number
            for number, step in enumerate(self.steps)
            if number not in chosen and all(parent in there for parent in step.parents)
        ]

    def last(self, chosen: Chosen) -> t.List[int]:
        """Steps that could be taken back first."""
        heads = set(self.heads(chosen))
        return [number for number in sorted(chosen) if self.steps[number].id in heads]

    def without_effect(self, chosen: Chosen) -> Chosen:
        """Steps after the set that change nothing in the catalog: whether they ran cannot be seen."""
        found: Chosen = frozenset()
        while True:
            more = [number for number in self.ready(chosen | found) if not self.steps[number].changes]
            if not more:
                return found
            found |= frozenset(more)

    def trimmed(self, chosen: Chosen) -> Chosen:
        """Without its last steps as long as they change nothing in the catalog."""
        while True:
            idle = [number for number in self.last(chosen) if not self.steps[number].changes]
            if not idle:
                return chosen
            chosen -= frozenset(idle)

    def state(self, chosen: Chosen) -> Atoms:
        """The catalog that these steps build."""
        walk = Walk(self.base, {})
        for number in sorted(chosen):
            walk.apply(self.steps[number])
        return walk.state


class Walk:
    """Goes from step to step. wrong: where the catalog so far is not the real one."""

    def __init__(self, base: Atoms, real: Atoms) -> None:
        self.state = dict(base)
        self.real = real
        self.wrong = {path for path in {**base, **real} if base.get(path) != real.get(path)}

    def apply(self, step: Step) -> None:
        for path, value in step.changes.items():
            if value is None:
                self.state.pop(path, None)
            else:
                self.state[path] = value
            if self.real.get(path) == value:
                self.wrong.discard(path)
            else:
                self.wrong.add(path)


def wrong_at(history: History, chosen: Chosen, real: Atoms) -> t.Set[Path]:
    walk = Walk(history.base, real)
    for number in sorted(chosen):
        walk.apply(history.steps[number])
    return walk.wrong
