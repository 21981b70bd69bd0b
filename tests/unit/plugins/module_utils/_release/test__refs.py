# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions, references and submodules; runs where pytest runs."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._release import _refs

LISTING = """\
aaa  refs/heads/main
bbb  refs/heads/feature/x
ccc  refs/heads/1.10
tag1 ddd refs/tags/1.10
eee  refs/tags/v2.0
"""
REFS = _refs.parse_refs(LISTING)


@pytest.mark.parametrize(
    ("version", "commit"),
    [
        ("main", "aaa"),
        ("feature/x", "bbb"),
        ("1.10", "ddd"),
        ("refs/heads/1.10", "ccc"),
        ("origin/main", "aaa"),
        ("v2.0", "eee"),
        ("v2", ""),
        ("", ""),
        ("aaa", ""),
    ],
)
def test_resolve(version: str, commit: str) -> None:
    assert _refs.resolve(version, REFS) == commit


def test_a_tag_and_a_branch_of_one_name() -> None:
    assert _refs.is_ambiguous("1.10", REFS) and not _refs.is_ambiguous("main", REFS)


@pytest.mark.parametrize(
    ("version", "near"),
    [
        ("mian", ["main"]),
        ("1.1", ["1.10"]),
        ("v2", ["v2.0"]),
        ("zzz", ["v2.0", "main", "feature/x", "1.10"]),
    ],
)
def test_nearest_refs(version: str, near: list) -> None:
    assert _refs.nearest_refs(version, REFS) == near


def test_nearest_refs_without_any_are_the_newest_by_number() -> None:
    names = [f"refs/tags/r{number}" for number in range(12)]
    assert _refs.nearest_refs("zzz", names, limit=3) == ["r11", "r10", "r9"]


@pytest.mark.parametrize(
    ("version", "may"), [("abcd", True), ("ABC123", True), ("abc", False), ("main", False), ("", False)]
)
def test_may_be_commit(version: str, may: bool) -> None:
    assert _refs.may_be_commit(version) is may


@pytest.mark.parametrize(
    ("parent", "url", "expected"),
    [
        ("https://h/a/b.git", "../c.git", "https://h/a/c.git"),
        ("https://h:8443/a/b.git", "./c.git", "https://h:8443/a/b.git/c.git"),
        ("git@h:a/b.git", "../c.git", "git@h:a/c.git"),
        ("/srv/git/a", "../b", "/srv/git/b"),
        ("file:///srv/git/a", "../b", "file:///srv/git/b"),
        ("https://h/a", "git@x:y.git", "git@x:y.git"),
    ],
)
def test_submodule_url(parent: str, url: str, expected: str) -> None:
    assert _refs.submodule_url(parent, url) == expected


def test_submodules_are_read_from_gits_own_output() -> None:
    config = "submodule.a b.path\nlib/a b\0submodule.a b.url\n../a\0core.x\ny\0submodule.c.path\nc\0"
    assert _refs.parse_gitmodules(config) == {"lib/a b": "../a"}
    tree = "100644 blob aaa\tx\x00160000 commit bbb\tlib/a b\0"
    assert _refs.parse_gitlinks(tree) == {"lib/a b": "bbb"}
