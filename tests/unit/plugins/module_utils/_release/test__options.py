# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that a user gives; runs where pytest runs."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _options


@pytest.mark.parametrize(("value", "expected"), [(".", "."), ("", "."), ("src/", "src"), ("./a//b/../c", "a/c")])
def test_inner_path(value: str, expected: str) -> None:
    assert _options.inner_path("project_dir", value) == expected


@pytest.mark.parametrize("value", ["..", "../x", "/etc", "a/../../x"])
def test_paths_that_lead_out_are_refused(value: str) -> None:
    with pytest.raises(DeployError, match="project_dir is '.*inside the release"):
        _options.inner_path("project_dir", value)


def test_shared_paths_and_what_is_made_a_directory() -> None:
    given = ["media", "a/uploads/", ".env", "db.sqlite3", "logs.d/", ".cache/"]
    assert _options.shared_paths(given) == {
        "media": True,
        "a/uploads": True,
        ".env": False,
        "db.sqlite3": False,
        "logs.d": True,
        ".cache": True,
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["."], "belongs to each release"),
        ([".venv"], "belongs to each release"),
        ([".environment"], "belongs to each release"),
        (["/media"], "without '..'"),
        (["media", "media/x"], "one inside the other"),
    ],
)
def test_shared_paths_that_are_refused(values: list, words: str) -> None:
    with pytest.raises(DeployError, match=words):
        _options.shared_paths(values)


@pytest.mark.parametrize(("path", "target"), [("media", "../../shared/media"), ("a/b", "../../../shared/a/b")])
def test_link_target(path: str, target: str) -> None:
    assert _options.link_target(path) == target
