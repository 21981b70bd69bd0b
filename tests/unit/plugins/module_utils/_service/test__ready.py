# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer, or none, means."""

from __future__ import annotations

import errno
import http.client
import socket

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._service import _ready
from ansible_collections.seamless.deploy.plugins.module_utils._service._process import ProcessFacts

HEALTH = _ready.Health()


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "health_host"), (301, "X-Forwarded-Proto"), (404, "see health_path"), (500, "answered 500 instead of 200")],
)
def test_explain_status(status, said):
    text = _ready.explain_status(_ready.Answer(status, "Boom", "https://shop/", 1, 0.1), HEALTH)
    assert said in text and text.endswith("Body: Boom")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOENT, "no"), "does not exist"),
        (OSError(errno.ECONNREFUSED, "no"), "nothing listens"),
        (OSError(errno.EACCES, "no"), "app may not connect"),
        (socket.timeout("timed out"), "no answer came"),
        (http.client.RemoteDisconnected("x"), "without an answer"),
        (http.client.BadStatusLine("x"), "no HTTP answer"),
    ],
)
def test_explain_error(error, said):
    assert said in _ready.explain_error(error, "/run/s.sock", "app")


@pytest.mark.parametrize(
    ("facts", "problem", "weak"),
    [
        (ProcessFacts(7, "/srv/2/app", ["/srv/2/.venv/bin/python"]), "", ""),
        (ProcessFacts(7, "/srv/1", ["/srv/2/.venv/bin/python"]), "process 7 works in /srv/1", ""),
        (ProcessFacts(7, "/srv/2", ["/srv/1/.venv/bin/python"]), "process 7 runs /srv/1/.venv/bin/python", ""),
        (ProcessFacts(7), "", "cannot be seen by this user"),
        (ProcessFacts(7, "/srv/2", ["gunicorn"]), "", "which interpreter process 7 runs cannot be seen"),
    ],
)
def test_judge(facts, problem, weak):
    proof = _ready.judge(facts, "/srv/2", "/srv/2/.venv/bin/python", ["/srv/2/.venv"])
    assert proof.problem.startswith(problem) and bool(proof.problem) == bool(problem)
    assert weak in proof.weak and bool(proof.weak) == bool(weak)


def test_nothing_is_judged_that_was_not_asked():
    proof = _ready.judge(ProcessFacts(7), "", "", [])
    assert (proof.problem, proof.weak, proof.directory_ok, proof.interpreter_ok) == ("", "", None, None)


@pytest.mark.parametrize(
    ("cwd", "release"),
    [("/srv/shop/releases/20261121t090000-1a2b3c4/site", "20261121t090000-1a2b3c4"), ("/srv/shop", ""), ("", "")],
)
def test_release_of(cwd, release):
    assert _ready.release_of(cwd) == release
