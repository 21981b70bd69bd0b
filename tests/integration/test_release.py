# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module `release` with real git, pip and uv, on small repositories and wheels made here (control node)."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._environment import parse_environment

from tests.support.release import Repository, Target, make_wheel


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> Repository:
    made = Repository(tmp_path / "origin")
    made.commit({"manage.py": "print('one')\n", "shop/migrations/0001_initial.py": ""}, tag="r1")
    return made


@pytest.fixture
def target(tmp_path: pathlib.Path) -> Target:
    return Target(tmp_path / "srv" / "shop")


@pytest.fixture
def wheelhouse(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "wheelhouse"
    make_wheel(folder, "greeting", "1.0")
    make_wheel(folder, "greeting", "2.0")
    return folder


def tree(path: pathlib.Path) -> dict[str, t.Any]:
    """Everything below a directory, with what would show that it was touched."""
    found = {}
    for entry in sorted(path.rglob("*")):
        facts = entry.lstat()
        found[str(entry)] = (facts.st_mode, facts.st_mtime_ns, facts.st_ino)
    return found


def test_a_first_release_is_prepared_and_activated(repository: Repository, target: Target) -> None:
    made = target.prepare(repository, version="r1", required_files=["manage.py"], environment={"SECRET": "it's \\1"})
    path = pathlib.Path(made["release_path"])
    assert made["changed"] and not made["live"] and made["previous"] == ""
    assert made["commit"] == repository.head() and made["release"].endswith(repository.head()[:7])
    assert (path / "manage.py").read_text() == "print('one')\n" and not (path / ".git").exists()
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert stat.S_IMODE((path / ".environment").stat().st_mode) == 0o600
    assert parse_environment((path / ".environment").read_text()) == {"SECRET": "it's \\1"}
    assert made["migration_files"] == ["shop/migrations/0001_initial.py"]
    assert made["manifest"]["result"] == "prepared" and "it's" not in (path / ".release.json").read_text()
    assert not (target.root / "current").exists()
    active = target.activate(made["release"])
    assert active["changed"] and os.readlink(target.root / "current") == "releases/" + made["release"]
    assert active["manifest"]["result"] == "good" and active["manifest"]["activated_at"]
    assert not target.activate(made["release"])["changed"]


def test_the_same_again_is_the_live_release(repository: Repository, target: Target) -> None:
    first = target.deploy(repository, version="r1", environment={"A": "1"})
    again = target.prepare(repository, version="r1", environment={"A": "1"})
    assert not again["changed"] and again["live"] and again["release"] == first["release"]
    assert sorted(again) == sorted(first)


@pytest.mark.parametrize(
    "change",
    [{"environment": {"A": "2"}}, {"shared": ["media"]}, {"configuration": {"unit": "x"}}, {"installer": "none"}],
)
def test_other_options_are_another_release(repository: Repository, target: Target, change: dict[str, t.Any]) -> None:
    first = target.deploy(repository, version="r1", environment={"A": "1"})
    other = target.prepare(repository, **{"version": "r1", "environment": {"A": "1"}, **change})
    assert other["changed"] and not other["live"] and other["release"] > first["release"]
    assert other["previous"] == first["release"] and other["previous_path"] == first["release_path"]


def test_branch_tag_commit_and_default_branch(repository: Repository, target: Target) -> None:
    first = repository.head()
    second = repository.commit({"manage.py": "print('two')\n"})
    for version, commit in {"": second, "main": second, "r1": first, first: first, first[:8]: first}.items():
        assert target.prepare(repository, version=version, installer="none")["commit"] == commit


def test_dependencies_by_pip_are_reused_and_stand_alone(
    repository: Repository, target: Target, wheelhouse: pathlib.Path
) -> None:
    repository.commit({"requirements.txt": "-r base.txt\n", "base.txt": "greeting==1.0\n"})
    first = target.deploy(repository, wheelhouse=str(wheelhouse))
    assert first["dependencies"] == "installed"
    repository.commit({"manage.py": "print('two')\n"})
    second = target.deploy(repository, wheelhouse=str(wheelhouse))
    assert second["dependencies"] == "reused"
    repository.commit({"manage.py": "print('three')\n"})
    third = target.deploy(repository, wheelhouse=str(wheelhouse))
    target.run(state="removed", release=first["release"])
    repository.commit({"base.txt": "greeting==2.0\n"})
    fourth = target.deploy(repository, wheelhouse=str(wheelhouse))
    assert fourth["dependencies"] == "installed"
    target.run(state="removed", release=second["release"])
    script = os.path.join(third["venv"], "bin", "greeting")
    shown = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert json.loads(shown) == {"version": "1.0", "prefix": third["venv"], "program": third["python"]}
    assert second["release_path"] not in "".join(
        path.read_text(errors="replace") for path in pathlib.Path(third["venv"], "bin").iterdir() if path.is_file()
    )
