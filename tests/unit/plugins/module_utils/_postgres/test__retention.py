# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backups retention takes; any interpreter, no files."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _retention
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._retention import StoredBackup

STORED = [
    StoredBackup("a1", "shop", "", "2026-01-01"),
    StoredBackup("a3", "shop", "", "2026-01-03"),
    StoredBackup("a2", "shop", "", "2026-01-02"),
    StoredBackup("n0", "shop", "nightly", "2025-01-01"),
    StoredBackup("b0", "stock", "", "2025-01-01"),
]


@pytest.mark.parametrize(
    "keep, protected, expected",
    [
        (1, set(), ["a2", "a1"]),
        (2, set(), ["a1"]),
        (3, set(), []),
        (9, set(), []),
        (1, {"a1"}, ["a2"]),
        (0, set(), ["a2", "a1"]),
    ],
)
def test_newest_of_one_database_and_label_stay(keep, protected, expected):
    assert _retention.expired(STORED, "shop", "", keep, protected) == expected


def test_only_names_of_unfinished_backups_have_an_owner():
    assert _retention.partial_owner(_retention.partial_name("shop-S.dump", 42)) == 42
    for name in ("shop-S.dump", ".hidden", ".x.partial-", "x.partial-4", ".x.partial-4.dump"):
        assert _retention.partial_owner(name) is None


@pytest.mark.parametrize(
    "age, alive, stale", [(60, False, False), (3600, False, True), (3600, True, False), (86400, True, True)]
)
def test_unfinished_backups_go_when_nobody_can_be_writing_them(age, alive, stale):
    assert _retention.is_stale(age, alive) is stale
