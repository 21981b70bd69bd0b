# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision table of the database, row by row."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _recovery
from ansible_collections.seamless.deploy.plugins.module_utils._journal import JournalRecord
from ansible_collections.seamless.deploy.plugins.module_utils._recovery import DatabaseFacts

TABLE = [
    # facts, declared compatible, decision
    (DatabaseFacts(), False, "leave"),
    (DatabaseFacts(fenced=True, copy="c"), False, "open"),
    (DatabaseFacts(applied=("a.1",), fenced=True, copy="c"), False, "restore"),
    (DatabaseFacts(applied=("a.1",), fenced=True, copy="c"), True, "restore"),
    (DatabaseFacts(doubtful=True, fenced=True, copy="c"), False, "restore"),
    (DatabaseFacts(applied=("a.1",), fenced=True), True, "open"),
    (DatabaseFacts(applied=("a.1",), opened=True, copy="c"), False, "restore_if_unchanged"),
    (DatabaseFacts(applied=("a.1",), opened=True, copy="c"), True, "leave"),
    (DatabaseFacts(applied=("a.1",)), False, "ask"),
    (DatabaseFacts(applied=("a.1",)), True, "leave"),
    (DatabaseFacts(doubtful=True), False, "ask"),
    # A way back was cut off behind the fence that it had closed again, or after it had decided.
    (DatabaseFacts(applied=("a.1",), fenced=True, opened=True, copy="c"), False, "restore_if_unchanged"),
    (DatabaseFacts(applied=("a.1",), fenced=True, opened=True, copy="c"), True, "open"),
    (DatabaseFacts(applied=("a.1",), opened=True, copy="c", left=True), False, "leave"),
    (DatabaseFacts(applied=("a.1",), fenced=True, copy="c", left=True), False, "restore"),
    (DatabaseFacts(applied=("a.1",), left=True), False, "leave"),
    # It was proven that they can be taken back.
    (DatabaseFacts(applied=("a.1",), fenced=True, undoable=("a.1",)), False, "undo"),
    (DatabaseFacts(doubtful=True, fenced=True, undoable=("a.1",)), False, "undo"),
    (DatabaseFacts(fenced=True, undoable=("a.1",)), False, "open"),
    (DatabaseFacts(applied=("a.1",), opened=True, undoable=("a.1",)), False, "undo_if_unchanged"),
    (DatabaseFacts(applied=("a.1",), opened=True, undoable=("a.1",)), True, "leave"),
    (DatabaseFacts(applied=("a.1",), fenced=True, opened=True, undoable=("a.1",)), False, "undo_if_unchanged"),
    (DatabaseFacts(applied=("a.1",), opened=True, undoable=("a.1",), left=True), False, "leave"),
    (DatabaseFacts(applied=("a.1",), undoable=("a.1",)), False, "ask"),
]


@pytest.mark.parametrize(("facts", "compatible", "expected"), TABLE)
def test_decision(facts, compatible, expected):
    assert _recovery.decide(facts, compatible).action == expected


def test_the_sentence_names_what_stands_applied():
    assert "orders.0002" in _recovery.decide(DatabaseFacts(applied=("orders.0002",)), False).sentence


@pytest.mark.parametrize("way", [{"copy": "c"}, {"undoable": ("orders.0002",)}])
def test_what_was_written_since_is_said_with_the_choices(way):
    decided = _recovery.decide(DatabaseFacts(applied=("orders.0002",), opened=True, **way), False)
    assert decided.migrations == way.get("undoable", ())
    assert "provided that nothing was written" in decided.sentence
    assert "orders.0002" in decided.otherwise and "deploy_database_compatible=true" in decided.otherwise


def record(action, event, detail=None, undo=None, deploy="d1", step="migrate"):
    return JournalRecord(deploy, "", "", step, action, event, "", detail or {}, undo or {})


FENCED_AGAIN = record("database.fence", "done", undo={"copy_name": "shop_copy"}, step="back")
FENCED = record("database.fence", "done", undo={"copy_name": "shop_copy"})
SAVED = record("database.backup", "done", {"path": "/b/shop.dump"}, step="migrate")
UNCOPIED = record("database.fence", "done", undo={"copy_name": "", "fenced_name": "shop_fenced"})
APPLYING = record("database.migrate", "intent", undo={"applying": ["a.1", "a.2"]})

PROVEN = record("database.migrate", "intent", undo={"applying": ["a.1", "a.2"], "undo_proven": True})
BOTH = ("a.1", "a.2")


def back(event):
    return record(
        "database.migrate",
        event,
        {"applied": ["a.2", "a.1"]},
        {"backwards": True, "applying": ["a.2", "a.1"]},
        step="back",
    )


JOURNALS = [
    ([], DatabaseFacts()),
    ([APPLYING], DatabaseFacts(doubtful=True)),
    ([record("database.migrate", "intent", undo={"applying": []})], DatabaseFacts()),
    ([APPLYING, record("database.migrate", "done", {"applied": ["a.1", "a.2"]})], DatabaseFacts(("a.1", "a.2"))),
    ([APPLYING, record("database.migrate", "failed", {"applied": ["a.1"]})], DatabaseFacts(("a.1",))),
    (
        [APPLYING, record("database.migrate", "failed", {"applied": [], "left_behind": True})],
        DatabaseFacts(doubtful=True, left_behind=True),
    ),
    ([APPLYING, record("database.migrate", "failed", {"reason": "Ended"})], DatabaseFacts(doubtful=True)),
    ([FENCED, APPLYING, record("database.restore", "done")], DatabaseFacts()),
    ([FENCED], DatabaseFacts(fenced=True, copy="shop_copy")),
    ([FENCED, record("database.open", "done")], DatabaseFacts(opened=True, copy="shop_copy")),
    ([FENCED, record("database.open", "intent")], DatabaseFacts(fenced=True, copy="shop_copy")),
    ([UNCOPIED, APPLYING], DatabaseFacts(doubtful=True, fenced=True, fenced_name="shop_fenced")),
    ([UNCOPIED, record("database.open", "done")], DatabaseFacts(opened=True)),
    ([record("database.fence", "intent", undo={"copy_name": "shop_copy"})], DatabaseFacts(fenced=True)),
    ([record("database.migrate", "done", {"applied": ["a.1"]}, deploy="d0")], DatabaseFacts()),
    ([FENCED, record("database.open", "done"), FENCED_AGAIN], DatabaseFacts(fenced=True, opened=True, copy="shop_copy")),
    ([FENCED, FENCED_AGAIN], DatabaseFacts(fenced=True, copy="shop_copy")),
    ([FENCED, APPLYING, record("database.restore", "done", step="back")], DatabaseFacts()),
    ([FENCED, APPLYING, record("database.restore", "intent", step="back")], DatabaseFacts(doubtful=True, fenced=True, copy="shop_copy")),
    ([APPLYING, record("database.migrate", "left")], DatabaseFacts(doubtful=True, left=True)),
    ([UNCOPIED, PROVEN], DatabaseFacts(doubtful=True, fenced=True, fenced_name="shop_fenced", undoable=BOTH)),
    ([PROVEN, record("database.migrate", "done", {"applied": ["a.1", "a.2"]})], DatabaseFacts(BOTH, undoable=BOTH)),
    ([PROVEN, record("database.migrate", "done", {"applied": ["a.1", "a.2"]}), back("intent")], DatabaseFacts(BOTH, undoable=BOTH)),
    ([PROVEN, record("database.migrate", "done", {"applied": ["a.1", "a.2"]}), back("failed")], DatabaseFacts(BOTH, undoable=BOTH)),
    ([PROVEN, record("database.migrate", "done", {"applied": ["a.1", "a.2"]}), back("done")], DatabaseFacts()),
    ([record("database.backup", "done", {"path": "/b/first"}, step="backup")], DatabaseFacts()),
    ([SAVED, APPLYING], DatabaseFacts(doubtful=True, saved="/b/shop.dump")),
    ([record("database.backup", "failed", {"reason": "full"}, step="migrate")], DatabaseFacts()),
]  # fmt: skip


def test_what_was_saved_in_the_stop_is_the_last_way_and_not_the_backup_before_it():
    halfway = DatabaseFacts(doubtful=True, left_behind=True, saved="/b/shop.dump")
    assert "restore /b/shop.dump" in _recovery.decide(halfway, False).sentence
    without = _recovery.decide(DatabaseFacts(doubtful=True, left_behind=True), False).sentence
    assert "drops every write made since" in without and "restore" not in without


@pytest.mark.parametrize(("records", "expected"), JOURNALS)
def test_facts(records, expected):
    assert _recovery.facts(records, "d1") == expected
