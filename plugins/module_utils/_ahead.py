# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the application ahead of its migration, so that a stop need not wait for it. Target; PRIVATE to the collection.

The process that has loaded it is the one that migrates, as soon as a later task of the same deploy says so. Until then it
has done nothing and nobody waits for it: where it failed, died or was ended, the later task migrates as if it had not been.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _background, _detached
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._runner import RunnerState
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs

FOLDER = "ahead"
#: Seconds for which a loaded application is kept: a safety copy that takes longer is not made shorter by it.
LIMIT = 900.0
#: Seconds between looks for the word to go on, and between looks whether the deploy still goes on itself.
INTERVAL, HOLDER_INTERVAL = 0.02, 1.0

Ready = t.Callable[[], None]
Work = t.Callable[[t.Optional[Ready]], _detached.Result]


def wait_spec() -> dict[str, t.Any]:
    """Options of the fragment `_ahead`."""
    return {"wait": {"type": "bool", "default": True}}


def done(module: t.Any, work: Work, action: str, asked: object, environment: t.Mapping[str, str]) -> _detached.Result:
    """Do it in a deploy's way: now, or with `wait` false load what it needs, or go on with what was loaded. Raises DeployError.

    work: calls the function that it is given, if any, when all is loaded and nothing is done yet. asked: what it depends on.
    environment: of the application, on which it depends too.
    """
    params = module.params
    if not params["journal"] or not params["deploy_id"] or module.check_mode:
        return work(None) if params["wait"] else {"changed": False, "begun": False}
    places = ("chdir", "python", "environment_file", "settings", "config", "app", "x", "undo_proven", "stamp", "fake")
    asked = [asked, *(params.get(name) for name in places)]
    name = f"{action}-{params['deploy_id']}-{_digest(asked)}"
    if not params["wait"]:
        return begin(module, work, action, name, environment)
    loaded = go_on(module, name, environment)
    if loaded is not None:
        return loaded
    step = params["step"] or "migrate"
    return _detached.run(module, lambda: work(None), params["journal"], params["deploy_id"], step, action)


def begin(module: t.Any, work: Work, action: str, name: str, environment: t.Mapping[str, str]) -> _detached.Result:
    """Load it in the background. Raises DeployError."""
    journal, deploy_id = journal_of(module.params), module.params["deploy_id"]
    holder = module.params["lock_id"] or deploy_id
    journal.check_holder(deploy_id)
    runs = Runs(journal.path, FOLDER)
    runs.make()
    place = _detached.Place.new(runs, name, holder, module.params["step"] or "migrate", action)
    _background.start(module, lambda: work(lambda: _await_word(place, journal, deploy_id, environment)), place)
    return {"changed": False, "begun": True}


def go_on(module: t.Any, name: str, environment: t.Mapping[str, str]) -> t.Optional[_detached.Result]:
    """What came of what was loaded; None where nothing was, or it was not told in time and has done nothing. Raises DeployError."""
    journal = journal_of(module.params)
    loaded, runs = Runs(journal.path, FOLDER), Runs(journal.path)
    state = runs.read(name)  # SSH may start a module again whose answer was lost
    if state is None and loaded.read(name) is not None:
        journal.check_holder(module.params["deploy_id"])
        runs.make()
        loaded.write(_word(loaded, name), _proof(environment, secrets.token_hex(16)))
        state = _gone_on(loaded, runs, name)
    while state and state.status == "running":
        time.sleep(INTERVAL)
        state = runs.read(name)
    return _detached.left(module, runs, state) if state else None


def _gone_on(loaded: Runs, runs: Runs, name: str) -> t.Optional[RunnerState]:
    """The state of what was told to go on, once it does; None when it has ended without that."""
    while True:
        state = loaded.read(name)
        gone_on = runs.read(name)  # read after the other: it is never on record nowhere while it moves
        if gone_on or state is None or state.status != "running":
            break
        time.sleep(INTERVAL)
    if not gone_on:
        _forget_word(loaded, name)
        if state:
            loaded.forget(state)
    return gone_on


def _await_word(place: _detached.Place, journal: Journal, deploy_id: str, environment: t.Mapping[str, str]) -> None:
    """Raises DeployError when the word does not come, or is meant for another environment, or the deploy has ended or was taken over."""
    begun = looked = time.monotonic()
    while not os.path.exists(_word(place.runs, place.state.id)):
        time.sleep(INTERVAL)
        now = time.monotonic()
        if now - begun > LIMIT:
            raise DeployError(
                f"{place.state.action} was not told to begin within {LIMIT:.0f} seconds; nothing was done"
            )
        if now - looked > HOLDER_INTERVAL:
            looked = now
            journal.check_holder(deploy_id)
    with open(_word(place.runs, place.state.id), encoding="utf-8") as file:
        word = json.load(file)
    if word != _proof(environment, word["salt"]):
        raise DeployError(f"{place.state.action} was begun with another environment; nothing was done")
    # From here on a later deploy has to wait for it. Whoever has taken over before has not seen it, and is found now.
    loaded = place.runs
    place.move(Runs(journal.path))
    _forget_word(loaded, place.state.id)
    journal.check_holder(deploy_id)


def _proof(environment: t.Mapping[str, str], salt: str) -> dict[str, str]:
    """That two tasks have the same environment, without a word of it: it holds passwords."""
    return {"salt": salt, "digest": _digest([salt, environment])}


def _word(runs: Runs, name: str) -> str:
    return runs.path(name, ".go")


def _forget_word(runs: Runs, name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(_word(runs, name))


def _digest(asked: object) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode("utf-8")).hexdigest()[:12]
