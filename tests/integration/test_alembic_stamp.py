# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions that are put on record without being run: where the catalog proves it, and nowhere else (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import typing as t

import psycopg2
import pytest

from tests.support import sqlite
from tests.support.alembic_calls import Upgrade
from tests.support.alembic_project import USERS, Project

NOTE = """
with op.batch_alter_table("users") as users:
    users.add_column(sa.Column("note", sa.String(20)))
op.create_index("by_name", "users", ["name"])
"""
NO_NOTE = """
op.drop_index("by_name", "users")
with op.batch_alter_table("users") as users:
    users.drop_column("note")
"""


class Proof:
    """A migrated project on PostgreSQL or SQLite, whose record and catalog can be changed."""

    def __init__(self, base: pathlib.Path, database: t.Any) -> None:
        self.file, self.server = base / "app.sqlite3", database
        project = Project(base / "project")
        project.revision("a1", None, USERS, 'op.drop_table("users")')
        project.revision("a2", "a1", NOTE, NO_NOTE)
        project.revision("a3", "a2", 'op.execute("UPDATE users SET note = name")')
        self.upgrade = Upgrade(project, database.url if database else f"sqlite:///{self.file}", base)
        self.upgrade()
        self.proof = {"stamp": "proven", "cache_path": str(base / "replays")}
        if database:
            self.proof["login_url"] = database.admin_url

    def run(self, statement: str) -> list[tuple[t.Any, ...]]:
        return self.server.execute(statement) if self.server else sqlite.ask(self.file, statement)

    def record(self, revision: str) -> None:
        """Put another revision on record, or none."""
        self.run(
            "DROP TABLE alembic_version" if not revision else f"UPDATE alembic_version SET version_num = '{revision}'"
        )

    def recorded(self) -> list[str]:
        with contextlib.suppress(psycopg2.Error, sqlite3.Error):
            return [name for (name,) in self.run("SELECT version_num FROM alembic_version")]
        return []

    def stamp(self, revision: str, check_mode: bool = False) -> dict[str, t.Any]:
        return self.upgrade(check_mode, revision=revision, **self.proof)

    def refused(self, revision: str) -> dict[str, t.Any]:
        """What a stamp says that is refused as not proven, and leaves the record alone."""
        before = self.recorded()
        error = self.upgrade.fails(revision=revision, **self.proof)
        assert error.result["kind"] == "not_proven" and self.recorded() == before
        return {"msg": error.msg, **error.result}


@pytest.fixture(params=["postgresql", "sqlite"])
def proof(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Proof:
    """Make a database to which all three revisions are applied."""
    return Proof(tmp_path, request.getfixturevalue("database") if request.param == "postgresql" else None)


def test_what_is_there_without_a_record_may_be_recorded(proof: Proof) -> None:
    proof.record("")
    refused = proof.refused("head")
    assert "a3 changes rows" in refused["msg"] and "record it with stamp=record" in refused["msg"]
    planned = proof.stamp("a2", check_mode=True)
    assert planned["changed"] and proof.recorded() == []
    done = proof.stamp("a2")
    assert [(one["id"], one["faked"]) for one in done["applied"]] == [("a1", True), ("a2", True)]
    assert proof.recorded() == ["a2"] and not proof.stamp("a2")["changed"]


def test_what_is_there_in_part_is_refused_with_the_differences(proof: Proof) -> None:
    proof.record("a1")
    proof.run("DROP INDEX by_name")
    refused = proof.refused("a2")
    assert "only a part of what a2 makes" in refused["msg"]
    assert [one["object"].rpartition(".")[2] for one in refused["differences"]] == ["by_name"]
    assert proof.upgrade.fails(revision="a2", check_mode=True, **proof.proof).result["kind"] == "not_proven"


def test_a_record_is_taken_back_where_nothing_of_it_is_there(proof: Proof) -> None:
    """Stamped too far."""
    proof.record("a2")
    proof.run("DROP INDEX by_name")
    refused = proof.refused("a1")
    assert "has a part of what a2 makes" in refused["msg"] and "note" in refused["text"]
    proof.run("ALTER TABLE users DROP COLUMN note")
    done = proof.stamp("a1")
    assert [(one["id"], one["backwards"], one["faked"]) for one in done["applied"]] == [("a2", True, True)]
    assert proof.recorded() == ["a1"]
