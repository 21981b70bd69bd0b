# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases on a real file system."""

from __future__ import annotations

from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store

OLD, NEW = "20261121T010203-1a2b3c4", "20261121T020304-5d6e7f8"


def test_the_logs_of_a_release_go_with_it_and_those_of_others_stay(tmp_path):
    for release in (OLD, NEW):
        (tmp_path / "releases" / release).mkdir(parents=True)
    logs = tmp_path / "log"
    logs.mkdir()
    for name in (f"web-{OLD}.log", f"web-{OLD}.log.1", f"worker-{OLD}.log", f"web-{NEW}.log", "mine.log"):
        (logs / name).touch()
    Store(str(tmp_path)).remove(OLD)
    assert sorted(path.name for path in logs.iterdir()) == ["mine.log", f"web-{NEW}.log"]
    assert [path.name for path in (tmp_path / "releases").iterdir()] == [NEW]
