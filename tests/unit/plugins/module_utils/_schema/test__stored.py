# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stored catalogs are called, and which of them go; any interpreter."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _stored

NOW = 1795222923  # 2026-11-21T01:02:03Z
DAY = 86400


def name(database="shop", label="", days=0, there=()):
    return _stored.file_name(database, label, NOW - days * DAY, there)


def test_names():
    assert _stored.moment(NOW) == "2026-11-21T01:02:03Z"
    assert name() == "shop-20261121T010203Z.schema.json"
    assert name(label="r2") == "shop-20261121T010203Z-r2.schema.json"
    assert name(there=[name()]) == "shop-20261121T010203Z_2.schema.json"
    assert name(there=[name(), name(there=[name()])]) == "shop-20261121T010203Z_3.schema.json"
    assert name("a/../b c") == "a%2F..%2Fb%20c-20261121T010203Z.schema.json"


@pytest.mark.parametrize("label", ["../x", "a b", "-a", "x" * 41, "a\n"])
def test_label_that_is_no_part_of_a_name(label):
    with pytest.raises(DeployError, match="label .* cannot be part of a file name"):
        _stored.check_label(label)


def test_only_files_of_the_same_database_and_label_newest_first():
    second = name(there=[name()])
    mine = [name(days=3), name(), second, name(days=40)]
    others = [
        name("shop2"), name("my-shop"), name("shop-20261121T010203Z"), name(label="r2"), f".{name()}", f"{name()}.new",
        "shop-20261121.schema.json", "shop-20269921T010203Z.schema.json", "shop-.schema.json", "shop.schema.json",
    ]  # fmt: skip
    assert _stored.newest_first(mine + others, "shop", "") == [second, name(), name(days=3), name(days=40)]
    assert _stored.newest_first(mine + others, "shop", "r2") == [name(label="r2")]
    assert _stored.newest_first([name("a/b")], "a/b", "") == [name("a/b")]


@pytest.mark.parametrize(
    ("ages", "gone"),
    [
        ([], []),
        ([99], []),
        ([0, 27, 28, 29, 99], [29, 99]),
        ([50, 60], [60]),
    ],
)
def test_retention(ages, gone):
    names = _stored.newest_first([name(days=age) for age in ages], "shop", "")
    assert _stored.expired(names, "shop", "", 28, NOW) == [name(days=age) for age in gone]
