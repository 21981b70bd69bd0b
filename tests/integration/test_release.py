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
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store

from tests.support.release import Repository, Target, make_wheel, snapshot


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


def test_check_mode_tells_and_touches_nothing(repository: Repository, target: Target, wheelhouse: pathlib.Path) -> None:
    repository.commit({"requirements.txt": "greeting\n"})
    options = {"wheelhouse": str(wheelhouse), "shared": ["media"], "environment": {"A": "1"}}
    before_first = snapshot(target.root)
    told = target.prepare(repository, check_mode=True, **options)
    assert snapshot(target.root) == before_first == {}
    made = target.deploy(repository, **options)
    assert sorted(told) == sorted(made) and told["changed"] and told["dependencies"] == "installed"
    repository.commit({"shop/migrations/0002_next.py": ""})
    before = snapshot(target.root)
    told = target.prepare(repository, check_mode=True, **options)
    assert snapshot(target.root) == before
    assert told["changed"] and told["dependencies"] == "reused" and told["commit"] == repository.head()
    assert told["migration_files"] == ["shop/migrations/0002_next.py"] and told["previous"] == made["release"]
    assert told["shared_links"] == {"media": "../../shared/media"}
    assert target.run(check_mode=True, state="activated", release=made["release"])["changed"] is False
    assert target.run(check_mode=True, state="pruned", keep=1)["removed"] == []
    assert snapshot(target.root) == before


def test_the_way_back_and_a_rejected_release(repository: Repository, target: Target) -> None:
    first = target.deploy(repository, installer="none")
    repository.commit({"manage.py": "two"})
    second = target.deploy(repository, installer="none")
    back = target.activate(first["release"])
    assert back["previous"] == second["release"]
    assert (back["diff"]["before"]["release"], back["diff"]["after"]["release"]) == (
        second["release"],
        first["release"],
    )
    rejected = target.run(state="rejected", release=second["release"], reason="health check failed")
    assert rejected["changed"] and not target.run(state="rejected", release=second["release"])["changed"]
    with pytest.raises(DeployError, match="rejected .health check failed"):
        target.activate(second["release"])
    third = target.prepare(repository, installer="none")
    assert third["changed"] and third["commit"] == second["commit"] and third["release"] > second["release"]


def test_what_a_release_has_lived_with_is_on_record_of_the_one_that_goes(
    repository: Repository, target: Target
) -> None:
    first = target.deploy(repository, installer="none")
    repository.commit({"manage.py": "two"})
    second = target.prepare(repository, installer="none")
    target.activate(second["release"], unmet=["may write NULL to public.orders.note, which refuses it"])
    store = Store(str(target.root))
    assert store.require(first["release"]).unmet == ["may write NULL to public.orders.note, which refuses it"]
    target.activate(first["release"])
    target.activate(second["release"])
    assert store.require(first["release"]).unmet and store.require(second["release"]).unmet == []


def test_a_first_release_goes_back_to_none(repository: Repository, target: Target) -> None:
    made = target.deploy(repository, installer="none")
    assert target.activate("")["previous"] == made["release"]
    assert not os.path.lexists(target.root / "current")
    assert target.run(state="rejected", release=made["release"], reason="x")["changed"]


def test_pruning_after_failed_deploys_in_a_row(repository: Repository, target: Target) -> None:
    good = []
    for number in range(3):
        repository.commit({"manage.py": f"good {number}"})
        good.append(target.deploy(repository, installer="none")["release"])
    failed = []
    for number in range(4):
        repository.commit({"manage.py": f"bad {number}"})
        failed.append(target.deploy(repository, installer="none")["release"])
        target.activate(good[2])
        target.run(state="rejected", release=failed[-1], reason="failed")
        pruned = target.run(state="pruned", keep=3)
        assert set(good) <= set(pruned["kept"])
    assert pruned["kept"] == good and sorted(os.listdir(target.root / "releases")) == good
    pruned = target.run(state="pruned", keep=1)
    assert pruned["kept"] == [good[1], good[2]] and pruned["previous"] == good[1]
    assert not target.run(state="pruned", keep=1)["changed"]


def test_pruning_with_a_dangling_link_and_an_unfinished_deploy(
    repository: Repository, target: Target, tmp_path: pathlib.Path
) -> None:
    names = []
    for number in range(3):
        repository.commit({"manage.py": str(number)})
        names.append(target.deploy(repository, installer="none")["release"])
    (target.root / "current").unlink()
    (target.root / "current").symlink_to("releases/20200101T000000-0000000")
    journal = Journal(str(tmp_path / "journal.jsonl"))
    journal.append("d1", "deploy", "deploy", "begin")
    repository.commit({"manage.py": "beside"})
    options = {"journal": journal.path, "deploy_id": "d1"}
    beside = target.prepare(repository, installer="none", **options)["release"]
    pruned = target.run(state="pruned", keep=1, keep_releases=[names[0]], **options)
    assert pruned["kept"] == [names[0], names[2], beside] and pruned["removed"] == [names[1]]
    events = [(record.action, record.event) for record in journal.read()]
    prepared = [("release.prepare", "intent"), ("release.prepare", "done"), ("release.chosen", "note")]
    assert events[1:] == [*prepared, ("release.remove", "intent"), ("release.remove", "done")]


def test_what_a_crash_left_is_removed_by_the_next_run(repository: Repository, target: Target) -> None:
    live = target.deploy(repository, installer="none")
    bare = target.root / "releases" / "20200101T000000-0000000"
    bare.mkdir()
    cut = target.root / "releases" / "20200101T000001-0000000"
    cut.mkdir()
    manifest = {**live["manifest"], "release": cut.name, "result": "preparing"}
    (cut / ".release.json").write_text(json.dumps(manifest))
    mine = target.root / "releases" / "my-own-directory"
    mine.mkdir()
    (target.root / "releases" / ".removing-20190101T000000-0000000").mkdir()
    repository.commit({"manage.py": "two"})
    made = target.prepare(repository, installer="none")
    assert sorted(os.listdir(target.root / "releases")) == [live["release"], made["release"], mine.name]


def test_activation_is_journaled_with_its_undo(repository: Repository, target: Target, tmp_path: pathlib.Path) -> None:
    first = target.deploy(repository, installer="none")
    repository.commit({"manage.py": "two"})
    second = target.prepare(repository, installer="none")
    journal = Journal(str(tmp_path / "journal.jsonl"))
    target.run(state="activated", release=second["release"], journal=journal.path, deploy_id="d2")
    records = journal.read()
    assert [(record.step, record.action, record.event) for record in records] == [
        ("start", "release.activate", "intent"),
        ("start", "release.activate", "done"),
    ]
    assert records[0].undo == {"release": first["release"]}


def test_shared_paths_outlive_releases(repository: Repository, target: Target) -> None:
    repository.commit({"media/logo.txt": "logo", "data/keep/.gitkeep": ""})
    shared = ["media", ".env", "db.sqlite3", "data/keep", "logs.d/"]
    first = target.deploy(repository, installer="none", shared=shared)
    release = pathlib.Path(first["release_path"])
    assert (target.root / "shared" / "media" / "logo.txt").read_text() == "logo"
    assert (target.root / "shared" / "logs.d").is_dir() and (target.root / "shared" / "data" / "keep").is_dir()
    assert not (target.root / "shared" / ".env").exists() and os.readlink(release / ".env") == "../../shared/.env"
    assert os.readlink(release / "data" / "keep") == "../../../shared/data/keep"
    (release / "media" / "upload.txt").write_text("upload")
    (release / "db.sqlite3").write_text("rows")
    repository.commit({"media/logo.txt": "new logo"})
    second = target.deploy(repository, installer="none", shared=shared)
    release = pathlib.Path(second["release_path"])
    assert (release / "media" / "upload.txt").read_text() == "upload"
    assert (release / "media" / "logo.txt").read_text() == "logo"
    assert (release / "db.sqlite3").read_text() == "rows"
    assert any("media: what the release brings is left out" in warning for warning in second["warnings"])
    target.run(state="removed", release=target.prepare(repository, installer="none")["release"])
    assert (target.root / "shared" / "media" / "upload.txt").exists()
