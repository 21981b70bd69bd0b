# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsing, migrating and undoing Alembic revisions on real SQLite files (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.support import sqlite
from tests.support.alembic_calls import ASYNCHRONOUS, Upgrade, driver, ids
from tests.support.alembic_project import MODELS, USERS, Project
from tests.support.alembic_python import alembic_python
from tests.support.module import run_module
from tests.support.rehearsals import live_release

NOTE = '    sa.Column("note", sa.Text),\n'
#: Copies the table to one where names are unique, which they are not; the index is made by a statement of its own before.
UNIQUE = """
op.create_index("by_name", "users", ["name"])
with op.batch_alter_table("users") as users:
    users.create_unique_constraint("name_once", ["name"])
"""


class Site:
    """A project on a file, whose first revision is live and has rows."""

    def __init__(self, base: pathlib.Path, age: str = "newest", name: str = "") -> None:
        self.base, self.file = base, base / "shared" / "db.sqlite3"
        self.file.parent.mkdir()
        self.url = f"sqlite:///{self.file}"
        self.project = Project(base / "project", age)
        if name:
            self.url = driver(self.url, name)
            self.project.write("migrations/env.py", ASYNCHRONOUS)
        self.project.revision("a1", None, USERS, 'op.drop_table("users")')
        self.upgrade = Upgrade(self.project, self.url, base)
        self.upgrade()
        self.application = {
            "chdir": str(self.project.path),
            "python": alembic_python(age),
            "environment": {"DATABASE_URL": self.url},
        }
        live_release(base / "srv", self.application, "alembic_info")
        sqlite.ask(self.file, "INSERT INTO users (name) VALUES ('same'), ('same'), ('other')")

    def models(self, *columns: str) -> None:
        """Have the table of users have these columns too."""
        self.project.write("models.py", MODELS.rstrip()[:-1] + "".join(columns) + ")\n")

    def rehearse(self, **more: t.Any) -> dict[str, t.Any]:
        """Rehearse the pending revisions."""
        before = sqlite.digest(self.file)
        own = {"framework": "alembic", "bridge_path": str(self.base / "bridge"), "path": str(self.base / "srv")}
        options = {"login_url": self.url, "database_name": str(self.file), **self.application, **own, **more}
        result = run_module("migration_rehearse", options)
        assert sqlite.digest(self.file) == before and sqlite.beside(self.file) == []
        return result

    def fence(self, state: str, **more: t.Any) -> dict[str, t.Any]:
        """Close or open the fence around the file."""
        options = {"database": str(self.file), "state": state, "fence_id": "d1", "timeout": 0, **more}
        result = sqlite.call("sqlite_fence", options)
        assert not result.get("failed"), result
        return result


def catalog(path: str | pathlib.Path) -> list[tuple[t.Any, ...]]:
    """Read all objects and all rows of the table of users."""
    return [
        *sqlite.ask(path, "SELECT type, name, sql FROM sqlite_master ORDER BY name"),
        *sqlite.ask(path, "SELECT * FROM users"),
    ]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.mark.parametrize(
    ("age", "name"), [("newest", ""), ("oldest", ""), ("newest", "aiosqlite"), ("oldest", "aiosqlite")]
)
def test_a_nullable_column_is_proven_on_the_rows_themselves(tmp_path, age, name):
    site = Site(tmp_path, age, name)
    site.project.revision("a2", "a1", 'op.add_column("users", sa.Column("note", sa.Text))')
    site.models(NOTE)
    result = site.rehearse(strategy="online")
    assert (result.get("strategy"), result.get("rehearsal")) == ("online", "data"), result
    assert [one["compatibility"] for one in result["verdicts"]] == ["expand"] and result["now"] == ["a2"]
    before = sqlite.digest(site.file)
    assert ids(site.upgrade(check_mode=True)["plan"]) == ["a2"] and sqlite.digest(site.file) == before
    assert ids(site.upgrade()["applied"]) == ["a2"] and sqlite.count(site.file, "users") == 3


@pytest.mark.parametrize("age", ["newest", "oldest"])
def test_arguments_that_a_revision_reads(tmp_path, age):
    site, x = Site(tmp_path, age), ["column=note", "data=true"]
    read = "from alembic import context\nx = context.get_x_argument(as_dictionary=True)\n"
    site.project.revision("a2", "a1", read + 'op.add_column("users", sa.Column(x["column"], sa.Text))')
    site.models(NOTE)
    assert "KeyError: 'column'" in site.upgrade.fails().msg
    assert "ADD COLUMN note TEXT" in site.project.info(site.url, x=x)["plan"][0]["sql"][0]
    result = site.rehearse(x=x)
    assert [one["compatibility"] for one in result["verdicts"]] == ["expand"], result
    assert ids(site.upgrade(x=x)["applied"]) == ["a2"] and sqlite.count(site.file, "users") == 3
    assert site.project.info(site.url, x=x)["drift"] == []


@pytest.mark.parametrize("age", ["newest", "oldest"])
def test_arguments_that_an_environment_of_flask_reads(tmp_path, age):
    project = Project(tmp_path / "project", age, flask=True)
    env = project.path / "migrations" / "env.py"
    env.write_text(
        env.read_text() + '\nassert context.get_x_argument() == ["tenant=a", "b"], context.get_x_argument()\n'
    )
    project.revision("a1", None, USERS)
    upgrade = Upgrade(project, f"sqlite:///{tmp_path}/db.sqlite3", tmp_path)
    assert "AssertionError: []" in upgrade.fails(app="shop", check_mode=True).msg
    assert ids(upgrade(app="shop", x=["tenant=a", "b"])["applied"]) == ["a1"]


def test_rows_that_a_revision_cannot_stand_are_named(site):
    site.project.revision("a2", "a1", UNIQUE)
    result = site.rehearse()
    assert result["failed"] and result["kind"] == "broken", result
    assert "2 rows have the same value in users.name" in result["msg"] and "(primary key 1, 2)" in result["msg"]


def test_half_of_a_revision_is_undone_by_the_copy(site):
    site.project.revision("a2", "a1", UNIQUE)
    before = catalog(site.file)
    closed = site.fence("closed")
    error = site.upgrade.fails(database_name=closed["fenced_name"])
    assert "a2" in error.msg and not error.result["failure"]["rolled_back"], error.result
    assert catalog(closed["fenced_name"]) != before, "SQLite took it back by itself: the test proves nothing"
    assert site.fence("open", restore=True)["restored"]
    assert catalog(site.file) == before
    assert ids(site.upgrade(check_mode=True)["plan"]) == ["a2"]
