# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who serves behind a socket or an entrance, as far as this user may see it. Target; PRIVATE to the collection."""

from __future__ import annotations

import http.client
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._service import _ready
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name

#: What `serving` holds when nobody answers.
NOBODY = {
    "answers": False,
    "healthy": False,
    "status": 0,
    "body_excerpt": "",
    "seconds": None,
    "pid": 0,
    "directory": "",
    "release": "",
    "directory_ok": None,
    "interpreter_ok": None,
    "problem": "",
}


def serving(path: str, health: _ready.Health, directory: str, interpreter: str, timeout: float) -> dict[str, t.Any]:
    """Ask once, and name the process that listens. Never raises: that nobody answers is an answer."""
    try:
        answer = _ready.ask(path, health, timeout)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        return {**NOBODY, "problem": _ready.explain_error(exc, path, user_name())}
    healthy = answer.status == health.status
    proof = _ready.prove(answer.pid, directory, interpreter)
    return {
        "answers": True,
        "healthy": healthy,
        "status": answer.status,
        "body_excerpt": answer.body,
        "seconds": round(answer.seconds, 3),
        "pid": answer.pid,
        "directory": proof.cwd,
        "release": _ready.release_of(proof.cwd),
        "directory_ok": proof.directory_ok,
        "interpreter_ok": proof.interpreter_ok,
        "problem": proof.problem or proof.weak if healthy else _ready.explain_status(answer, health),
    }


def is_proven(seen: dict[str, t.Any]) -> bool:
    """Whether the right release answers healthy; what this user may not see of it counts as right. Pure."""
    return bool(seen["healthy"]) and seen["directory_ok"] is not False and seen["interpreter_ok"] is not False


def unit_behind(serving_pid: int, units: t.Iterable[dict[str, t.Any]]) -> str:
    """The unit whose main process listens, or "". Pure."""
    return next((unit["name"] for unit in units if serving_pid and unit["pid"] == serving_pid), "")
