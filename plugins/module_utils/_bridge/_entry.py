# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one request, runs its verb, writes the answer. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import threading
import typing as t

from . import _exceptions
from ._protocol import FD_VARIABLE, GO_VARIABLE, VERBS, VERSION, BridgeError, event_line

Handler = t.Callable[[t.Dict[str, t.Any], "Answer"], t.Dict[str, t.Any]]

#: (framework, verb, what it is about) -> what does it. Imported when it is asked for: to compile all takes longer than most verbs.
HANDLERS = {
    ("alembic", "check", "chain"): "_alembic_chain.check",
    ("alembic", "check", "project"): "_alembic_check.check",
    ("alembic", "describe", "project"): "_alembic_describe.describe",
    ("alembic", "plan", "migrations"): "_alembic_plan.plan",
    ("alembic", "apply", "migrations"): "_alembic_apply.apply",
    ("alembic", "apply", "round_trip"): "_alembic_round_trip.round_trip",
    ("alembic", "apply", "rehearsal"): "_alembic_rehearse.rehearse",
    ("alembic", "plan", "replay"): "_alembic_replay.survey",
    ("alembic", "apply", "replay"): "_alembic_replay.replay",
    ("alembic", "apply", "merge"): "_alembic_replay.merge",
    ("django", "describe", "project"): "_django_describe.describe",
    ("django", "plan", "migrations"): "_django_plan.plan",
    ("django", "apply", "migrations"): "_django_apply.apply",
    ("django", "apply", "rehearsal"): "_django_rehearse.rehearse",
    ("django", "plan", "replay"): "_django_replay.survey",
    ("django", "apply", "replay"): "_django_replay.replay",
    ("django", "apply", "round_trip"): "_django_round_trip.round_trip",
    ("django", "check", "project"): "_django_check.check",
    ("django", "check", "everything"): "_django_check.everything",
    ("django", "plan", "static"): "_django_static.preview",
    ("django", "apply", "static"): "_django_static.collect",
}
#: What a verb is about when the request does not say.
USUAL = {"describe": "project", "check": "project", "plan": "migrations", "apply": "migrations"}


class Answer:
    """The way back to the caller: JSON lines on the inherited descriptor, each written at once."""

    def __init__(self, descriptor: int, go: int = -1) -> None:
        self._descriptor = descriptor
        self.go = go

    def send(self, event: str, **body: t.Any) -> None:
        data = event_line(event, **body)
        while data:
            data = data[os.write(self._descriptor, data) :]

    def progress(self, what: str, **body: t.Any) -> None:
        self.send("progress", what=what, **body)

    def ask(self, what: str, **body: t.Any) -> None:
        """Tell, and wait until the caller has seen to it. Raises BridgeError when the caller is gone."""
        self.progress(what, wait=True, **body)
        if not os.read(self.go, 1):
            raise BridgeError("caller", "whoever asked for this is gone; nothing more is done")


def main() -> None:
    """The body of run.py. Ends the process."""
    if FD_VARIABLE not in os.environ:
        raise SystemExit("This program is started by modules of seamless.deploy, not by hand.")
    descriptor = int(os.environ.pop(FD_VARIABLE))
    go = int(os.environ.pop(GO_VARIABLE, "-1"))
    for inherited in (descriptor, go):
        if inherited >= 0:
            os.set_inheritable(inherited, False)
    text = sys.stdin.read()
    _close_input()
    # Models and their states are made by the thousand and kept: to look for garbage among them so often takes a tenth of the time.
    gc.set_threshold(50000, 20, 20)
    answer = Answer(descriptor, go)
    code = 1
    try:
        answer.send("result", result=handle(text, answer))
        code = 0
    except BridgeError as exc:
        answer.send("error", kind=exc.kind, message=exc.message, detail=exc.detail)
    except BaseException as exc:  # also a sys.exit() of the application
        place = _exceptions.place_of(exc)
        message = f"the application failed with {_exceptions.summary(exc)}{' at ' + place if place else ''}"
        answer.send("error", kind="unexpected", message=message, detail={})
    _leave(code)


def handle(text: str, answer: Answer) -> dict[str, t.Any]:
    """Check the request and run its handler."""
    try:
        request = json.loads(text)
    except ValueError:
        raise BridgeError("request", "the request to the bridge is not JSON") from None
    if not isinstance(request, dict) or request.get("version") != VERSION:
        found = request.get("version") if isinstance(request, dict) else None
        raise BridgeError("version", f"the request has protocol version {found!r}, this bridge speaks {VERSION}")
    verb, framework = str(request.get("verb")), str(request.get("framework"))
    if verb not in VERBS:
        raise BridgeError("request", f"the bridge has no verb {verb!r}; it has {', '.join(VERBS)}")
    arguments = request.get("arguments") or {}
    about = str(arguments.get("about") or USUAL[verb])
    place = HANDLERS.get((framework, verb, about))
    if place is None:
        raise BridgeError("request", f"the bridge cannot {verb} {about} of the framework {framework!r}")
    handler = handler_at(place)
    sys.dont_write_bytecode = True  # the release belongs to its installer, who may be another user
    return handler(arguments, answer)


def handler_at(place: str) -> Handler:
    """The function of a value of HANDLERS."""
    module, name = place.split(".")
    return t.cast(Handler, getattr(importlib.import_module(f".{module}", __package__), name))


def _close_input() -> None:
    """The application finds an empty input: a question would never be answered."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    if others:
        os._exit(code)  # a scheduler that the application started would keep this process alive for ever
    gc.freeze()  # to look for garbage among all models once more would take longer than to end
    raise SystemExit(code)
