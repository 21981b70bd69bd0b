# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, marks and plans of a fence; any interpreter, no database."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _fence
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fence import (
    Database,
    Mark,
    Situation,
    names_of,
)

NAMES = names_of("shop", "d1")


def database(kind, copy=None):
    if copy is None:
        return Database(kind, 1, "shop", 10)
    return Database(kind, 1, "shop", 10, comment=Mark(kind, "shop", "d1", "2026", copy=copy).to_comment())


def situation(letters):
    """O original; F, W, N fenced with its copy made, wanted, none; C copy, P partial copy; X failed."""
    parts = {
        "O": ("original", database("shop")),
        "F": ("fenced", database("fenced", "made")),
        "W": ("fenced", database("fenced", "wanted")),
        "N": ("fenced", database("fenced", "none")),
        "C": ("copy", database("copy", "made")),
        "P": ("copy", database("copy")),
        "X": ("failed", database("failed", "none")),
    }
    return Situation(NAMES, **dict(parts[letter] for letter in letters))


CLOSED = [
    ("O", True, ["fence", "copy"]),
    ("O", False, ["fence"]),
    ("OC", False, ["fence"]),
    ("OC", True, "older than this moment"),
    ("OP", True, "older than this moment"),
    ("FC", True, []),
    ("FC", False, []),
    ("W", False, []),
    ("W", True, ["copy"]),
    ("WP", True, ["drop_partial_copy", "copy"]),
    ("WC", True, []),
    ("N", True, ["prove_unchanged", "copy"]),
    ("NP", True, "no finished safety copy"),
    ("F", True, "is gone"),
    ("OF", True, "both"),
    ("", True, "does not exist"),
    ("C", True, "does not exist"),
]


@pytest.mark.parametrize("letters, safety_copy, expected", CLOSED)
def test_plan_to_closed(letters, safety_copy, expected):
    check_plan(lambda: _fence.plan_closed(situation(letters), safety_copy), expected)


OPEN = [
    ("O", False, False, []),
    ("OC", False, False, []),
    ("OC", False, True, ["drop_copy"]),
    ("OP", False, True, []),
    ("OX", True, False, []),
    ("O", True, False, []),
    ("OC", True, False, "close the fence first"),
    ("FC", False, False, ["reopen"]),
    ("FC", False, True, ["reopen", "drop_copy"]),
    ("FC", True, False, ["swap"]),
    ("FCX", True, False, "is taken"),
    ("WC", True, False, ["swap"]),
    ("W", True, False, ["reopen"]),
    ("WP", True, False, ["reopen", "drop_partial_copy"]),
    ("WP", False, False, ["reopen", "drop_partial_copy"]),
    ("N", True, False, "no safety copy"),
    ("F", True, False, "no safety copy"),
    ("FP", True, False, "no safety copy"),
    ("FP", False, True, ["reopen"]),
    ("N", False, False, ["reopen"]),
    ("OF", False, False, "both"),
    ("", False, False, "does not exist"),
]


@pytest.mark.parametrize("letters, restore, drop_copy, expected", OPEN)
def test_plan_to_open(letters, restore, drop_copy, expected):
    check_plan(lambda: _fence.plan_open(situation(letters), restore, drop_copy), expected)


def check_plan(plan, expected):
    if isinstance(expected, list):
        assert plan() == expected
        return
    with pytest.raises(DeployError, match=expected):
        plan()


def test_names():
    assert (NAMES.fenced, NAMES.copy, NAMES.failed) == ("shop_fenced_d1", "shop_copy_d1", "shop_failed_d1")


@pytest.mark.parametrize("name", ["s" * 63, "店" * 21, "shop_" + "x" * 50])
def test_long_names_fit_and_differ(name):
    first, second = names_of(name, "20261121T010203-abcdef1"), names_of(name, "20261121T010203-abcdef2")
    names = [getattr(one, kind) for one in (first, second) for kind in ("fenced", "copy", "failed")]
    assert len(set(names)) == 6
    assert all(len(one.encode()) <= 63 for one in names)
    assert first == names_of(name, "20261121T010203-abcdef1")


@pytest.mark.parametrize(
    "name, fence_id", [("shop", ""), ("shop", "a b"), ("shop", '"'), ("postgres", "d1"), ("template1", "d1")]
)
def test_names_that_are_refused(name, fence_id):
    with pytest.raises(DeployError):
        names_of(name, fence_id)


def test_mark_comes_back_and_other_comments_are_none():
    mark = Mark("copy", "店's", "d1", "2026", "made", None, {"tables": {"a.b": [1, 2, 3, 4]}})
    assert _fence.mark_of(mark.to_comment()) == mark
    for comment in (None, "", "the shop", "seamless.deploy fence {broken"):
        assert _fence.mark_of(comment) is None


def test_mark_of_a_newer_release_is_refused():
    newer = Mark("copy", "shop", "d1", "2026").to_comment().replace('"version": 1', '"version": 2')
    with pytest.raises(DeployError, match="newer release"):
        _fence.mark_of(newer)


MARKS = {
    "c1": Mark("copy", "shop", "1", "2026-01-01"),
    "x2": Mark("failed", "shop", "2", "2026-01-02"),
    "c3": Mark("copy", "shop", "3", "2026-01-03"),
    "f3": Mark("fenced", "shop", "3", "2026-01-03"),
    "o1": Mark("copy", "stock", "1", "2020-01-01"),
}


@pytest.mark.parametrize(
    "keep, older_than, expected",
    [(0, "9999", ["x2", "c1"]), (1, "9999", ["c1"]), (2, "9999", []), (0, "2026-01-02", ["c1"])],
)
def test_removable_is_never_of_a_closed_fence_or_another_database(keep, older_than, expected):
    assert _fence.removable(MARKS, "shop", keep, older_than) == expected


@pytest.mark.parametrize(
    "size, major, expected", [(1 << 30, 14, ""), (1 << 30, 15, "FILE_COPY"), (1 << 20, 18, "WAL_LOG")]
)
def test_strategy(size, major, expected):
    assert _fence.strategy(size, major) == expected


@pytest.mark.parametrize(
    "value, expected",
    [
        ('"$user", public', ["$user", "public"]),
        ("public", ["public"]),
        ('"a ""b"", c",d', ['a "b", c', "d"]),
        ('""', [""]),
        ("", []),
    ],
)
def test_split_guc_list(value, expected):
    assert _fence.split_guc_list(value) == expected
