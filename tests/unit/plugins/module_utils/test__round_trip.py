# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of taking migrations back and applying them again; any interpreter, no database."""

from __future__ import annotations

import dataclasses

from ansible_collections.seamless.deploy.plugins.module_utils import _round_trip
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Column, Index, Snapshot, Table

ID = Column("id", "bigint", True, number=1)
NOTE = Column("note", "text", number=2)
ORDERS = Table("public.orders", columns=[ID, NOTE], oid=11, filenode=11, rows=5)
BEFORE = Snapshot("postgresql", database_oid=1, tables=[ORDERS])
FINE = {"problem": "", "irreversible": False}


def changed(**fields: object) -> Snapshot:
    return dataclasses.replace(BEFORE, tables=[dataclasses.replace(ORDERS, **fields)])


def test_a_column_that_was_made_anew_is_the_same() -> None:
    anew = changed(columns=[ID, dataclasses.replace(NOTE, number=3)], filenode=99, rows=0)
    assert _round_trip.judged("a", FINE, BEFORE, anew) == _round_trip.Returned("a", "complete")


def test_the_order_of_columns_is_no_difference() -> None:
    assert _round_trip.changes(BEFORE, changed(columns=[NOTE, ID])) == []


def test_what_is_left_is_told() -> None:
    left = changed(indexes=[Index("public.by_note", "CREATE INDEX by_note ON public.orders (note)", columns=["note"])])
    found = _round_trip.judged("a", FINE, BEFORE, left)
    assert found.outcome == "incomplete" and any("by_note" in line for line in found.differences)


def test_failed_irreversible_and_not_reached_are_told_apart() -> None:
    said = {"problem": "no such column", "irreversible": False}
    assert _round_trip.judged("a", said, BEFORE, None).outcome == "failed"
    assert _round_trip.judged("a", {**said, "irreversible": True}, BEFORE, None).outcome == "irreversible"
    assert _round_trip.judged("a", None, BEFORE, None).outcome == "not_reached"


def test_another_schema_at_the_second_time_is_held_against_the_first_that_went_back() -> None:
    found = [
        _round_trip.Returned("a", "failed", problem="x"),
        _round_trip.Returned("b", "complete"),
        _round_trip.Returned("c", "complete"),
    ]
    told = _round_trip.repeated(found, "", BEFORE, changed(columns=[ID]))
    assert [one.outcome for one in told] == ["failed", "incomplete", "complete"]
    assert "another schema" in told[1].problem and any("note" in line for line in told[1].differences)
    assert _round_trip.repeated(found, "", BEFORE, BEFORE) == found
    assert "b: it exists" in _round_trip.repeated(found, "b: it exists", BEFORE, BEFORE)[1].problem


def test_lines_for_people() -> None:
    found = [
        _round_trip.Returned("app.0002", "not_reached", problem="why"),
        _round_trip.Returned("b", "incomplete", ["+ index i"], "left"),
    ]
    assert _round_trip.lines(found) == [
        "Taken back and applied again:",
        "  app.0002  not reached: why",
        "  b         incomplete: left",
        "      + index i",
    ]
    assert _round_trip.lines([]) == []
