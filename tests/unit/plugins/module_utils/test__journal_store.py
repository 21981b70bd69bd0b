# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal on a real file system: write-ahead, torn lines, refusal."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, NoJournal
from ansible_collections.seamless.deploy.plugins.module_utils._lock import Holder, Lock


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path / "journal.jsonl"), now=lambda: "2026-11-21T01:02:03Z")


def events(journal):
    return [(record.action, record.event) for record in journal.read()]


def test_the_intent_is_on_disk_before_the_thing_is_done(journal):
    with journal.step("d1", "start", "service.switch", undo={"former": "x"}) as outcome:
        assert events(journal) == [("service.switch", "intent")]
        outcome["seconds"] = 2
    assert events(journal) == [("service.switch", "intent"), ("service.switch", "done")]
    assert journal.read()[1].detail == {"seconds": 2}


def test_a_failure_is_recorded_with_its_reason(journal):
    with pytest.raises(DeployError):
        with journal.step("d1", "start", "service.switch"):
            raise DeployError("the link is a directory")
    assert journal.read()[1].event == "failed"
    assert journal.read()[1].detail["reason"] == "the link is a directory"


def test_an_unexpected_failure_is_recorded_too(journal):
    with pytest.raises(ZeroDivisionError):
        with journal.step("d1", "start", "service.switch"):
            raise ZeroDivisionError
    assert journal.read()[1].event == "failed"


def hold(journal, deploy_id):
    Lock(os.path.join(os.path.dirname(journal.path), "lock")).take(
        Holder(deploy_id, "ops", "AWX job 8", "2026-11-21T02:00:00Z")
    )


def test_nothing_is_done_for_a_deploy_that_was_taken_over(journal):
    hold(journal, "d2")
    with pytest.raises(
        DeployError, match="deploy d1 was taken over.* ops holds the lock since .*, for deploy d2"
    ) as caught:
        with journal.step("d1", "start", "service.switch"):
            pytest.fail("it was done")
    assert caught.value.result["holder"]["deploy_id"] == "d2" and journal.read() == []
    with journal.step("d2", "start", "service.switch"):
        pass


def test_nothing_is_done_for_a_deploy_that_another_run_has_ended(journal):
    for event in ("begin", "end"):
        journal.append("d1", "deploy", "deploy", event)
    with pytest.raises(DeployError, match="deploy d1 has ended already"):
        with journal.step("d1", "start", "service.switch"):
            pytest.fail("it was done")
    journal.append("d1", "deploy", "deploy", "begin")
    with journal.step("d1", "start", "service.switch"):
        pass


def test_a_torn_last_line_is_left_out_and_harms_nothing_after_it(journal):
    journal.append("d1", "start", "a.first", "note")
    with open(journal.path, "a", encoding="utf-8") as file:
        file.write('{"version": 1, "deploy_id": "d1", "st')
    assert events(journal) == [("a.first", "note")]
    journal.append("d1", "start", "a.second", "note")
    assert events(journal) == [("a.first", "note"), ("a.second", "note")]


def test_the_file_is_private(journal):
    journal.append("d1", "start", "a.b", "note")
    assert not stat.S_IMODE(os.stat(journal.path).st_mode) & stat.S_IRWXO


def test_what_cannot_be_recorded_is_not_done(tmp_path):
    done = []
    with pytest.raises(DeployError, match="cannot be written"):
        with Journal(str(tmp_path / "absent" / "journal.jsonl")).step("d1", "start", "a.b"):
            done.append(True)
    assert not done


def test_a_missing_journal_is_empty(journal):
    assert journal.read() == []


def test_no_journal_lets_things_happen_unrecorded():
    done = []
    with NoJournal().step("", "start", "a.b"):
        done.append(True)
    assert done
