# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unit of a release is changed when."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _units


def unit(kind, release="r2", unit_class="web", **more):
    return {"unit": kind, "name": f"{kind}-{release}", "unit_class": unit_class, **more}


NEW = [unit("beat", unit_class="singleton"), unit("worker", unit_class="worker"), unit("web"), unit("api")]
OLD = [{**record, "name": record["name"].replace("r2", "r1")} for record in NEW]


@pytest.mark.parametrize(
    ("state", "units", "leaving", "expected"),
    [
        (
            "handed_over",
            NEW,
            [],
            [
                ("web-r2", "started", False),
                ("api-r2", "started", False),
                ("beat-r2", "handed_over", False),
                ("worker-r2", "handed_over", False),
                ("web-r2", "handed_over", True),
                ("api-r2", "handed_over", True),
            ],
        ),
        (
            "handed_over",
            OLD,
            NEW,
            [
                ("web-r1", "handed_over", True),
                ("api-r1", "handed_over", True),
                ("web-r2", "absent", False),
                ("api-r2", "absent", False),
                ("beat-r2", "absent", False),
                ("worker-r2", "absent", False),
                ("beat-r1", "handed_over", False),
                ("worker-r1", "handed_over", False),
            ],
        ),
        ("handed_over", [], NEW[:1], [("beat-r2", "absent", False)]),
        ("stopped", NEW[:3], [], [(f"{name}-r2", "stopped", False) for name in ("web", "beat", "worker")]),
        ("absent", NEW[:2], [], [(f"{name}-r2", "absent", False) for name in ("beat", "worker")]),
    ],
)
def test_changes(state, units, leaving, expected):
    found = _units.changes(state, units, leaving)
    assert [(change.name, change.state, change.keep_previous) for change in found] == expected


def test_in_a_stop_workers_may_come_up_beside_the_web_units():
    found = _units.changes("handed_over", NEW[:3], [], at_once=True)
    assert [(change.name, change.state) for change in found] == [
        ("beat-r2", "begun"),
        ("worker-r2", "begun"),
        ("web-r2", "started"),
        ("beat-r2", "handed_over"),
        ("worker-r2", "handed_over"),
        ("web-r2", "handed_over"),
    ]


def test_a_way_back_replaces_what_leaves_and_nothing_earlier():
    units = [unit(name, "r1", previous=f"{name}-r0", previous_socket="/r/0") for name in ("web", "api")]
    web, api = _units.changes("handed_over", units, [unit("web", socket="/r/2")])[:2]
    assert (web.record["previous"], web.record["previous_socket"]) == ("web-r2", "/r/2")
    assert (api.record["previous"], api.record["previous_socket"]) == (None, None)


def test_of_two_that_share_a_socket_only_one_runs():
    units = [unit("web", entrance_kind="activation"), unit("api")]
    found = [(change.name, change.state) for change in _units.changes("handed_over", units, [])]
    assert found == [("api-r2", "started"), ("web-r2", "handed_over"), ("api-r2", "handed_over")]


def test_no_second_scheduler_where_the_first_did_not_end():
    failed = [change for change in _units.changes("handed_over", OLD, NEW) if change.leaving]
    started = [change for change in _units.changes("handed_over", OLD, NEW) if not change.leaving]
    assert [change.name for change in started if _units.held_back(change, failed)] == ["beat-r1"]
    assert not any(_units.held_back(change, started) for change in started)


def test_options_of_a_unit_go_before_those_for_all():
    record = unit("web", socket="/r/web.sock", health_path="/alive", health_status="204", health_host="", previous="")
    common = {"health_path": "/health/", "health_status": 200, "health_host": "localhost", "manager": "systemd"}
    found = _units.options(_units.Change(record, "started"), common)
    assert (found["health_path"], found["health_status"], found["health_host"]) == ("/alive", 204, "localhost")
    assert (found["name"], found["state"], found["manager"], found["previous"]) == (
        "web-r2",
        "started",
        "systemd",
        None,
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"directory": "/r/2", "definition": "/etc/s/web.conf"}, "/r/2/.units/web.conf"),
        ({"directory": "/r/2", "definition": "/etc/s/web.conf", "source": "/x.conf"}, "/x.conf"),
        ({"definition": "/etc/s/web.conf"}, ""),
        ({"directory": "/r/2"}, ""),
    ],
)
def test_kept(record, expected):
    assert _units.kept(record) == expected


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ([{"unit": "web"}], "leaving: entry 1 has no name"),
        ([unit("web"), unit("web")], "leaving has web-r2 twice"),
        ([unit("web", unit_class="cron")], "known: web, worker, singleton"),
        ([unit("web", health_status="ok")], "health_status of web-r2 is 'ok'"),
    ],
)
def test_records_that_name_no_unit(units, said):
    with pytest.raises(DeployError, match=said):
        _units.check(units, "leaving")


def test_one_result_of_a_start_and_a_switch():
    empty = {"ready_seconds": None, "drain_seconds": None, "stop_seconds": None, "unserved_seconds": None}
    first = {
        "changed": True,
        "state": "started",
        "actions": ["start a", "wait a"],
        "measured": {**empty, "ready_seconds": 2.5, "unserved_seconds": None},
        "diff": {"before": {"a": "absent", "entrance": "b"}, "after": {"a": "running", "entrance": "b"}},
    }
    then = {
        "changed": False,
        "state": "handed_over",
        "actions": ["wait a", "lead to a"],
        "measured": {**empty, "ready_seconds": 0.1, "unserved_seconds": 0.0},
        "diff": {"before": {"a": "running", "entrance": "b"}, "after": {"a": "running", "entrance": "a"}},
    }
    assert _units.merge(None, then) is then
    found = _units.merge(first, then)
    assert found["changed"] and found["state"] == "handed_over"
    assert found["actions"] == ["start a", "wait a", "lead to a"]
    assert (found["measured"]["ready_seconds"], found["measured"]["unserved_seconds"]) == (2.5, 0.0)
    assert found["diff"] == {
        "before": {"a": "absent", "entrance": "b"},
        "after": {"a": "running", "entrance": "a"},
    }


def test_on_the_way_back_a_worker_replaces_nothing_that_has_ended_already():
    old, new = ({"unit": "worker", "name": f"shop-worker-{name}", "unit_class": "worker"} for name in ("old", "new"))
    planned = _units.changes("handed_over", [{**old, "previous": new["name"]}], [new])
    assert [(change.name, change.state) for change in planned] == [
        ("shop-worker-new", "absent"),
        ("shop-worker-old", "handed_over"),
    ]
    assert planned[-1].record["previous"] == ""
