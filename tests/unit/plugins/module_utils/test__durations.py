# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a stop and a start took (control node)."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _journal
from ansible_collections.seamless.deploy.plugins.module_utils._durations import durations, last_durations, pace


def records(deploy_id: str, *told: str) -> list[_journal.JournalRecord]:
    """Each "05 stop service.stop intent": seconds, step, action, event."""
    found = []
    for line in told:
        second, step, action, event = line.split()
        found.append(_journal.JournalRecord(deploy_id, f"2026-11-21T01:02:{second}Z", "web1", step, action, event))
    return found


ONLINE = records("a", "01 start service.define intent", "04 start service.switch done")
STOPPED = records(
    "b",
    "10 stop service.stop intent",
    "11 stop service.stop done",
    "13 migrate database.migrate done",
    "14 start service.start intent",
    "17 start service.switch done",
    "18 start service.switch done",
)
FAILED = records("c", "20 stop service.stop intent", "22 start service.start intent")
BACK = records("d", "30 start service.start intent", "35 back service.switch done")


@pytest.mark.parametrize(
    ("own", "expected"),
    [(ONLINE, {"start": 3.0}), (STOPPED, {"start": 4.0, "stop": 8.0}), (FAILED, {}), (BACK, {}), ([], {})],
)
def test_durations(own, expected):
    assert durations(own, own[0].deploy_id if own else "a") == expected


def test_what_to_expect_is_what_the_last_one_took():
    told = [*ONLINE, *STOPPED, *FAILED, *BACK]
    assert last_durations(told, "d") == {"start": 4.0, "stop": 8.0}
    assert last_durations(told, "b") == {"start": 3.0}
    assert last_durations(ONLINE, "a") == {}


def stop_of(deploy_id: str, migrated: str, forecast: object) -> list[_journal.JournalRecord]:
    told = records(deploy_id, "10 migrate database.migrate intent", f"{migrated} migrate database.migrate done")
    end = _journal.JournalRecord(deploy_id, "2026-11-21T01:02:59Z", "web1", "deploy", "deploy", "end")
    return [*told, dataclasses.replace(end, detail={"forecast": forecast})]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([*stop_of("a", "20", 100.0), *ONLINE], 0.1),
        ([*stop_of("a", "20", 100.0), *stop_of("b", "40", "60.0")], 0.5),
        ([*stop_of("a", "20", 100.0), *stop_of("b", "40", 9.9)], 0.1),
        ([*stop_of("a", "20", 100.0), *stop_of("now", "40", 60.0)], 0.1),
        ([*stop_of("a", "10", 100.0)], 0.05),
        ([*stop_of("a", "58", 10)], 3.0),
        ([*stop_of("a", "20", 0), *STOPPED, *FAILED], 1.0),
    ],
)
def test_what_a_forecast_came_to_tells_of_the_next_one(told, expected):
    assert pace(told, "now") == expected
