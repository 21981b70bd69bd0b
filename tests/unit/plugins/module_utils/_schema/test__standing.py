# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a release works with a database as it stands (control node)."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Column, Snapshot, Table
from ansible_collections.seamless.deploy.plugins.module_utils._schema._standing import standing

NOTE = Column("note", "text")
ID = Column("id", "bigint", not_null=True, identity="default", number=1)
RELEASE = Demands(
    "r1",
    tables={
        "orders": {
            "columns": {
                "id": {"type": "bigint", "null": False, "primary_key": True, "db_default": False, "generated": True},
                "note": {"type": "text", "null": True, "primary_key": False, "db_default": False, "generated": False},
            },
            "foreign_keys": [],
            "unique": [],
        }
    },
)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([ID, NOTE], []),
        ([ID, NOTE, Column("colour", "text")], []),
        ([ID, NOTE, Column("colour", "text", not_null=True, default="'red'::text")], []),
        ([ID, NOTE, Column("colour", "text", not_null=True)], ["colour"]),
        ([ID], ["note"]),
    ],
)
def test_standing(columns, expected):
    found = standing(RELEASE, Snapshot("postgresql", [Table("public.orders", columns=columns)]))
    assert found.works == (not expected)
    assert len(found.reasons) == len(expected)
    assert all(word in reason for word, reason in zip(expected, found.reasons)), found.reasons


def test_a_table_is_gone():
    found = standing(RELEASE, Snapshot("postgresql", []))
    assert found.reasons == ["The release r1 uses orders, which is not there."]


def test_a_release_of_which_nothing_is_known_is_not_proven():
    found = standing(Demands("r0", known=False), Snapshot("postgresql", []))
    assert not found.works and "not known" in found.reasons[0]


def test_what_the_release_has_lived_with_does_not_count():
    before = standing(RELEASE, Snapshot("postgresql", [Table("public.orders", columns=[ID])]))
    worse = Snapshot("postgresql", [Table("public.orders", columns=[ID, Column("colour", "text", not_null=True)])])
    found = standing(RELEASE, worse, before.unmet)
    assert "note" in before.reasons[0] and len(found.reasons) == 1 and "colour" in found.reasons[0]
    assert standing(RELEASE, Snapshot("postgresql", [Table("public.orders", columns=[ID])]), before.unmet).works
