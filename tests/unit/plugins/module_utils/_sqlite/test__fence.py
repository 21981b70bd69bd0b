# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells whether a fenced file was written to, and what its files are called; any interpreter."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _backup, _fence

SAME = {"sha256": "a", "rows": {"orders": 2, "lines": 3}}


@pytest.mark.parametrize(
    ("before", "now", "unchanged", "reason", "tables"),
    [
        (SAME, SAME, True, "", {}),
        (SAME, {"sha256": "b", "rows": {"orders": 3, "lines": 1}}, False, "", {"lines": -2, "orders": 1}),
        (SAME, {"sha256": "b", "rows": {"orders": 2}}, False, "", {"lines": -3}),
        (SAME, {"sha256": "b", "rows": SAME["rows"]}, False, "rows that were there were changed", {}),
        (None, SAME, False, "what the file held when it was opened is not on record", {}),
    ],
)
def test_changes(before, now, unchanged, reason, tables):
    assert _fence.changes(before, now) == {"unchanged": unchanged, "reason": reason, "tables": tables}


def test_a_mark_names_its_fence(tmp_path):
    path = tmp_path / "db"
    path.write_text(_fence.mark_text("20261121T024356-bfe0"))
    assert _fence.fenced_by(str(path)) == "20261121T024356-bfe0"
    path.write_bytes(b"SQLite format 3\0")
    assert _fence.fenced_by(str(path)) == _fence.fenced_by(str(tmp_path / "none")) == ""


@pytest.mark.parametrize("fence_id", ["", "../x", "a/b", ".hidden", "x" * 65])
def test_an_id_that_is_no_part_of_a_file_name_is_refused(fence_id):
    with pytest.raises(DeployError, match="fence_id"):
        _fence.names_of("/srv/db", fence_id)


def test_only_what_the_fence_itself_left_counts(tmp_path):
    path = tmp_path / "db"
    for name in (
        "db",
        "db.copy-1",
        "db.copy-1.json",
        "db.failed-2",
        "db.failed-2-wal",
        "db.old",
        "other.copy-1",
        "db.fenced-3",
    ):
        (tmp_path / name).touch()
    assert sorted(_fence.left(str(path))) == [str(tmp_path / "db.copy-1"), str(tmp_path / "db.failed-2")]


def test_a_backup_is_called_after_its_file():
    assert _backup.backup_name("/srv/db.sqlite3", "20261121T031500Z", "") == "db.sqlite3-20261121T031500Z.sqlite"
    assert _backup.backup_name("/srv/db", "S", "night") == "db-S-night.sqlite"
