# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module deploy_journal on a real file system."""

from __future__ import annotations

import pytest

pytest.importorskip("ansible", reason="the module's file imports AnsibleModule")

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.modules import deploy_journal


@pytest.fixture
def journal(tmp_path):
    path = str(tmp_path / "state" / "journal.jsonl")

    def run(check_mode=False, **params):
        base = {
            "path": path,
            "state": "read",
            "deploy_id": None,
            "who": "ops",
            "origin": "AWX job 7",
            "wait": 0,
            "take_over": None,
            "stale": 900,
            "running": "wait",
            "running_timeout": 5,
            "owner": {},
            "owners": {},
            "step": "deploy",
            "action": None,
            "event": "note",
            "subject": "",
            "detail": {},
            "undo": {},
            "result": None,
            "compatible": False,
            "lock_id": None,
        }
        return deploy_journal.run({**base, **params}, check_mode)

    return run


def test_begin_record_end_read(journal):
    began = journal(state="begin", detail={"application": "shop"})
    journal(state="record", deploy_id=began["deploy_id"], step="start", action="a.b", event="done", undo={"x": 1})
    assert journal()["undo_steps"] == ["start"]
    assert journal()["holder"]["deploy_id"] == began["deploy_id"]
    journal(state="end", deploy_id=began["deploy_id"], result="succeeded")
    read = journal()
    assert read["holder"] == {} and read["unfinished"] == []
    assert read["deploys"][0]["result"] == "succeeded" and read["deploys"][0]["application"] == "shop"
    assert [record["event"] for record in read["records"]] == ["begin", "done", "end"]


def test_a_second_deploy_is_refused_in_words(journal):
    first = journal(state="begin")["deploy_id"]
    with pytest.raises(DeployError, match=f"ops holds the lock since .*, for deploy {first}, from AWX job 7") as caught:
        journal(state="begin", who="another")
    assert f"recover_take_over={first}" in caught.value.msg


def test_a_lock_is_taken_over_only_by_name(journal):
    first = journal(state="begin")["deploy_id"]
    with pytest.raises(DeployError):
        journal(state="begin", take_over="some-other-deploy")
    second = journal(state="begin", take_over=first)
    assert second["holder"]["deploy_id"] == second["deploy_id"] and second["unfinished"] == [first]
    assert journal(deploy_id=first)["records"][-1]["detail"] == {
        "taken over by": second["deploy_id"],
        "why": "a person says so",
    }


OWNER = {"node": "f00", "pid": 7, "started": "5", "boot": "b"}


def test_a_lock_with_an_owner_is_not_judged_before_that_was_asked(journal):
    first = journal(state="begin", owner=OWNER)["deploy_id"]
    with pytest.raises(DeployError) as caught:
        journal(state="begin", stale=0, wait=60)
    assert caught.value.result["refused"] and caught.value.result["holder"]["owner"] == OWNER
    with pytest.raises(DeployError, match="still runs on this control node"):
        journal(state="begin", stale=0, owners={first: "alive"})
    assert journal(state="begin", stale=0, owners={first: "unknown"})["taken_over"]["deploy_id"] == first


def test_a_lock_whose_owner_is_gone_is_taken_over_with_a_record(journal):
    first = journal(state="begin", owner=OWNER)["deploy_id"]
    second = journal(state="begin", owners={first: "gone"})
    assert second["taken_over"] == {"deploy_id": first, "why": "its ansible-playbook has ended"}
    assert journal(deploy_id=first)["records"][-1]["detail"]["taken over by"] == second["deploy_id"]


def test_a_lock_from_before_a_boot_is_taken_over(journal, tmp_path):
    first = journal(state="begin")["deploy_id"]
    lock = tmp_path / "state" / "lock"
    lock.write_text(lock.read_text().replace('"boot_id": "', '"boot_id": "another-'))
    assert journal(state="begin")["taken_over"] == {"deploy_id": first, "why": "the host was booted since"}


def test_the_hosts_of_a_fleet_begin_with_one_id_and_may_do_so_twice(journal):
    journal(state="begin", deploy_id="d1", owner=OWNER)
    again = journal(state="begin", deploy_id="d1", owner={**OWNER, "pid": 8})
    assert again["taken_over"] == {} and again["holder"]["owner"]["pid"] == 8
    assert [record["event"] for record in journal()["records"]] == ["begin"]


def test_ending_what_was_taken_over_leaves_the_lock_to_the_other(journal):
    first = journal(state="begin")["deploy_id"]
    second = journal(state="begin", take_over=first)["deploy_id"]
    read = journal(state="end", deploy_id=first, result="rolled_back")
    assert read["holder"]["deploy_id"] == second and read["facts"][first]["ended"] == "rolled_back"
    assert journal()["unfinished"] == [second]


def test_a_begin_that_cannot_be_recorded_leaves_no_lock(journal, tmp_path):
    (tmp_path / "state" / "journal.jsonl").mkdir(parents=True)
    with pytest.raises(DeployError, match="cannot be read"):
        journal(state="begin")
    assert not (tmp_path / "state" / "lock").exists()


def test_check_mode_touches_nothing(journal, tmp_path):
    journal(check_mode=True, state="begin")
    journal(check_mode=True, state="record", deploy_id="d1", action="a.b")
    assert list(tmp_path.iterdir()) == []


def test_a_whole_step_is_recorded_as_undone(journal):
    deploy = journal(state="begin")["deploy_id"]
    for step, action in (("start", "a.one"), ("start", "a.two"), ("stop", "a.three")):
        journal(state="record", deploy_id=deploy, step=step, action=action, event="done", undo={"x": 1})
    left = journal(state="record", deploy_id=deploy, step="start", event="undone")
    assert left["undo_steps"] == ["stop"]


def test_a_whole_step_is_recorded_as_left_with_the_reason(journal):
    deploy = journal(state="begin")["deploy_id"]
    journal(state="record", deploy_id=deploy, step="migrate", action="a.one", event="done", undo={"x": 1})
    left = journal(state="record", deploy_id=deploy, step="migrate", event="left", detail={"why": "somebody wrote"})
    assert left["undo_steps"] == []
    last = journal(deploy_id=deploy)["records"][-1]
    assert (last["action"], last["event"], last["detail"]) == ("a.one", "left", {"why": "somebody wrote"})


@pytest.mark.parametrize("more", [{"state": "record", "action": "deploy.back"}, {"state": "end", "result": "failed"}])
def test_nothing_is_told_of_a_deploy_by_one_that_lost_the_lock(journal, more):
    first = journal(state="begin")["deploy_id"]
    second = journal(state="begin", take_over=first)["deploy_id"]
    with pytest.raises(DeployError, match=f"deploy {first} was taken over"):
        journal(deploy_id=first, lock_id=first, **more)
    journal(deploy_id=first, lock_id=second, **more)
    assert journal()["holder"]["deploy_id"] == second


def test_a_record_without_action_is_refused(journal):
    with pytest.raises(DeployError, match="action is required"):
        journal(state="record", deploy_id="d1")


def test_the_fate_of_the_database_is_told(journal):
    deploy = journal(state="begin")["deploy_id"]
    journal(
        state="record",
        deploy_id=deploy,
        step="migrate",
        action="database.migrate",
        event="done",
        detail={"applied": ["orders.0002"]},
        undo={"applying": ["orders.0002"]},
    )
    assert journal()["recovery"]["action"] == "ask"
    assert journal(compatible=True)["recovery"]["action"] == "leave"
