# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a lent login is over, as far as files tell (control node)."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._lending import lock_of
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._relay import is_gone


def test_what_cannot_be_looked_at_is_not_gone(tmp_path: pathlib.Path) -> None:
    there = tmp_path / "lock"
    there.touch()
    assert not is_gone(str(there)) and is_gone(str(tmp_path / "no"))
    assert not is_gone(str(there / "below a file"))  # as a closed directory would be, which root can open


def test_a_deploy_must_have_begun(tmp_path: pathlib.Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with pytest.raises(DeployError, match="no deploy holds the lock beside journal"):
        lock_of(str(journal))
    (tmp_path / "lock").touch()
    assert lock_of(str(journal)) == str(tmp_path / "lock")
    assert lock_of(str(tmp_path / "lock" / "journal.jsonl")) == ""
