# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module `release` refuses, with which sentence, and that nothing is left behind (control node)."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _store

from tests.support.release import Repository, Target, run_command, snapshot


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> Repository:
    made = Repository(tmp_path / "origin")
    made.commit({"site/manage.py": "one", "site/shop/settings.py": ""}, tag="v1.10")
    return made


@pytest.fixture
def target(tmp_path: pathlib.Path) -> Target:
    return Target(tmp_path / "srv" / "shop")


def refused(target: Target, words: str, **options: t.Any) -> None:
    """The refusal is one readable sentence, and no release and no temporary file is left."""
    with pytest.raises(DeployError, match=words) as caught:
        target.run(**{"installer": "none", **options})
    assert "Traceback" not in caught.value.msg and "\n" not in caught.value.msg
    releases = target.root / "releases"
    assert not releases.exists() or not os.listdir(releases)
    assert not list(target.root.glob(".deploy/tmp-*"))


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"version": "1.1"},
            r"version is '1\.1', which .*/origin does not have as a branch, tag or commit; it has: v1\.10",
        ),
        ({"version": "0000000"}, "version is '0000000'"),
        (
            {"required_files": ["manage.py"]},
            r"project_dir is '\.', where .* no manage\.py; found in site: set project_dir",
        ),
        ({"project_dir": "app"}, "project_dir is 'app', a directory that the release does not have"),
        ({"project_dir": "../x"}, "project_dir is '../x'; it must be a path inside the release"),
        ({"python": "python9"}, "python is 'python9', which does not exist on the target"),
        ({"python": "/bin/true"}, "python is '/bin/true', which does not run as a Python interpreter"),
        ({"installer": "pip", "wheelhouse": "/no/such"}, "wheelhouse is /no/such, which is not a directory"),
        ({"installer": "pip", "requirements": ["prod.txt"]}, r"requirements names prod\.txt"),
        ({"environment": {"A B": "hidden"}}, "environment has the variable name 'A B'"),
        ({"shared": ["../media"]}, "shared is '../media'"),
        ({"key_file": "/no/such"}, "key_file is /no/such"),
        ({"source": "/x.tar"}, "needs one of repository and source; both are given"),
    ],
)
def test_options(
    repository: Repository, target: Target, options: dict[str, t.Any], words: str, check_mode: bool
) -> None:
    refused(target, words, **{"repository": str(repository.path), "check_mode": check_mode, **options})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/no/such/repository", "repository /no/such/repository cannot be fetched: fatal: .*check the address"),
        (
            "https://robot:s3cret@127.0.0.1:1/x.git",
            r"repository https://127\.0\.0\.1:1/x\.git cannot be fetched: .*port 1",
        ),
        ("ssh://git@127.0.0.1:1/x.git", r"repository ssh://git@127\.0\.0\.1:1/x\.git cannot be fetched: .*refused"),
        ("", "neither is given"),
    ],
)
def test_repositories_that_cannot_be_reached(target: Target, url: str, words: str) -> None:
    refused(target, words, repository=url)


def test_names_that_are_made_here(repository: Repository, target: Target) -> None:
    repository.commit({".environment": "A=1", ".release.json": "{}"})
    refused(target, r"the release brings \.release\.json, \.environment", repository=str(repository.path))


def test_python_that_the_project_does_not_take(repository: Repository, target: Target) -> None:
    repository.commit({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=4.0"\n'})
    refused(target, "pyproject.toml requires >=4.0; name a Python that fits", repository=str(repository.path))


def test_uv_that_is_not_there(repository: Repository, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"uv.lock": "", "pyproject.toml": ""})
    (target.root / "bin").mkdir(parents=True)
    for name in ("git", "python3", "sync"):
        (target.root / "bin" / name).symlink_to(run_command(["which", name])[1].strip())
    (target.root / "bin" / "python3").unlink()
    real = run_command(["python3", "-c", "import sys; print(sys.base_prefix + '/bin/python3')"])[1].strip()
    monkeypatch.setenv("PATH", str(target.root / "bin"))
    monkeypatch.setenv("HOME", str(target.root))
    refused(target, "target has no uv on its PATH", repository=str(repository.path), installer="auto", python=real)


def test_not_enough_room(repository: Repository, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.statvfs_result((4096, 4096, 1000, 10, 10, 0, 0, 0, 0, 255))
    monkeypatch.setattr(_store.require_room, "__defaults__", (lambda _path: full,))
    refused(
        target, "not enough room for a release below path .*0 MB free, about 50 MB", repository=str(repository.path)
    )


def test_a_path_that_cannot_be_made(repository: Repository, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeployError, match=r"path is .*/file/shop, and .* cannot be made"):
        Target(tmp_path / "file" / "shop").prepare(repository, installer="none")


def test_current_that_is_a_directory(repository: Repository, target: Target) -> None:
    (target.root / "current").mkdir(parents=True)
    refused(target, "current is not a link but a directory; move it away", repository=str(repository.path))


def test_releases_that_cannot_be_had(repository: Repository, target: Target) -> None:
    first = target.deploy(repository, installer="none")["release"]
    repository.commit({"x": "2"})
    second = target.deploy(repository, installer="none")["release"]
    before = snapshot(target.root)
    for options, words in (
        (
            {"state": "activated", "release": "r1"},
            f"release is 'r1', which does not exist .* there are: {first}, {second}",
        ),
        ({"state": "removed", "release": second}, "which is live"),
        ({"state": "removed", "release": first}, "the previous good one"),
        ({"state": "rejected", "release": second}, "which is live"),
        ({"state": "pruned", "keep": 0}, "keep is 0"),
    ):
        with pytest.raises(DeployError, match=words):
            target.run(**options)
    assert snapshot(target.root) == before
    assert not target.run(state="removed", release="20200101T000000-0000000")["changed"]
