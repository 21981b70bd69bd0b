# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log, and the cause in it."""

from __future__ import annotations

from ansible_collections.seamless.deploy.plugins.module_utils._service import _logs

GUNICORN = """\
[INFO] Booting worker
Traceback (most recent call last):
  File "wsgi.py", line 1, in <module>
    import missing
ModuleNotFoundError: No module named 'missing'
[INFO] Worker exiting
Traceback (most recent call last):
  File "arbiter.py", line 1, in run
    raise HaltServer
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>
"""


def test_the_cause_is_the_application_s_own():
    assert _logs.cause(GUNICORN.splitlines()) == "ModuleNotFoundError: No module named 'missing'"
    assert _logs.cause(["all is well"]) == ""


def test_without_an_exception_the_cause_is_the_last_line_that_calls_itself_an_error():
    busy = ["[1] [ERROR] Connection in use", "[1] [ERROR] Can't connect to ('127.0.0.1', 8000)", "[2] [INFO] Starting"]
    assert _logs.cause(busy) == "[1] [ERROR] Can't connect to ('127.0.0.1', 8000)"
    assert _logs.cause(["usage: manage.py", "manage.py: error: unknown option"]) == "manage.py: error: unknown option"
    assert _logs.cause([*busy, *GUNICORN.splitlines()]) == "ModuleNotFoundError: No module named 'missing'"


def test_tail_is_bounded(tmp_path):
    (tmp_path / "log").write_bytes(b"\xff\n\n" + b"x" * 10_000 + b"\n" + b"last\n")
    lines = _logs.tail_of_file(str(tmp_path / "log"), 2)
    assert lines[-1] == "last" and len(lines) == 2 and len(lines[0]) < 600
    assert _logs.tail_of_file(str(tmp_path / "none")) == []
