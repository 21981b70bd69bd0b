# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strategy of a deploy (control node)."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding, Migration, Verdict
from ansible_collections.seamless.deploy.plugins.module_utils._strategy import Circumstances, decide, keeps_old, table


def plan(*names: str) -> list[Migration]:
    """Each "b<a" is b, which comes after a."""
    found = []
    for name in names:
        own, _after, parents = name.partition("<")
        found.append(Migration(f"shop.{own}", "shop", own, dependencies=[f"shop.{p}" for p in parents.split(",") if p]))
    return found


def verdicts(names: list[Migration], *words: str) -> list[Verdict]:
    return [
        Verdict(one.id, "r1", "r2", word.rstrip("!"), "schema", {"stalls": word.endswith("!")}, [Finding("t", "why.")])
        for one, word in zip(names, words)
    ]


CASES = [
    ("nothing pending", (), (), {}, "online", "", ""),
    ("all before", ("a", "b<a"), ("expand", "either"), {}, "online", "ab", ""),
    ("a contract waits", ("a", "b<a"), ("expand", "contract"), {}, "online", "a", "b"),
    ("what comes after it waits too", ("a", "b<a"), ("contract", "either"), {}, "online", "", "ab"),
    ("what has no part in it does not", ("a", "b"), ("contract", "expand"), {}, "online", "b", "a"),
    ("two contracts", ("a", "b<a", "c"), ("contract", "contract", "expand"), {}, "online", "c", "ab"),
    ("an expand behind a contract", ("a", "b<a"), ("contract", "expand"), {}, "maintenance", "ab", ""),
    ("also far behind it", ("a", "b<a", "c<b"), ("contract", "either", "expand"), {}, "maintenance", "abc", ""),
    ("blocking", ("a", "b<a"), ("expand", "blocking"), {}, "maintenance", "ab", ""),
    ("not proven", ("a",), ("inconclusive",), {}, "maintenance", "a", ""),
    ("stalls", ("a",), ("expand!",), {}, "maintenance", "a", ""),
    ("a contract that stalls", ("a",), ("contract!",), {}, "maintenance", "a", ""),
    ("nobody serves", ("a",), ("blocking",), {"serves": False}, "online", "a", ""),
    ("a stop is wanted", ("a", "b"), ("expand", "contract"), {"wanted": "maintenance"}, "maintenance", "ab", ""),
    ("health check", ("a", "b"), ("expand", "contract"), {"demands_all": "its check"}, "maintenance", "ab", ""),
    ("health check, nothing waits", ("a",), ("expand",), {"demands_all": "its check"}, "online", "a", ""),
    ("free, and held by hand", ("a", "b"), ("either", "expand"), {"held": ["shop.a"]}, "online", "b", "a"),
    ("free, and not held any more", ("a", "b"), ("either", "expand"), {}, "online", "ab", ""),
    ("needed now, though held", ("a",), ("expand",), {"held": ["shop.a"]}, "online", "a", ""),
]


@pytest.mark.parametrize(
    ("words", "keeps"),
    [("expand either!", True), ("expand contract", False), ("blocking", False), ("inconclusive", False), ("", True)],
)
def test_whether_the_live_release_works_after_all_of_it(words, keeps):
    pending = plan(*"ab"[: len(words.split())])
    assert keeps_old(verdicts(pending, *words.split())) is keeps


@pytest.mark.parametrize(
    ("names", "words", "given", "strategy", "now", "later"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_decide(names, words, given, strategy, now, later):
    pending = plan(*names)
    found = verdicts(pending, *words)
    decision = decide(pending, found, Circumstances(**given))
    assert decision.strategy == strategy
    assert decision.now == [f"shop.{one}" for one in now]
    assert decision.later == [f"shop.{one}" for one in later]
    online_refused = given.get("wanted") != "maintenance" and strategy == "maintenance"
    assert bool(decision.reasons) == online_refused
    if online_refused:
        with pytest.raises(DeployError, match="strategy is 'online', and that is not possible"):
            decide(pending, found, Circumstances(**{**given, "wanted": "online"}))


def test_the_reason_names_what_cannot_be_put_in_order():
    pending = plan("drop", "need<drop")
    decision = decide(pending, verdicts(pending, "contract", "expand"), Circumstances())
    assert decision.reasons == [
        "shop.need has to run before the new release starts, and it comes after shop.drop, "
        "which has to wait until the old release is gone."
    ]


def test_the_table_says_when_each_runs():
    pending = plan("a", "b")
    found = verdicts(pending, "expand", "contract")
    lines = table(found, [0.5, 1.25], decide(pending, found, Circumstances()))
    assert lines[0] == "shop.a  expand          0.50 s  online"
    assert lines[2] == "shop.b  contract        1.25 s  after the old release"
    assert lines[1].strip() == "- why."
    stopped = table(found, [0.5, 1.25], decide(pending, found, Circumstances("maintenance")))
    assert stopped[0].endswith("in the stop") and stopped[2].endswith("in the stop")
    assert table([], [], decide([], [], Circumstances())) == ["No migration is pending."]
