# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a lock belongs to, asked of real processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _owner

OWN = {"node": "here", "pid": 1, "started": "5", "boot": "b"}


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_process_lives_until_it_has_ended(sleeper):
    own = _owner.owner_of(os.getpid())
    other = _owner.owner_of(sleeper.pid)
    assert _owner.verdict(other, own) == "alive"
    sleeper.kill()
    sleeper.wait()
    assert _owner.verdict(other, own) == "gone"


def test_a_number_that_is_used_again_is_another_process(sleeper):
    other = {**_owner.owner_of(sleeper.pid), "started": "1"}
    assert _owner.verdict(other, _owner.owner_of(os.getpid())) == "gone"


def test_ps_tells_where_there_is_no_proc(sleeper, monkeypatch):
    monkeypatch.setattr(_owner.os.path, "exists", lambda path: False)
    told = _owner.started(sleeper.pid)
    assert told and told == _owner.started(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert _owner.started(sleeper.pid) == ""


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ({}, "unknown"),
        ({**OWN, "node": "elsewhere"}, "unknown"),
        ({**OWN, "started": ""}, "unknown"),
        ({**OWN, "pid": 2, "boot": "before"}, "gone"),
        (OWN, "gone"),
    ],
    ids=["older", "elsewhere", "never seen", "booted since", "an earlier play of this run"],
)
def test_verdict(owner, expected):
    assert _owner.verdict(owner, OWN) == expected
