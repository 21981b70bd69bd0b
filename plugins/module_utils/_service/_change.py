# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change of one unit, from options to what is returned of it. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._service import _plan
from ansible_collections.seamless.deploy.plugins.module_utils._service._operate import Operation
from ansible_collections.seamless.deploy.plugins.module_utils._service._records import Records
from ansible_collections.seamless.deploy.plugins.module_utils._service._setup import Setup

if t.TYPE_CHECKING:
    from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import WatchedManager

#: Options of every change, with what they are unless said otherwise.
TIMEOUTS = {"ready_timeout": 60, "drain_timeout": 30, "stop_timeout": 30}


def timeout_spec() -> dict[str, t.Any]:
    return {name: {"type": "float", "default": default} for name, default in TIMEOUTS.items()}


def step_of(params: dict[str, t.Any]) -> str:
    """The word of the checklist that records belong to. Pure."""
    return params["step"] or ("stop" if params["state"] in ("stopped", "absent") else "start")


def change(
    params: dict[str, t.Any],
    check_mode: bool,
    run: t.Callable[..., tuple],
    manager: t.Optional[WatchedManager] = None,
) -> dict[str, t.Any]:
    """Bring one unit to a state. Raises DeployError after the way back, which its message tells."""
    setup = Setup(params, run, manager)
    request = setup.request()
    _plan.check(request)
    seen = setup.observe(request, check_mode)
    actions = _plan.plan(request, seen)
    before, after = _plan.describe(request, seen, actions)
    records = Records(journal_of(params), params["deploy_id"] or "", step_of(params), setup.facts())
    operation = Operation(request, seen, setup.manager, setup.entrance, setup.waiter, records)
    if not check_mode:
        operation.run(actions)
    return {
        "changed": _plan.is_change(actions),
        "name": request.unit.name,
        "state": request.state,
        "pid": seen.unit.pid if check_mode else setup.manager.status(request.unit).pid,
        "actions": [str(action) for action in actions],
        "measured": operation.measured.to_json(),
        "drained": {
            "open_connections": operation.drained.open_connections,
            "closed_at_limit": operation.drained.closed_at_limit,
        },
        "warnings": setup.manager.warnings,
        "diff": {"before": before, "after": after},
    }


def refuse_impossible(
    params: dict[str, t.Any], check_mode: bool, run: t.Callable[..., tuple], manager: WatchedManager
) -> None:
    """Everything that a change refuses before it touches anything. Raises DeployError."""
    setup = Setup(params, run, manager)
    request = setup.request()
    _plan.check(request)
    setup.observe(request, check_mode)
