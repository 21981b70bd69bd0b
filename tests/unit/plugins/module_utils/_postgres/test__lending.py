# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login that cannot be lent leaves nothing."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._lending import LONGEST_PATH, lend


def test_a_path_that_is_too_long_is_refused_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    beside = tmp_path / ("x" * max(1, 90 - len(str(tmp_path))))
    beside.mkdir()
    beside.chmod(0o755)
    server = beside / ".s.PGSQL.5432"
    assert len(str(server)) <= LONGEST_PATH
    with pytest.raises(DeployError, match="too long for a socket"):
        lend(str(server), "secret", [], "", 1.0)
    assert list(beside.iterdir()) == []
