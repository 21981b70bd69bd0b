# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interpreters that cannot make a virtual environment, and where uv is looked for; runs where pytest runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _interpreter


@pytest.mark.parametrize(("venv", "ensurepip"), [(False, True), (True, False)])
def test_debian_without_its_venv_package(venv: bool, ensurepip: bool) -> None:
    interpreter = _interpreter.Interpreter("/usr/bin/python3", "3.11.2", "key", venv, ensurepip)
    with pytest.raises(DeployError, match=r"without its venv module; .* apt install python3\.11-venv"):
        _interpreter.check_can_make_venv(interpreter)


def test_a_complete_interpreter_is_taken() -> None:
    complete = _interpreter.Interpreter("/usr/bin/python3", "3.11.2", "key", True, True)
    assert _interpreter.check_can_make_venv(complete) is None


@pytest.mark.parametrize("place", ["srv/.deploy/tools/bin", "python/bin", "home/.local/bin"])
def test_where_uv_is_found(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    uv = tmp_path / place / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text("")
    interpreter = _interpreter.Interpreter(str(tmp_path / "python" / "bin" / "python"), "3.11.2", "key", True, True)
    with pytest.raises(DeployError, match="the target has no uv"):
        _interpreter.find_uv(str(tmp_path / "srv"), interpreter)
    uv.chmod(0o755)
    assert _interpreter.find_uv(str(tmp_path / "srv"), interpreter) == str(uv)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((0, "hello", ""), "does not run as a Python interpreter .hello."),
        ((1, "", "Traceback\nbroken"), "does not run as a Python interpreter .broken."),
        (
            (0, 'seamless:{"version": "2.7.18", "base": "/p", "platform": "x", "venv": false, "ensurepip": true}', ""),
            "version 2.7.18; a release needs Python 3.6",
        ),
    ],
)
def test_programs_that_are_no_usable_python(answer: tuple, words: str) -> None:
    with pytest.raises(DeployError, match=words):
        _interpreter.find_interpreter(lambda *_args, **_how: answer, "/bin/sh")
