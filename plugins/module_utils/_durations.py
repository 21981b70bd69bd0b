# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the service was stopped, and how long its start took, as the journal has it. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import calendar
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _journal

Records = t.Sequence[_journal.JournalRecord]
#: Seconds of a forecast below which nothing is learned from it, and how far what is learned may go.
TELLING, SLOWEST = 10, (0.05, 3.0)


def seconds_between(earlier: str, later: str) -> float:
    """Between two times as the journal writes them; never less than 0, since clocks are set back."""
    moments = [calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) for text in (earlier, later)]
    return max(0.0, float(moments[1] - moments[0]))


def durations(records: Records, deploy_id: str) -> dict[str, float]:
    """`start`: from its first record to the switch. `stop`: from the stop of the old release to there, where there was one.

    Only of a deploy that came to the switch. Whole seconds, as the journal has them.
    """
    own = _journal.forward(records, deploy_id)
    ends = [record.at for record in own if (record.action, record.event) == ("service.switch", "done")]
    if not ends:
        return {}
    begun = {"start": _first(own, "start"), "stop": _first(own, "stop")}
    return {name: seconds_between(at, ends[-1]) for name, at in begun.items() if at}


def last_durations(records: Records, before: str) -> dict[str, float]:
    """Those of the newest deploy but one that came to the switch: what to expect of the next."""
    for deploy_id in reversed(list(dict.fromkeys(record.deploy_id for record in records))):
        found = durations(records, deploy_id) if deploy_id != before else {}
        if found:
            return found
    return {}


def pace(records: Records, before: str) -> float:
    """How long the migrations of the newest stop but one took, as a part of what was forecast; 1.0 where none tells.

    The forecast is that of a modest server. Journals count whole seconds, so that a short one tells nothing.
    """
    forecasts = {
        record.deploy_id: float(record.detail["forecast"])
        for record in records
        if record.event == "end" and record.detail.get("forecast")
    }
    for deploy_id, forecast in reversed(list(forecasts.items())):
        own = [record for record in _journal.forward(records, deploy_id) if record.action == "database.migrate"]
        if deploy_id != before and forecast >= TELLING and own and own[-1].event == "done":
            return min(max(seconds_between(own[0].at, own[-1].at) / forecast, SLOWEST[0]), SLOWEST[1])
    return 1.0


def _first(records: Records, step: str) -> str:
    return next((record.at for record in records if record.step == step), "")
