# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each change of service consists of."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _plan
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit, UnitStatus

UP = UnitStatus(True, True, 7, "RUNNING", True)
DOWN = UnitStatus(True, False, 0, "STOPPED", False)
NONE = UnitStatus(False, False, 0, "unknown", False)
FLAPPING = UnitStatus(True, False, 0, "BACKOFF", True)
UNBOOTED = UnitStatus(True, True, 7, "RUNNING", False)

NEW = Unit("new", "web", "/run/new.sock", "/run/web.sock")
OLD = Unit("old", "web", "/run/old.sock", "/run/web.sock")


def steps(state, new, old=None, unit_class="web", behind=False, has_definition=False, keep=False):
    unit, previous = NEW, OLD
    if unit_class != "web":
        unit, previous = Unit("new", unit_class), Unit("old", unit_class)
    request = _plan.Request(state, unit, previous if old else None, keep)
    seen = _plan.Observed(new, old, behind, not behind, has_definition)
    return " ".join(f"{action.kind}:{action.unit.name}" for action in _plan.plan(request, seen))


@pytest.mark.parametrize(
    ("wanted", "case"),
    [
        ("start:new ready:new", {"state": "started", "new": NONE}),
        ("ready:new", {"state": "started", "new": UP}),
        ("start:new ready:new", {"state": "started", "new": UNBOOTED}),
        ("start:new", {"state": "begun", "new": NONE, "unit_class": "worker"}),
        ("start:new", {"state": "begun", "new": NONE, "old": DOWN, "unit_class": "worker"}),
        ("", {"state": "begun", "new": NONE, "old": UP, "unit_class": "worker"}),
        ("drain:new stop:new", {"state": "stopped", "new": UP}),
        ("stop:new", {"state": "stopped", "new": UP, "behind": True}),
        ("stop:new", {"state": "stopped", "new": FLAPPING}),
        ("", {"state": "stopped", "new": DOWN}),
        ("stop:new start:new ready:new", {"state": "restarted", "new": UP}),
        ("start:new ready:new", {"state": "restarted", "new": DOWN}),
        ("reload:new ready:new", {"state": "reloaded", "new": UP}),
        ("", {"state": "absent", "new": NONE}),
        ("forget:new", {"state": "absent", "new": NONE, "has_definition": True}),
        ("unlink:new stop:new forget:new", {"state": "absent", "new": UP, "behind": True}),
        ("drain:new stop:new forget:new", {"state": "absent", "new": UP}),
        ("start:new ready:new switch:new verify:new", {"state": "handed_over", "new": NONE}),
        (
            "start:new ready:new switch:new verify:new drain:old stop:old",
            {"state": "handed_over", "new": NONE, "old": UP},
        ),
        ("start:new ready:new switch:new verify:new", {"state": "handed_over", "new": NONE, "old": UP, "keep": True}),
        ("ready:new", {"state": "handed_over", "new": UP, "old": DOWN, "behind": True}),
        ("ready:new drain:old stop:old", {"state": "handed_over", "new": UP, "old": UP, "behind": True}),
        ("start:new ready:new switch:new verify:new stop:old", {"state": "handed_over", "new": NONE, "old": FLAPPING}),
        ("stop:old start:new ready:new", {"state": "handed_over", "new": NONE, "old": UP, "unit_class": "worker"}),
        ("start:new ready:new", {"state": "handed_over", "new": NONE, "old": UP, "unit_class": "worker", "keep": True}),
        ("stop:old start:new ready:new", {"state": "handed_over", "new": NONE, "old": UP, "unit_class": "singleton"}),
        ("stop:old ready:new", {"state": "handed_over", "new": UP, "old": FLAPPING, "unit_class": "singleton"}),
        ("ready:new", {"state": "handed_over", "new": UP, "old": DOWN, "unit_class": "singleton"}),
    ],
)
def test_plan(wanted, case):
    assert steps(**case) == wanted


def test_waiting_alone_is_no_change():
    assert not _plan.is_change([_plan.Action("ready", NEW), _plan.Action("verify", NEW), _plan.Action("drain", NEW)])
    assert _plan.is_change([_plan.Action("switch", NEW)])


def test_a_unit_that_does_not_run_is_not_reloaded():
    with pytest.raises(DeployError, match="use state=started"):
        steps("reloaded", DOWN)


@pytest.mark.parametrize(
    ("state", "unit", "previous", "keep", "said"),
    [
        ("started", Unit("new", "web"), None, False, "socket is required"),
        ("handed_over", Unit("new", "web", "/run/new.sock"), None, False, "entrance is required"),
        ("handed_over", NEW, dataclasses.replace(OLD, socket=NEW.socket), False, "a socket of its own"),
        ("handed_over", Unit("new", "singleton"), Unit("old", "singleton"), True, "never two"),
        ("started", Unit("new", "other"), None, False, "known: web, worker, singleton"),
    ],
)
def test_check_refuses(state, unit, previous, keep, said):
    with pytest.raises(DeployError, match=said):
        _plan.check(_plan.Request(state, unit, previous, keep))


@pytest.mark.parametrize("state", ["stopped", "absent"])
def test_a_web_unit_is_stopped_without_knowing_its_socket(state):
    _plan.check(_plan.Request(state, Unit("new", "web")))
    assert steps(state, UP).endswith({"stopped": "stop:new", "absent": "forget:new"}[state])


def test_describe():
    request = _plan.Request("handed_over", NEW, OLD)
    seen = _plan.Observed(NONE, UP, False, True)
    before, after = _plan.describe(request, seen, _plan.plan(request, seen))
    assert before == {"new": "absent", "old": "running", "entrance": "old"}
    assert after == {"new": "running", "old": "stopped", "entrance": "new"}
