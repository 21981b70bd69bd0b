# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids, identities and addresses without credentials; runs where pytest runs."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._release import _identity

NOW = datetime.datetime(2026, 11, 20, 10, 15, 0, 5, tzinfo=datetime.timezone.utc)
COMMIT = "1a2b3c4d5e"


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([], "20261120T101500-1a2b3c4"),
        (["20261120T101459-fffffff", "notes"], "20261120T101500-1a2b3c4"),
        (["20261120T101500-fffffff"], "20261120T101501-1a2b3c4"),
        (["20261120T235959-0000000"], "20261121T000000-1a2b3c4"),
        (["99999999T999999-0000000"], "20261120T101500-1a2b3c4"),
    ],
)
def test_new_release_id_is_the_latest(taken: list, expected: str) -> None:
    assert _identity.new_release_id(NOW, COMMIT, taken) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("20261120T101500-1a2b3c4", True), ("20261120T101500-1a2b3c4x", False), ("current", False), ("../x", False)],
)
def test_is_release_id(name: str, expected: bool) -> None:
    assert _identity.is_release_id(name) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://u:p@h/x and https://t@h2/y", "https://h/x and https://h2/y"),
        ("https://u:p@ss@h/x", "https://h/x"),
        ("see https://h/x, mail a@b", "see https://h/x, mail a@b"),
        ("git@h:x.git", "git@h:x.git"),
    ],
)
def test_strip_credentials(text: str, expected: str) -> None:
    assert _identity.strip_credentials(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:p%40s@h:8443/x?y", ("https://h:8443/x?y", "u", "p@s")),
        ("https://token@h/x", ("https://h/x", "token", "")),
        ("https://h/x", ("https://h/x", "", "")),
        ("git@h:x.git", ("git@h:x.git", "", "")),
        ("ssh://git@h/x", ("ssh://git@h/x", "", "")),
    ],
)
def test_split_credentials(url: str, expected: tuple) -> None:
    assert _identity.split_credentials(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("ssh://git:pw@h/x", "ssh://git@h/x"),
        ("https://u:p@h/x", "https://h/x"),
        ("/srv/x", "/srv/x"),
    ],
)
def test_without_password(url: str, expected: str) -> None:
    assert _identity.without_password(url) == expected


def test_identity_does_not_depend_on_order() -> None:
    assert _identity.identity_of({"a": 1, "b": {"x": 1, "y": 2}}) == _identity.identity_of(
        {"b": {"y": 2, "x": 1}, "a": 1}
    )
    assert _identity.identity_of({"a": 1}) != _identity.identity_of({"a": "1"})
