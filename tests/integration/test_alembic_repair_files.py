# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several heads and broken chains: the files of a working copy fit together again, or nothing is written (control node)."""

from __future__ import annotations

import pathlib

import pytest

from tests.support.repairs import Site, Templates
from tests.support.revisions import contents, execute


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Make a project with four revisions, and clean files of SQLite."""
    return Templates(tmp_path_factory.mktemp("files"), "sqlite", None)


@pytest.fixture
def site(templates: Templates, tmp_path: pathlib.Path) -> Site:
    """Have a database at r3 and a working copy of its own for one test."""
    made = Site(tmp_path, templates)
    made.at("r3")
    made.own_project()
    return made


def files(site: Site) -> dict[str, str]:
    return {path.name: path.read_text() for path in site.project.versions.glob("*.py")}


def branch(site: Site, name: str, parent: str = "r4") -> None:
    site.project.revision(name, parent, f'op.create_table("of_{name}", sa.Column("id", sa.Integer, primary_key=True))')


def test_heads_are_merged(site: Site) -> None:
    names = ("left", "middle", "right")
    for name in names:
        branch(site, name)
    before = files(site)
    planned = site.repair("merge_heads", check=True)
    assert (planned["changed"], files(site)) == (True, before)
    done = site.repair("merge_heads")
    assert done.get("changed") is True, done
    (path,) = done["files"]
    assert {name: text for name, text in files(site).items() if name != pathlib.Path(path).name} == before
    assert site.project.alembic("heads", url=site.url).split() == [done["after"][0], "(head)"]
    site.project.alembic("upgrade", "head", url=site.url)
    assert {f"of_{name}" for name in names} < set(contents(site.url))
    again = site.repair("merge_heads")
    assert (again["changed"], again["after"]) == (False, done["after"])


def test_heads_that_change_the_same_object_are_not_merged(site: Site) -> None:
    for name, size in (("left", 90), ("right", 99)):
        body = (
            f'with op.batch_alter_table("visitor") as batch:\n    batch.alter_column("name", type_=sa.String({size}))'
        )
        site.project.revision(name, "r4", body)
    before = files(site)
    refused = site.repair("merge_heads")
    assert refused["kind"] == "not_proven" and "column visitor.name" in refused["msg"]
    assert files(site) == before


def test_heads_that_cannot_be_built_together_are_not_merged(site: Site) -> None:
    branch(site, "left")
    site.project.revision("right", "r4", 'op.create_table("of_left", sa.Column("id", sa.Integer))')
    before = files(site)
    refused = site.repair("merge_heads")
    assert refused["kind"] == "not_proven" and "already exists" in refused["msg"]
    assert files(site) == before


def test_a_chain_whose_missing_revision_changed_nothing(site: Site) -> None:
    site.project.revision("empty", "r4", "pass")
    site.project.revision("r5", "empty", 'op.add_column("visitor", sa.Column("shoe", sa.Integer))')
    site.project.alembic("upgrade", "r5", url=site.url)
    (site.project.versions / "empty.py").unlink()
    broken = site.repair("stamp")
    assert broken["kind"] == "broken_chain" and "reparent" in broken["msg"]
    before = files(site)
    planned = site.repair("reparent", check=True)
    assert (planned.get("changed"), files(site)) == (True, before), planned
    done = site.repair("reparent")
    assert done.get("changed") is True, done
    now = files(site)
    assert {name for name in now if now[name] != before[name]} == {"r5.py"}
    assert "down_revision = 'r4'" in now["r5.py"]
    assert pathlib.Path(done["backup"]).read_text() == before["r5.py"]
    assert done["diagnosis"]["cause"] == "none"
    assert site.repair("reparent")["changed"] is False
    site.project.alembic("upgrade", "head", url=site.url)


def test_a_chain_whose_missing_revision_made_something(site: Site) -> None:
    site.project.alembic("upgrade", "r4", url=site.url)
    (site.project.versions / "r3.py").unlink()
    before = files(site)
    refused = site.repair("reparent")
    assert refused["kind"] == "not_proven" and "r2" in refused["msg"]
    assert "visit" in refused["text"]
    assert files(site) == before


def test_the_record_of_the_missing_revision_is_no_proof(site: Site) -> None:
    (site.project.versions / "r3.py").unlink()
    refused = site.repair("reparent")
    assert (refused["kind"], refused["diagnosis"]["cause"]) == ("not_proven", "ahead_of_code")


def test_files_of_a_release_are_left_alone(site: Site) -> None:
    branch(site, "left")
    branch(site, "right")
    (site.base / "project" / ".release.json").write_text("{}")
    before = files(site)
    for action in ("merge_heads", "reparent"):
        assert "working copy" in site.repair(action)["msg"]
    assert files(site) == before


def test_two_broken_revisions_want_a_name(site: Site) -> None:
    site.project.revision("a", "gone", "pass")
    site.project.revision("b", "lost", "pass")
    assert "name one of them in child" in site.repair("reparent")["msg"]
    refused = site.repair("reparent", child="a", parent="a")
    assert "cannot come after" in refused["msg"]
    assert execute(site.url, "SELECT version_num FROM alembic_version") == [("r3",)]


def test_a_long_chain_is_replayed_once(site: Site) -> None:
    """What is kept of a shorter chain is the beginning of the longer one, and what is damaged is replayed."""
    folder = site.base / "kept"
    site.repair("stamp", cache_path=str(folder))
    assert len(list(folder.iterdir())) == 1
    site.project.revision("r5", "r4", 'op.add_column("visitor", sa.Column("shoe", sa.Integer))')
    assert site.repair("stamp", cache_path=str(folder))["diagnosis"]["cause"] == "none"
    assert len(list(folder.iterdir())) == 2
    for path in folder.iterdir():
        path.write_text("{damaged")
    assert site.repair("stamp", cache_path=str(folder))["diagnosis"]["cause"] == "none"


def test_a_project_with_one_transaction_around_everything(site: Site) -> None:
    """Nobody could look at the catalog in between: each revision gets a run of its own."""
    env = site.project.path / "migrations" / "env.py"
    text = env.read_text()
    assert "with engine.connect() as" in text
    env.write_text(text.replace("with engine.connect() as", "with engine.begin() as"))
    told = site.repair("stamp", cache_path=None)["diagnosis"]
    assert (told["cause"], told["heads"]) == ("none", ["r3"])
