# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal says of an undo, and that it takes no secrets."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _journal
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def record(event, action="service.switch", step="start", deploy="d1", undo=None, subject=""):
    return _journal.JournalRecord(deploy, "2026-11-21T01:02:03Z", "web1", step, action, event, subject, {}, undo or {})


def plan(*records):
    return [(undo.action, undo.certain) for undo in _journal.undo_plan(records, "d1")]


def test_newest_first():
    steps = [record("done", "a.first", undo={"n": 1}), record("done", "a.second", undo={"n": 2})]
    assert plan(*steps) == [("a.second", True), ("a.first", True)]


def test_an_intent_alone_may_have_happened():
    assert plan(record("intent", undo={"n": 1})) == [("service.switch", False)]


def test_a_failure_may_have_left_half_of_it():
    assert plan(record("intent", undo={"n": 1}), record("failed")) == [("service.switch", False)]


def test_done_keeps_the_undo_of_its_intent():
    (undo,) = _journal.undo_plan([record("intent", undo={"n": 1}), record("done")], "d1")
    assert undo.undo == {"n": 1} and undo.certain


def test_what_was_undone_is_not_undone_again():
    assert plan(record("done", undo={"n": 1}), record("undone")) == []


def test_nothing_to_undo_and_other_deploys_are_left_out():
    assert plan(record("done"), record("done", deploy="d2", undo={"n": 1})) == []


def test_subjects_are_undone_apart():
    web, worker = record("done", undo={"n": 1}, subject="web"), record("done", undo={"n": 2}, subject="worker")
    assert len(_journal.undo_plan([web, worker, record("undone", subject="web")], "d1")) == 1


def test_unfinished_and_last():
    records = [record("begin", deploy="d1"), record("begin", deploy="d2"), record("end", deploy="d2")]
    assert _journal.unfinished(records) == ["d1"]
    assert _journal.last_deploy(records) == "d2"
    assert _journal.last_deploy([]) == ""


def test_was_done_forgets_what_was_undone():
    assert _journal.was_done([record("done")], "d1", "service.switch")
    assert not _journal.was_done([record("done"), record("undone")], "d1", "service.switch")
    assert not _journal.was_done([record("failed")], "d1", "service.switch")


@pytest.mark.parametrize("key", ["password", "DATABASE_URL", "login_password", "Secret key", "api_token"])
def test_secrets_are_refused(key):
    bad = _journal.JournalRecord("d1", "", "", "start", "a.b", "note", "", {"deep": [{key: "x"}]})
    with pytest.raises(DeployError, match="no secrets"):
        _journal.check_record(bad)


@pytest.mark.parametrize(("step", "event"), [("dance", "note"), ("start", "perhaps")])
def test_unknown_words_are_refused(step, event):
    with pytest.raises(DeployError, match="unknown"):
        _journal.check_record(record(event, step=step))
