# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which dependencies, by which installer, and when they are the same; runs where pytest runs."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _dependencies as dependencies

PROJECT = '[project]\nname = "x"\ndependencies = [\n  "django",\n]\n'
Options = dependencies.InstallOptions


def plan(files: dict, project_dir: str = ".", **options: object) -> dependencies.InstallPlan:
    return dependencies.plan_install(Options(**options), project_dir, files.__contains__, files.get)


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        ({"uv.lock": "", "requirements.txt": ""}, {}, ("uv", "lock", ("uv.lock",))),
        ({"uv.lock": "", "requirements.txt": ""}, {"installer": "pip"}, ("pip", "requirements", ("requirements.txt",))),
        ({"requirements.txt": "", "pyproject.toml": PROJECT}, {}, ("pip", "requirements", ("requirements.txt",))),
        ({"requirements.txt": ""}, {"installer": "uv"}, ("uv", "requirements", ("requirements.txt",))),
        ({"pyproject.toml": PROJECT}, {}, ("pip", "project", ("pyproject.toml",))),
        ({"pyproject.toml": PROJECT}, {"installer": "uv"}, ("uv", "project", ("pyproject.toml",))),
        ({"pyproject.toml": "[tool.ruff]\n"}, {}, ("pip", "nothing", ())),
        ({"pyproject.toml": "[tool.ruff]\n"}, {"install_project": True}, ("pip", "project", ("pyproject.toml",))),
        ({}, {}, ("pip", "nothing", ())),
        ({"uv.lock": ""}, {"installer": "none"}, ("none", "nothing", ())),
        ({"r/a.txt": "", "uv.lock": ""}, {"requirements": ("r/a.txt",)}, ("pip", "requirements", ("r/a.txt",))),
    ],
)
def test_plan_install(files: dict, options: dict, expected: tuple) -> None:
    found = plan(files, **options)
    assert (found.installer, found.kind, found.files) == expected


def test_files_in_the_project_come_before_those_beside_it() -> None:
    files = {"requirements.txt": "", "src/requirements.txt": ""}
    assert plan(files, "src").files == ("src/requirements.txt",)
    assert plan({"requirements.txt": ""}, "src").files == ("requirements.txt",)


def test_a_named_file_that_is_missing() -> None:
    with pytest.raises(DeployError, match="requirements names prod.txt"):
        plan({}, requirements=("prod.txt",))


def test_what_is_not_read_is_said() -> None:
    assert "poetry.lock is not supported" in plan({"poetry.lock": ""}).warnings[0]
    assert "not locked" in plan({"uv.lock": "", "pyproject.toml": PROJECT}, installer="pip").warnings[0]


@pytest.mark.parametrize(
    ("line", "local"),
    [
        ("django==5.2", False),
        ("-e .", True),
        ("./part", True),
        ("file:///x", True),
        ("x @ file:///x", True),
        ("x @ https://h/x.whl", False),
        ("-r base.txt", False),
    ],
)
def test_code_of_the_release_itself(line: str, local: bool) -> None:
    assert plan({"requirements.txt": line + "\n"}).local is local


def test_nested_files_are_read_once() -> None:
    files = {
        "r/a.txt": "-r b.txt\n-c ../c.txt\n--requirement=d.txt\n-r https://h/x\n",
        "r/b.txt": "-r a.txt\n",
        "c.txt": "",
    }
    assert sorted(dependencies.read_nested(["r/a.txt"], files.get)) == ["c.txt", "r/a.txt", "r/b.txt"]


FILES = {"requirements.txt": "-r base.txt\n", "base.txt": "django==5.2\n", "uv.lock": "a", "pyproject.toml": PROJECT}


def finger(files: dict, commit: str = "c1", interpreter: str = "py", location: str = "", **options: object) -> str:
    return dependencies.fingerprint(
        plan(files, **options), Options(**options), interpreter, location, commit, files.get
    )


@pytest.mark.parametrize(
    "change",
    [
        {"files": {**FILES, "base.txt": "django==5.3\n"}},
        {"interpreter": "py2"},
        {"location": "https://other"},
        {"wheelhouse": "/w"},
        {"install_project": True},
    ],
)
def test_what_changes_the_fingerprint(change: dict) -> None:
    same = {"files": FILES, "installer": "pip"}
    assert finger(**same) == finger(**same) != finger(**{**same, **change})


@pytest.mark.parametrize(
    ("options", "matters"), [({"installer": "pip"}, False), ({"installer": "pip", "install_project": True}, True)]
)
def test_the_commit_matters_only_where_its_code_is_installed(options: dict, matters: bool) -> None:
    assert (finger(FILES, "c1", **options) != finger(FILES, "c2", **options)) is matters


def test_other_tables_of_pyproject_do_not_matter() -> None:
    changed = {**FILES, "pyproject.toml": PROJECT + "[tool.ruff]\nline-length = 1\n"}
    assert finger(FILES) == finger(changed)
    assert finger(FILES) != finger({**FILES, "pyproject.toml": PROJECT.replace("django", "flask")})
    assert finger(FILES) != finger({**FILES, "uv.lock": "b"})
    assert finger(FILES, installer="none") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PROJECT, True),
        ("[project]\ndependencies = []\n", False),
        ("[project]\ndependencies = ['x']\n", True),
        ('[project]\ndynamic = ["version", "dependencies"]\n', True),
        ('[tool.x]\ndependencies = ["y"]\n', False),
        ("", False),
    ],
)
def test_has_dependencies(text: str, expected: bool) -> None:
    assert dependencies.has_dependencies(text) is expected


@pytest.mark.parametrize(
    ("version", "specifier", "holds"),
    [
        ("3.11.7", ">=3.9", True),
        ("3.8.1", ">=3.9", False),
        ("3.11.7", ">=3.9,<3.12", True),
        ("3.12.0", ">=3.9,<3.12", False),
        ("3.11.7", "~=3.9", True),
        ("4.0.0", "~=3.9", False),
        ("3.11.7", "==3.11.*", True),
        ("3.12.7", "==3.11.*", False),
        ("3.12.7", "!=3.12.*", False),
        ("3.9.0", "==3.9", True),
        ("3.9.1", "==3.9", False),
        ("3.9.1", ">3.9", True),
        ("3.9.1", "<=3.9.1", True),
        ("3.10.0rc1", ">=3.10", True),
        ("3.9.1", "", True),
        ("3.9.1", "whatever", True),
    ],
)
def test_satisfies(version: str, specifier: str, holds: bool) -> None:
    assert dependencies.satisfies(version, specifier) is holds


def test_requires_python() -> None:
    assert dependencies.requires_python("[project]\nrequires-python = '>=3.9'\n[tool.x]\n") == ">=3.9"
    assert dependencies.requires_python("[tool.x]\nrequires-python = '>=3.9'\n") == ""
