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
    """One for each step."""
    touched: t.Dict[Path, t.List[t.Tuple[int, t.Any]]] = collections.defaultdict(list)
    for number, step in enumerate(history.steps):
        for path, value in step.changes.items():
            touched[path].append((number, value))
    told = []
    for number, step in enumerate(history.steps):
        there, missing, foreign = [], [], []
        for path in step.changes:
            found = real.get(path)
            later = any(value == found for place, value in touched[path] if place >= number)
            earlier = history.base.get(path) == found or any(
                value == found for place, value in touched[path] if place < number
            )
            if later and not earlier:
                there.append(path)
            elif earlier and not later:
                missing.append(path)
            elif not earlier:
                foreign.append(path)
        told.append(Testimony(there, missing, foreign))
    return told


def applied_by_evidence(history: History, real: Atoms) -> Chosen:
    """Steps for which more speaks than against them, with all that they come after."""
    told = evidence_of(history, real)
    names = [history.steps[number].id for number, one in enumerate(told) if len(one.there) > len(one.missing)]
    return history.up_to(names) or frozenset()
