# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a later run finds of a step that comes to its end just then (control node)."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import threading

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _runs
from ansible_collections.seamless.deploy.plugins.module_utils._lock import boot_id
from ansible_collections.seamless.deploy.plugins.module_utils._runner import RunnerState
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs


@pytest.fixture
def running(tmp_path):
    """Put a step on record whose process is a sleep."""
    runs = Runs(str(tmp_path / "journal.jsonl"))
    process = subprocess.Popen(["sleep", "60"])
    result = runs.path("one", ".result")
    state = RunnerState(
        "one", "d1", "migrate", "database.migrate", "running", process.pid,
        _runs.process_started(process.pid), boot_id(), "2026-11-21T01:02:03Z", result,
    )  # fmt: skip
    os.makedirs(runs.folder)
    runs.publish(state)

    def end():
        process.kill()
        process.wait()

    yield runs, state, end
    end()


def outcomes(told):
    return [(one["outcome"], one["msg"]) for one in told]


def test_a_result_that_its_own_module_takes_meanwhile_is_no_loss(running):
    runs, state, end = running

    def finish():
        runs.forget(state)
        end()

    threading.Timer(0.3, finish).start()
    assert outcomes(runs.settle(20)) == [("finished", "")]


def test_a_step_that_ends_while_its_record_is_read_is_finished(running, monkeypatch):
    runs, state, end = running

    def ends_now(pid, *_rest):
        runs.write(state.result_file, {"result": {}})
        runs.publish(dataclasses.replace(state, status="finished", rc=0))
        end()

    monkeypatch.setattr(_runs, "process_started", ends_now)
    assert outcomes(runs.settle(20)) == [("finished", "")]
    assert os.listdir(runs.folder) == []


def test_a_step_that_was_killed_is_lost(running):
    runs, _state, end = running
    end()
    assert outcomes(runs.settle(20)) == [("lost", "it left no result; the journal has what is known")]
