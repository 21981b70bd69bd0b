# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge protocol. Pure standard library; both sides of the bridge; PRIVATE to the collection.

The caller starts `<application's python> run.py` with one request, a JSON object, on standard input and the
number of an inherited file descriptor in SEAMLESS_BRIDGE_FD. The bridge answers on that descriptor with JSON
lines: any number of `progress` events, then exactly one `result` or one `error`. What the application prints
goes to stdout and stderr and is never read as an answer. No result and no error: the process died.
After a progress event with `wait` the bridge goes on when it has read one byte from the descriptor in SEAMLESS_BRIDGE_GO_FD.
"""

from __future__ import annotations

import json
import typing as t

VERSION = 1
VERBS = ("describe", "plan", "apply", "check")
FD_VARIABLE = "SEAMLESS_BRIDGE_FD"
GO_VARIABLE = "SEAMLESS_BRIDGE_GO_FD"


class BridgeError(Exception):
    """An answer that says no. `kind` is a stable word, `message` a sentence, `detail` facts for the report."""

    def __init__(self, kind: str, message: str, **detail: t.Any) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.detail = detail


def request(verb: str, framework: str, **arguments: t.Any) -> dict[str, t.Any]:
    if verb not in VERBS:
        raise ValueError(f"bridge verb {verb!r} is none of {', '.join(VERBS)}")
    return {"version": VERSION, "verb": verb, "framework": framework, "arguments": arguments}


def event_line(event: str, **body: t.Any) -> bytes:
    """One line of an answer: event is progress, result or error."""
    text = json.dumps({"version": VERSION, "event": event, **body}, default=str, sort_keys=True)
    return text.encode("utf-8") + b"\n"


def read_answer(data: bytes) -> tuple[list[dict[str, t.Any]], dict[str, t.Any]]:
    """(progress events, result). Raises BridgeError: as answered, or kind `died` when no answer is complete."""
    progress: list[dict[str, t.Any]] = []
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            event = json.loads(line.decode("utf-8"))
        except ValueError:
            break
        if event.get("version") != VERSION:
            raise BridgeError("version", f"the bridge speaks version {event.get('version')!r}, expected {VERSION}")
        if event["event"] == "error":
            raise BridgeError(event["kind"], event["message"], **event.get("detail", {}), progress=progress)
        if event["event"] == "result":
            return progress, event["result"]
        progress.append(event)
    raise BridgeError("died", "the application's interpreter ended without an answer", progress=progress)
