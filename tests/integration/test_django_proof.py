# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations of Django that are recorded without being run: where the catalog proves them, and nowhere else (control node)."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest

from tests.support.django_project import Project, django_python
from tests.support.module import run_module


class Proof:
    """A migrated project whose record can be changed."""

    def __init__(self, base: pathlib.Path, database: t.Any) -> None:
        self.database = database
        self.project = Project(base / "project")
        self.project.migration(
            "0002_note",
            """
            migrations.AddField("Thing", "note", models.CharField(max_length=20, null=True)),
            migrations.AddIndex("Thing", models.Index(fields=["name"], name="by_name")),
            """,
            "0001_initial",
        )
        self.project.migration("0003_rows", 'migrations.RunSQL("UPDATE things_thing SET note = name"),', "0002_note")
        self.params = {
            "chdir": str(self.project.path),
            "python": django_python(),
            "environment": {"DATABASE_URL": database.url},
            "bridge_path": str(base / "bridge"),
            "cache_path": str(base / "replays"),
            "login_url": database.admin_url,
        }
        subprocess.run(
            [django_python(), "manage.py", "migrate", "--verbosity", "0"],
            cwd=self.project.path,
            env={"DATABASE_URL": database.url},
            check=True,
        )

    def forget(self, *names: str) -> None:
        for name in names:
            self.database.execute(f"DELETE FROM django_migrations WHERE app = 'things' AND name = '{name}'")

    def recorded(self) -> list[str]:
        rows = self.database.execute("SELECT name FROM django_migrations WHERE app = 'things' ORDER BY name")
        return [name for (name,) in rows]

    def migrate(self, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        return run_module("django_migrate", {**self.params, **more}, check)

    def history(self) -> dict[str, t.Any]:
        found = run_module("django_info", {**self.params, "history": "proven"})
        assert "history" in found, found["_output"]
        return found["history"]


@pytest.fixture
def proof(database: t.Any, tmp_path: pathlib.Path) -> Proof:
    """Make a project whose three migrations are applied."""
    return Proof(tmp_path, database)


def test_what_is_applied_and_not_recorded_may_be_recorded(proof: Proof) -> None:
    nothing = {"unrecorded": [], "never_applied": [], "halfway": [], "unseen": ["things.0003_rows"], "stopped": ""}
    assert proof.history() == nothing
    proof.forget("0002_note", "0003_rows")
    assert proof.history() == {**nothing, "unrecorded": ["things.0002_note"]}
    done = proof.migrate(app="things", name="0002", fake="proven")
    assert done.get("changed") is True, done["_output"]
    assert proof.recorded() == ["0001_initial", "0002_note"]
    assert proof.migrate(app="things", name="0002", fake="proven")["changed"] is False
    refused = proof.migrate(app="things", name="0003", fake="proven")
    assert (refused["kind"], proof.recorded()) == ("not_proven", ["0001_initial", "0002_note"])
    assert "changes rows" in refused["msg"]


def test_what_is_there_in_part_may_not_be_recorded(proof: Proof) -> None:
    proof.forget("0002_note", "0003_rows")
    proof.database.execute("DROP INDEX by_name")
    assert proof.history()["halfway"] == ["things.0002_note"]
    for check in (True, False):
        refused = proof.migrate(check=check, app="things", name="0002", fake="proven")
        assert refused.get("kind") == "not_proven", refused["_output"]
        assert [one["object"] for one in refused["differences"]] == ["public.by_name"]
    assert proof.recorded() == ["0001_initial"]


def test_what_is_recorded_and_was_never_applied_is_told(proof: Proof) -> None:
    proof.database.execute("ALTER TABLE things_thing DROP COLUMN note")
    proof.database.execute("DROP INDEX by_name")
    assert proof.history()["never_applied"] == ["things.0002_note"]


def test_a_first_migration_is_recorded_where_all_of_it_is_there(proof: Proof) -> None:
    proof.forget("0001_initial", "0002_note", "0003_rows")
    proof.database.execute("ALTER TABLE things_thing DROP COLUMN note")
    proof.database.execute("DROP INDEX by_name")
    proof.database.execute("ALTER TABLE things_thing ALTER COLUMN name TYPE varchar(49)")
    refused = proof.migrate(app="things", name="0001", fake_initial="proven")
    assert refused.get("kind") == "not_proven", refused["_output"]
    assert [(one["object"], one["what"]) for one in refused["differences"]] == [("public.things_thing.name", "type")]
    proof.database.execute("ALTER TABLE things_thing ALTER COLUMN name TYPE varchar(50)")
    done = proof.migrate(fake_initial="proven")
    assert done.get("changed") is True, done["_output"]
    assert [(one["id"], one["faked"]) for one in done["applied"]] == [
        ("things.0001_initial", True),
        ("things.0002_note", False),
        ("things.0003_rows", False),
    ]
