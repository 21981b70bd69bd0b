# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases stay and which go. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class ReleaseFacts:
    """What retention needs to know. `result` is "" for a directory without a manifest."""

    release: str
    result: str = ""
    activated_at: str = ""
    identity: str = ""
    fingerprint: str = ""

    @property
    def complete(self) -> bool:
        return self.result in ("prepared", "good", "rejected")


@dataclasses.dataclass(frozen=True)
class Retention:
    """The decision. `remove` is in the order in which it is done: what is of least use first."""

    keep: list[str]
    remove: list[str]


def previous_good(releases: t.Iterable[ReleaseFacts], live: str) -> str:
    """The good release that was live most recently before the live one, or ""."""
    good = [facts for facts in releases if facts.result == "good" and facts.release != live]
    return max(good, key=lambda facts: (facts.activated_at, facts.release)).release if good else ""


def half_made(releases: t.Iterable[ReleaseFacts], live: str, in_use: t.Collection[str]) -> list[str]:
    """Releases that a crash left unfinished."""
    return [
        facts.release
        for facts in releases
        if not facts.complete and facts.release != live and facts.release not in in_use
    ]


def decide(releases: t.Sequence[ReleaseFacts], live: str, keep: int, in_use: t.Collection[str] = ()) -> Retention:
    """Keep `keep` releases, and more when they must not go.

    The live one, the previous good one and what an unfinished deploy uses always stay and count. The places
    left go to good releases, then to those that were never live, then to rejected ones, the newest first:
    a failed deploy never pushes a good release out.
    """
    protected = {live, previous_good(releases, live), *in_use}
    order = {"good": 0, "prepared": 1, "rejected": 2}
    newest_first = sorted(releases, key=lambda facts: facts.release, reverse=True)
    ranked = sorted((facts for facts in newest_first if facts.complete), key=lambda facts: order[facts.result])
    kept = {facts.release for facts in releases if facts.release in protected}
    for facts in ranked:
        if len(kept) < keep:
            kept.add(facts.release)
    remove = half_made(releases, live, in_use)
    remove += [facts.release for facts in reversed(ranked) if facts.release not in kept and facts.release not in remove]
    return Retention(keep=sorted(kept), remove=[release for release in remove if release not in kept])


def reusable(releases: t.Iterable[ReleaseFacts], identity: str, live: str) -> str:
    """The complete release that is the wanted one already: the live one, else the newest. Never a rejected one."""
    same = [facts for facts in releases if facts.identity == identity and facts.result in ("prepared", "good")]
    return max(same, key=lambda facts: (facts.release == live, facts.release)).release if same else ""


def same_dependencies(releases: t.Iterable[ReleaseFacts], fingerprint: str, live: str) -> list[str]:
    """Releases whose virtual environment is the wanted one: the live one first, then good ones, then the newest."""
    same = [facts for facts in releases if fingerprint and facts.fingerprint == fingerprint and facts.complete]
    same.sort(key=lambda facts: (facts.release == live, facts.result == "good", facts.release), reverse=True)
    return [facts.release for facts in same]
