# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a unit without a socket: how often it is looked at, and what ends the wait. Real processes, a scripted manager."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _waiter
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._ready import Health
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Sight

UNIT = Unit("worker", "worker")


class Manager:
    """Tells what it is given, the last of it for ever."""

    def __init__(self, *sights):
        self.sights = list(sights)
        self.looks = 0
        self.warnings = []

    def look(self, unit):
        self.looks += 1
        return self.sights.pop(0) if len(self.sights) > 1 else self.sights[0]

    def last_end(self, unit):
        return "exit status 3"


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(_waiter, "STEADY_SECONDS", 0.6)


def process(stack):
    started = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    stack.callback(lambda: (started.stdin.close(), started.wait()))
    return started.pid


def steady(manager, timeout=10.0):
    return _waiter.Waiter(manager, Health()).steady(UNIT, timeout)


def test_a_unit_that_runs_is_looked_at_seldom():
    with contextlib.ExitStack() as stack:
        manager = Manager(Sight(0, False), Sight(process(stack), True))
        steady(manager)
    assert manager.looks <= 2 + 0.6 / _waiter.STEADY_INTERVAL + 2


def test_one_that_has_run_long_enough_is_taken_at_once():
    manager = Manager(Sight(1, True))
    steady(manager)
    assert manager.looks == 1


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (Sight(1, True), "ended (exit status 3), and another was started"),
        (Sight(0, False), "ended (exit status 3)"),
        (Sight(0, False, "systemd says failed"), "does not come up: systemd says failed"),
    ],
)
def test_one_that_ends_is_refused(then, said):
    with contextlib.ExitStack() as stack, pytest.raises(DeployError) as caught:
        steady(Manager(Sight(process(stack), True), then))
    assert caught.value.msg.endswith(said)


def test_one_that_never_settles():
    with contextlib.ExitStack() as stack, pytest.raises(DeployError, match=r"not run steadily after 1 s .*activating"):
        steady(Manager(Sight(process(stack), False, "", "activating (start)")), 1.0)
