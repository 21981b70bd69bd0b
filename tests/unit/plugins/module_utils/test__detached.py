# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detached step: what is relayed, and what it needs of the payload. Real forks, no Ansible around it."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import types
import zipfile

import pytest

pytest.importorskip("ansible", reason="the module's file imports from Ansible")

from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._lock import Holder, Lock
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs


class Module:
    """What of AnsibleModule is used."""

    check_mode = False

    def __init__(self):
        self.params = {}
        self.no_log_values = {"s3cret-value"}
        self.warnings = []

    def warn(self, warning):
        self.warnings.append(warning)


@pytest.fixture
def step(tmp_path):
    """Runs a function as a detached step of deploy d1."""
    module = Module()
    journal = Journal(str(tmp_path / "journal.jsonl"))

    def run(work, journal_path=journal.path, **more):
        return _detached.run(module, work, journal_path, "d1", "migrate", "database.migrate", **more)

    run.module, run.journal, run.runs = module, journal, Runs(journal.path)
    return run


def test_the_result_comes_from_another_session_and_nothing_is_left(step):
    def work():
        step.module.warn("mind the gap")
        ours = os.getsid(0) == os.getpid() or os.getsid(0) != session
        return {"pid": os.getpid(), "own_session": ours, "names": {"b", "a"}, "changed": True}

    session = os.getsid(0)
    found = step(work)
    assert found["pid"] != os.getpid() and found["own_session"]
    assert found["names"] == ["a", "b"] and found["changed"] is True
    assert step.module.warnings == ["mind the gap"]
    assert os.listdir(step.runs.folder) == [] and os.stat(step.runs.folder).st_mode & 0o077 == 0


def test_the_error_comes_back_with_its_values(step):
    def work():
        raise DeployError("it holds s3cret-value", applied=["a.1"], rc=3)

    with pytest.raises(DeployError) as caught:
        step(work)
    assert caught.value.result == {"applied": ["a.1"], "rc": 3}
    assert "s3cret" not in caught.value.msg


def test_a_recovery_acts_under_its_own_lock(step):
    lock = Lock(os.path.join(os.path.dirname(step.journal.path), "lock"))
    lock.take(Holder("r1", "ops", "here", "2026-11-21T01:02:03Z"))
    with pytest.raises(DeployError, match="deploy d1 was taken over"):
        step(dict)
    step.module.params = {"lock_id": "r1"}
    assert step(lambda: {"running": [state.deploy_id for state in step.runs.alive()]}) == {"running": ["r1"]}
    step.module.params = {"lock_id": "r0"}
    with pytest.raises(DeployError, match="deploy r0 was taken over"):
        step(dict)


def test_a_failing_module_is_an_error_too(step):
    with pytest.raises(DeployError, match="no such program") as caught:
        step(lambda: step.module.fail_json(msg="no such program", rc=2))
    assert caught.value.result == {"rc": 2}


def test_a_fault_is_one_message(step):
    with pytest.raises(DeployError, match="ZeroDivisionError: .* please report it") as caught:
        step(lambda: 1 // 0)
    assert "Traceback" in caught.value.result["exception"]


def test_a_daemon_that_is_killed_is_said(step):
    with pytest.raises(DeployError, match="database.migrate died on the host"):
        step(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_a_daemon_that_is_ended_says_so_and_hears_no_hangup(step):
    def work():
        os.kill(os.getpid(), signal.SIGHUP)
        with step.journal.step("d1", "migrate", "database.migrate"):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(DeployError, match="ended by a later deploy"):
        step(work)
    assert [record.event for record in step.journal.read()] == ["intent", "failed"]


def test_outside_a_deploy_and_in_check_mode_it_is_done_here(step):
    assert step(os.getpid, journal_path=None) == os.getpid()
    step.module.check_mode = True
    assert step(os.getpid) == os.getpid()


def test_nothing_is_begun_for_a_deploy_that_has_ended(step):
    for event in ("begin", "end"):
        step.journal.append("d1", "deploy", "deploy", event)
    with pytest.raises(DeployError, match="has ended already"):
        step(lambda: {"changed": True})


def test_a_file_is_read_after_it_was_removed(step, tmp_path):
    path = tmp_path / "source"
    path.write_text("code")
    held = _detached.held(str(path))
    path.unlink()

    def work():
        with open(held, encoding="utf-8") as file:
            return {"text": file.read()}

    assert step(work) == {"text": "code"}
    assert _detached.held(str(path)) == str(path)


def test_everything_of_the_payload_can_be_imported_when_it_is_gone(tmp_path, monkeypatch):
    archive = tmp_path / "payload.zip"
    with zipfile.ZipFile(archive, "w") as payload:
        payload.writestr("sent/module_utils/__init__.py", "")
        payload.writestr("sent/__init__.py", "")
        payload.writestr("sent/module_utils/later.py", "HERE = '\u00e4'")
        payload.writestr("sent/module_utils/other.py", "raise OSError('nobody wants it')")
    monkeypatch.syspath_prepend(str(archive))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setitem(vars(_detached), "__loader__", types.SimpleNamespace(archive=str(archive)))
    _detached.hold_payload()
    archive.unlink()
    sys.path_importer_cache.clear()
    try:
        assert importlib.import_module("sent.module_utils.later").HERE == "\u00e4"
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "sent"]:
            del sys.modules[name]
