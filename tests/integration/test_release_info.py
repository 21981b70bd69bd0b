# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""release_info on real release directories, which the module `release` made (control node)."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from tests.support.module import run_module
from tests.support.release import Repository, Target, snapshot


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> Repository:
    made = Repository(tmp_path / "origin")
    for number in (1, 2, 3):
        made.commit({"manage.py": f"print({number})\n"}, tag=f"r{number}")
    return made


@pytest.fixture
def target(tmp_path: pathlib.Path) -> Target:
    return Target(tmp_path / "srv" / "shop")


def read(target: Target) -> dict:
    """What the module says, which must leave everything as it was."""
    before = snapshot(target.root)
    result = run_module("release_info", {"path": str(target.root)})
    assert snapshot(target.root) == before
    assert not result["changed"]
    return result


def test_where_nothing_was_deployed_there_is_nothing(target: Target) -> None:
    found = read(target)
    assert (found["live"], found["previous"], found["releases"]) == ("", "", [])
    assert not target.root.exists()


def test_releases_are_told_newest_first(repository: Repository, target: Target) -> None:
    first = target.deploy(repository, version="r1", installer="none")["release"]
    second = target.deploy(repository, version="r2", installer="none", who="ops")["release"]
    third = target.prepare(repository, version="r3", installer="none")["release"]
    found = read(target)
    assert (found["live"], found["previous"]) == (second, first)
    assert [manifest["release"] for manifest in found["releases"]] == [third, second, first]
    assert [manifest["result"] for manifest in found["releases"]] == ["prepared", "good", "good"]
    assert found["releases"][1]["commit"] == repository.git("rev-parse", "r2") and found["releases"][1]["who"] == "ops"


def test_a_rejected_release_is_no_way_back(repository: Repository, target: Target) -> None:
    first = target.deploy(repository, version="r1", installer="none")["release"]
    second = target.prepare(repository, version="r2", installer="none")["release"]
    target.run(state="rejected", release=second, reason="it was not ready")
    found = read(target)
    assert (found["live"], found["previous"]) == (first, "")
    assert [manifest["reason"] for manifest in found["releases"]] == ["it was not ready", ""]


def test_a_manifest_that_a_crash_has_cut_hides_only_its_release(repository: Repository, target: Target) -> None:
    first = target.deploy(repository, version="r1", installer="none")["release"]
    second = target.deploy(repository, version="r2", installer="none")["release"]
    (target.root / "releases" / first / ".release.json").write_text('{"release": "2')
    assert [manifest["release"] for manifest in read(target)["releases"]] == [second]


def test_a_live_release_that_is_gone_is_still_named(repository: Repository, target: Target) -> None:
    first = target.deploy(repository, version="r1", installer="none")["release"]
    shutil.rmtree(target.root / "releases" / first)
    found = read(target)
    assert (found["live"], found["releases"]) == (first, [])


def test_what_stands_in_the_place_of_the_link_is_named(target: Target) -> None:
    (target.root / "current").mkdir(parents=True)
    result = run_module("release_info", {"path": str(target.root)})
    assert result["failed"] and "is not a link but a directory" in result["msg"]
