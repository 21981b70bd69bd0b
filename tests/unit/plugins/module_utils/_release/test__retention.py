# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases stay; runs where pytest runs."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._release._retention import (
    ReleaseFacts,
    decide,
    half_made,
    previous_good,
    reusable,
    same_dependencies,
)


def facts(text: str) -> list[ReleaseFacts]:
    """Releases from "1g 2g 3r 4p 5-": number and result; a good one was live at the time of its number."""
    results = {"g": "good", "r": "rejected", "p": "prepared", "-": "", "x": "preparing"}
    return [
        ReleaseFacts(word[0], results[word[1]], word[0] if word[1] == "g" else "", "same", "set")
        for word in text.split()
    ]


@pytest.mark.parametrize(
    ("releases", "live", "keep", "in_use", "kept", "removed"),
    [
        pytest.param("", "", 5, "", "", "", id="nothing"),
        pytest.param("1g", "1", 1, "", "1", "", id="only the live one"),
        pytest.param("1g 2g", "2", 1, "", "12", "", id="the previous good one stays beyond keep"),
        pytest.param("1g 2g 3g 4g", "4", 2, "", "34", "12", id="the newest"),
        pytest.param("1g 2g 3g 4g", "1", 2, "", "14", "23", id="after a rollback the live one is the oldest"),
        pytest.param("1g 2g 3r 4r 5r", "2", 2, "", "12", "345", id="failed deploys push no good one out"),
        pytest.param("1g 2g 3r 4r 5r", "2", 4, "", "1245", "3", id="rejected ones take places left"),
        pytest.param("1g 2g 3p 4r 5p", "2", 4, "", "1235", "4", id="prepared before rejected"),
        pytest.param("1g 2g 3g 4p", "3", 3, "", "123", "4", id="good before prepared"),
        pytest.param("1g 2g 3g 4p", "3", 1, "4", "234", "1", id="what a deploy uses"),
        pytest.param("1g 2- 3x", "1", 5, "", "1", "23", id="half made"),
        pytest.param("1g 2- 3x", "1", 5, "3", "13", "2", id="half made, in use"),
        pytest.param("1g 2-", "2", 5, "", "12", "", id="live without a manifest"),
        pytest.param("1g 2g 3g", "9", 1, "", "3", "21", id="the link dangles"),
        pytest.param("1g 2g 3g", "", 2, "", "23", "1", id="no link"),
        pytest.param("1r 2g", "1", 1, "", "12", "", id="live though rejected"),
    ],
)
def test_decide(releases: str, live: str, keep: int, in_use: str, kept: str, removed: str) -> None:
    decision = decide(facts(releases), live, keep, list(in_use))
    assert "".join(decision.keep) == kept
    assert sorted(decision.remove) == sorted(removed)


def test_what_is_of_least_use_goes_first() -> None:
    assert decide(facts("1g 2g 3g 4p 5r 6- 7g"), "7", 2, []).remove == ["6", "5", "4", "1", "2"]


@pytest.mark.parametrize(
    ("releases", "live", "previous"),
    [
        ("", "", ""),
        ("1g", "1", ""),
        ("1g 2g 3r", "2", "1"),
        ("1g 2g", "1", "2"),
        ("1p 2g", "2", ""),
        ("1g 2-", "2", "1"),
    ],
)
def test_previous_good(releases: str, live: str, previous: str) -> None:
    assert previous_good(facts(releases), live) == previous


def test_previous_good_goes_by_time_live_not_by_age() -> None:
    activated = [ReleaseFacts("1", "good", "9"), ReleaseFacts("2", "good", "5"), ReleaseFacts("3", "good", "7")]
    assert previous_good(activated, "1") == "3"


@pytest.mark.parametrize(
    ("releases", "live", "found"),
    [("1g 2g", "1", "1"), ("1g 2p", "", "2"), ("1r", "1", ""), ("1-", "", ""), ("1x 2r", "", "")],
)
def test_reusable(releases: str, live: str, found: str) -> None:
    assert reusable(facts(releases), "same", live) == found
    assert reusable(facts(releases), "other", live) == ""


def test_same_dependencies_prefers_the_live_one() -> None:
    assert same_dependencies(facts("1g 2g 3p 4r 5x"), "set", "1") == ["1", "2", "4", "3"]
    assert same_dependencies(facts("1g"), "", "1") == []


def test_half_made() -> None:
    assert half_made(facts("1g 2- 3x 4p"), "2", []) == ["3"]
