# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which tables a comparison of deletes needs no look (control node)."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Catalog, wanted
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Constraint,
    Snapshot,
    Table,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema._restrictions import (
    alike_for_deletes,
    of_deletes,
)

PARENT = Table("shop.parent", columns=[Column("id", "bigint")])
KEY = Constraint("key", "foreign", "FOREIGN KEY (parent_id)", ["parent_id"], "shop.parent", ["id"], "no action")
CHILD = Table("shop.child", columns=[Column("parent_id", "bigint")], constraints=[KEY])
#: Found before the other one of that name.
STRANGER = dataclasses.replace(PARENT, name="front.parent")


@pytest.mark.parametrize(
    ("after", "alike", "refused"),
    [
        ([PARENT, CHILD], {"shop.parent", "shop.child"}, ["shop.child"]),
        ([PARENT, dataclasses.replace(CHILD, constraints=[])], {"shop.parent"}, []),
        # The same table, and another one is meant.
        ([PARENT, CHILD, STRANGER], set(), []),
    ],
)
@pytest.mark.parametrize("deletes", [None, ["parent"]])
def test_what_is_alike_for_deletes(after, alike, refused, deletes):
    release = Demands("r1", tables={"parent": {"columns": {"id": {}}}}, deletes=deletes)
    one, other = (Catalog(Snapshot("postgresql", tables), ["front", "shop"]) for tables in ([PARENT, CHILD], after))
    wants = wanted(release, one)
    assert alike_for_deletes(wants, release, one, other) == alike
    assert [problem.object for problem in of_deletes(wants, one, release)] == ["shop.child"]
    assert [problem.object for problem in of_deletes(wants, other, release)] == refused
    assert "shop.child" not in [problem.object for problem in of_deletes(wants, other, release, {"shop.child"})]
