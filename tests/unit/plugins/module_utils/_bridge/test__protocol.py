# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contract of the bridge protocol: later versions of both sides must keep passing this (any interpreter)."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge import _entry, _protocol

# Golden lines: what is on the wire. A change here is a new protocol version.
REQUEST = {"version": 1, "verb": "plan", "framework": "django", "arguments": {"alias": "default", "settings": None}}
PROGRESS = b'{"event": "progress", "migration": "shop.0001", "version": 1, "what": "started"}\n'
RESULT = b'{"event": "result", "result": {"plan": []}, "version": 1}\n'
ERROR = (
    b'{"detail": {"alias": "default"}, "event": "error", "kind": "unreachable", "message": "no server", "version": 1}\n'
)


def test_golden_lines() -> None:
    assert _protocol.request("plan", "django", settings=None, alias="default") == REQUEST
    assert _protocol.event_line("progress", what="started", migration="shop.0001") == PROGRESS
    assert _protocol.event_line("result", result={"plan": []}) == RESULT
    assert _protocol.event_line("error", kind="unreachable", message="no server", detail={"alias": "default"}) == ERROR


def test_verbs_and_variable_are_fixed() -> None:
    assert _protocol.VERSION == 1 and _protocol.FD_VARIABLE == "SEAMLESS_BRIDGE_FD"
    assert _protocol.VERBS == ("describe", "plan", "apply", "check")
    with pytest.raises(ValueError, match="none of"):
        _protocol.request("destroy", "django")


def test_answer_is_read() -> None:
    progress, result = _protocol.read_answer(PROGRESS + b"\n" + RESULT)
    assert [event["migration"] for event in progress] == ["shop.0001"] and result == {"plan": []}


def test_error_is_raised_with_its_facts() -> None:
    with pytest.raises(_protocol.BridgeError, match="no server") as caught:
        _protocol.read_answer(PROGRESS + ERROR)
    assert caught.value.kind == "unreachable" and caught.value.detail["alias"] == "default"
    assert len(caught.value.detail["progress"]) == 1


@pytest.mark.parametrize("data", [b"", PROGRESS, RESULT[:-10], PROGRESS + b"\x00\xff\n"])
def test_no_complete_answer_is_a_death(data: bytes) -> None:
    with pytest.raises(_protocol.BridgeError) as caught:
        _protocol.read_answer(data)
    assert caught.value.kind == "died"


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_answer_of_another_version_is_refused(version: object) -> None:
    line = json.dumps({"version": version, "event": "result", "result": {}}).encode()
    with pytest.raises(_protocol.BridgeError) as caught:
        _protocol.read_answer(line)
    assert caught.value.kind == "version"


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({**REQUEST, "version": 2}, "version"),
        ({**REQUEST, "version": None}, "version"),
        ([], "version"),
        ({**REQUEST, "verb": "destroy"}, "request"),
        ({**REQUEST, "framework": "rails"}, "request"),
        ({**REQUEST, "arguments": {"about": "weather"}}, "request"),
    ],
)
def test_bridge_refuses_what_it_does_not_know(request_: object, kind: str) -> None:
    with pytest.raises(_protocol.BridgeError) as caught:
        _entry.handle(json.dumps(request_), _entry.Answer(-1))
    assert caught.value.kind == kind


def test_everything_that_can_be_asked_for_is_there() -> None:
    assert all(callable(_entry.handler_at(place)) for place in _entry.HANDLERS.values())


def test_bridge_answers_on_its_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    monkeypatch.setenv(_protocol.FD_VARIABLE, str(writer))
    monkeypatch.setattr(sys, "stdin", io.StringIO("no JSON"))
    monkeypatch.setattr(_entry, "_close_input", lambda: None)
    monkeypatch.setattr(_entry, "_leave", lambda code: None)
    monkeypatch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
    try:
        _entry.main()
        with pytest.raises(_protocol.BridgeError, match="not JSON"):
            _protocol.read_answer(os.read(reader, 65536))
        assert _protocol.FD_VARIABLE not in os.environ and not os.get_inheritable(writer)
    finally:
        os.close(reader)
        os.close(writer)
