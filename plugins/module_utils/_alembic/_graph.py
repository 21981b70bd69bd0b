# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions as a graph: heads, bases, branches, order, ancestors. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ._finding import Finding
from ._revision import Revision

Edges = t.Mapping[str, t.Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Chain:
    """All revisions of a project, by id. Of two with one id the one that Alembic would take, the last.

    order: ids, what comes first before what follows; those on a circle are left out. findings: what is wrong, the worst first.
    """

    revisions: t.Mapping[str, Revision]
    order: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether Alembic can load it and knows what `heads` means."""
        return not any(finding.level == "stop" and finding.kind != "several_heads" for finding in self.findings)

    def parents(self, revision: str) -> list[str]:
        """The revisions named in down_revision that are there; a branch label stands for the revision that has it."""
        return [each for each in map(self.resolve, self.revisions[revision].parents) if each]

    def before(self, revision: str) -> list[str]:
        """Its parents, and what it depends on."""
        wanted = map(self.resolve, self.revisions[revision].depends_on)
        return [*self.parents(revision), *(each for each in wanted if each)]

    def resolve(self, name: str) -> str:
        """The id that a name stands for, "" when there is none."""
        if name in self.revisions:
            return name
        return next((each.id for each in self.revisions.values() if name in each.labels), "")

    def children(self, revision: str) -> list[str]:
        return [each for each in self.revisions if revision in self.parents(each)]

    def ancestors(self, *revisions: str) -> set[str]:
        """These revisions and all that must be applied before them: what is applied when they are recorded."""
        return _reachable([each for each in revisions if each in self.revisions], self.before)

    def descendants(self, revision: str) -> set[str]:
        """This revision and all that come after it."""
        following = _turned({each: self.before(each) for each in self.revisions})
        return _reachable([revision], lambda each: following.get(each, ()))

    def labels(self, revision: str) -> set[str]:
        """The branch labels that a revision has, itself or from those before it."""
        line = _reachable([revision], self.parents)
        return {label for each in line for label in self.revisions[each].labels}

    def possible_parents(self, revision: str) -> list[str]:
        """Where a revision with a broken down_revision could belong: ends of the other lines, the latest one before it first."""
        own = self.descendants(revision)
        ends = [each for each in self.revisions if each not in own and not set(self.children(each)) - own]
        created = self.revisions[revision].created
        dates = {each: self.revisions[each].created for each in ends}
        earlier = [each for each in ends if dates[each] and created and dates[each] <= created]
        return sorted(earlier, key=dates.__getitem__, reverse=True) + [each for each in ends if each not in earlier]


def link(revisions: t.Iterable[Revision]) -> Chain:
    """The graph of revisions in the order of their files."""
    chain = Chain({revision.id: revision for revision in revisions})
    before = {each: chain.before(each) for each in chain.revisions}
    continued = {parent for each in chain.revisions for parent in chain.parents(each)}
    return dataclasses.replace(
        chain,
        order=tuple(_in_order(before)),
        heads=tuple(each for each in chain.revisions if each not in continued),
        bases=tuple(each for each, revision in chain.revisions.items() if not revision.parents),
    )


def on_a_circle(chain: Chain) -> list[str]:
    """The revisions that lie on a circle, or between two."""
    left = {each: chain.before(each) for each in chain.revisions if each not in chain.order}
    ends = _in_order(_turned(left))
    return [each for each in left if each not in ends]


def _in_order(before: Edges) -> list[str]:
    waiting = {each: set(others) & set(before) for each, others in before.items()}
    following = _turned(before)
    ready = [each for each, others in waiting.items() if not others]
    order: list[str] = []
    while ready:
        each = ready.pop(0)
        order.append(each)
        for next_one in following.get(each, ()):
            if each in waiting[next_one]:
                waiting[next_one].discard(each)
                if not waiting[next_one]:
                    ready.append(next_one)
    return order


def _turned(edges: Edges) -> dict[str, list[str]]:
    turned: dict[str, list[str]] = {each: [] for each in edges}
    for each, others in edges.items():
        for other in others:
            if other in turned:
                turned[other].append(each)
    return turned


def _reachable(start: t.Iterable[str], step: t.Callable[[str], t.Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting.extend(step(each))
    return seen
