# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begins something that only looks, and takes its result later in the same deploy. Target; PRIVATE to the collection.

Beside the detached steps, and not one of them: nobody has to wait for it, and whoever dies in between has lost nothing.
"""

from __future__ import annotations

import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs

FOLDER = "background"


def begin(
    module: t.Any,
    work: t.Callable[[], _detached.Result],
    journal_path: t.Optional[str],
    deploy_id: t.Optional[str],
    action: str,
) -> bool:
    """Whether `work` goes on in the background; without a deploy it has nowhere to leave its result. Raises DeployError."""
    if not journal_path or not deploy_id or module.check_mode:
        return False
    Journal(journal_path).check_holder(deploy_id)
    runs = Runs(journal_path, FOLDER)
    runs.make()
    start(module, work, _detached.Place.new(runs, _name(action, deploy_id), deploy_id, "", action))
    return True


def start(module: t.Any, work: t.Callable[[], _detached.Result], place: _detached.Place) -> None:
    """Have it go on by itself, unless it does. Raises DeployError."""
    for state in place.runs.states():
        if state.id == place.state.id:
            return  # SSH may start a module again whose answer was lost
        if state.status != "running":
            place.runs.forget(state)  # of a deploy that never came back for it
    _detached.hold_payload()
    reader = _detached.start(module, work, place)
    told = os.read(reader, 65536)
    os.close(reader)
    if told != b"1":
        reason = told[1:].decode(errors="replace") or "its process died at once"
        raise DeployError(f"{place.state.action} was not begun: {reason}")


def take(journal_path: t.Optional[str], deploy_id: t.Optional[str], action: str) -> t.Optional[_detached.Result]:
    """What was begun has returned, once it has; None where nothing was begun, or it died. Raises DeployError, as it did."""
    if not journal_path or not deploy_id:
        return None
    runs = Runs(journal_path, FOLDER)
    state = runs.read(_name(action, deploy_id))
    while state and state.status == "running":
        time.sleep(0.05)
        state = runs.read(state.id)
    if state is None:
        return None
    outcome = runs.outcome(state)
    runs.forget(state)
    return _detached.result_of(outcome) if outcome else None


def _name(action: str, deploy_id: str) -> str:
    return f"{action}-{deploy_id}"
