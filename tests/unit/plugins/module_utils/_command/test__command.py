# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the command line finds a working copy, and what it says."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._command import _main, _words, _working_copy
from ansible_collections.seamless.deploy.plugins.module_utils._command._arguments import parser
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def environment(path: pathlib.Path) -> str:
    """An interpreter, as far as anybody looks at it."""
    program = path / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    return str(program)


def test_interpreter_is_that_of_the_active_environment_or_beside_the_project(tmp_path: pathlib.Path) -> None:
    beside, active = environment(tmp_path / "shop" / "venv"), environment(tmp_path / "active")
    project = str(tmp_path / "shop")

    assert _working_copy.project_python(project, "/given/python", str(tmp_path / "active")) == "/given/python"
    assert _working_copy.project_python(project, None, str(tmp_path / "active")) == active
    assert _working_copy.project_python(project, None, None) == beside
    with pytest.raises(DeployError, match="activate it, or name its interpreter with --python"):
        _working_copy.project_python(str(tmp_path), None, None)


def test_options_are_those_of_the_modules(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / ".env").touch()
    options = parser().parse_args(
        ["prune", "-C", str(tmp_path), "--python", "/p", "--ignore", "a", "--backup", "kept", "abc"]
    )

    params = _working_copy.params_of(options, {"MIGRATIONS_ADMIN_URL": "postgresql://admin@db/postgres"})

    assert (params["chdir"], params["python"], params["ignore"]) == (str(tmp_path), "/p", ["a"])
    assert params["environment_file"] == str(tmp_path / ".env")
    assert params["backup_dest"] == str(tmp_path / "kept")
    assert params["login_url"] == "postgresql://admin@db/postgres"
    assert (tmp_path / "cache" / "seamless-deploy" / "bridge").stat().st_mode & 0o777 == 0o700


def test_every_command_has_its_action() -> None:
    for command in _main.COMMANDS:
        assert parser().parse_args([command]).command == command


def test_a_wrong_directory_is_one_sentence(capsys: pytest.CaptureFixture) -> None:
    assert _main.main(["status", "-C", "/nowhere/at/all"]) == 1
    assert (
        capsys.readouterr().err
        == "migrations: --directory /nowhere/at/all is not a directory; name that of the project\n"
    )


def finding(level: str) -> dict:
    return {"level": level, "evidence": "x is wrong", "remedy": "correct x", "place": "x.py:3"}


def test_findings_are_two_lines_and_decide_by_their_level() -> None:
    assert _words.findings([finding("stop")]) == ["stop: x.py:3: x is wrong", "    correct x"]
    assert _words.worst([finding("note"), finding("stop")])
    assert not _words.worst([finding("note"), finding("warning")])
    assert _words.worst([finding("warning")], strict=True)


def test_a_repair_tells_what_it_would_do_or_has_done() -> None:
    result = {"changed": True, "before": [], "after": ["b"], "statements": ["DELETE"], "files": [], "backup": "/kept"}

    assert _words.repair({**result, "changed": False}, False) == []
    assert _words.repair(result, True) == ["Would be recorded: b, before: nothing", "    DELETE;"]
    assert _words.repair(result, False) == ["Is recorded: b, before: nothing", "    DELETE;", "Backup:    /kept"]
