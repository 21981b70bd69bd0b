# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds without a listener."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._service import _unserved


@pytest.mark.parametrize(
    ("looks", "seconds"),
    [
        ([], 0.0),
        ([(0.0, True), (1.0, True)], 0.0),
        ([(0.0, True), (1.0, False), (2.0, False), (4.0, True)], 3.0),
        ([(0.0, False), (1.0, True), (2.0, False), (2.5, False)], 1.5),
    ],
)
def test_unserved(looks, seconds):
    assert _unserved.unserved(looks) == seconds


def test_a_path_that_was_not_served_before_measures_nothing(tmp_path):
    with _unserved.Unserved(str(tmp_path / "none.sock")) as probe:
        pass
    assert probe.seconds is None
    assert _unserved.Unserved("").seconds is None
