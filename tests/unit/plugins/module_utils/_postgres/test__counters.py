# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two readings of a database's counters say; any interpreter, no database."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._counters import compare


def reading(since="1", oid=5, **tables):
    return {"since": since, "oid": oid, "tables": {f"public.{name}": values for name, values in tables.items()}}


BEFORE = reading(orders=[10, 1, 0, 100], lines=[5, 0, 0, 200])
CASES = [
    (BEFORE, {}, ""),
    (
        reading(orders=[12, 1, 0, 100], lines=[5, 0, 0, 200]),
        {"public.orders": (2, 0, 0, "")},
        "public.orders: 2 inserted",
    ),
    (reading(orders=[10, 4, 6, 100], lines=[5, 0, 0, 200]), {"public.orders": (0, 3, 6, "")}, "3 updated, 6 deleted"),
    (
        reading(orders=[10, 1, 0, 101], lines=[5, 0, 0, 200]),
        {"public.orders": (0, 0, 0, "rewritten or truncated")},
        "truncated",
    ),
    (reading(orders=[10, 1, 0, 100]), {"public.lines": (0, 0, 0, "dropped")}, "dropped"),
    (
        reading(orders=[10, 1, 0, 100], lines=[5, 0, 0, 200], carts=[0, 0, 0, 300]),
        {"public.carts": (0, 0, 0, "created")},
        "created",
    ),
]


@pytest.mark.parametrize("after, tables, words", CASES)
def test_changes_of_tables(after, tables, words):
    changes = compare(BEFORE, after)
    found = {
        name: (one["inserted"], one["updated"], one["deleted"], one["other"]) for name, one in changes.tables.items()
    }
    assert found == tables
    assert changes.unchanged is (not tables)
    assert words in changes.sentence()


@pytest.mark.parametrize("after, words", [(reading(since="2"), "reset"), (reading(oid=6), "two different databases")])
def test_readings_that_cannot_be_compared_count_as_changed(after, words):
    changes = compare(BEFORE, after)
    assert changes.unchanged is False
    assert words in changes.sentence()
    assert changes.to_json()["unchanged"] is False


def test_sentence_names_the_busiest_tables_first():
    tables = {f"t{number}": [number, 0, 0, 1] for number in range(1, 9)}
    sentence = compare(reading(**{name: [0, 0, 0, 1] for name in tables}), reading(**tables)).sentence()
    assert sentence.startswith("public.t8: 8 inserted")
    assert sentence.endswith("3 more tables")
