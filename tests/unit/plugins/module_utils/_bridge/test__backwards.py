# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order migrations are taken back; any interpreter."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge._backwards import newest_first
from ansible_collections.seamless.deploy.plugins.module_utils._bridge._protocol import BridgeError

# d stands on b and c, which both stand on a; e stands alone.
APPLIED = {"a": [], "b": ["a"], "c": ["a", "elsewhere"], "d": ["b", "c"], "e": []}


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ("d", "d"),
        ("bcd", "dbc"),
        ("dcb", "dbc"),
        ("abcd", "dbca"),
        ("ade" + "bc", "debca"),
        ("e", "e"),
        ("z", ""),
        ("", ""),
    ],
)
def test_each_goes_before_what_it_stands_on(wanted, order):
    assert "".join(newest_first(list(wanted), APPLIED)) == order


@pytest.mark.parametrize(("wanted", "named", "kept"), [("b", "'b'", "'d'"), ("abd", "'a'", "'c'")])
def test_what_something_else_stands_on_is_refused(wanted, named, kept):
    with pytest.raises(BridgeError) as caught:
        newest_first(list(wanted), APPLIED, "revision")
    assert f"names {named} to be taken back, and {kept} is applied and comes after it" in str(caught.value)
    assert "name that revision too" in str(caught.value)
