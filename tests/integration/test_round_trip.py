# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pending migrations are taken back on the scratch copy and applied again (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.support.django_calls import Migrate
from tests.support.django_project import Project, django_python
from tests.support.module import run_module
from tests.support.rehearsals import Rehearse
from tests.support.revisions import Revisions

COLUMN = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
#: Operation, what came of it, and what is said of it.
DJANGO = {
    "complete": (COLUMN, "complete", ""),
    "left behind": (
        'migrations.RunSQL("ALTER TABLE things_thing ADD kept int", migrations.RunSQL.noop),',
        "incomplete",
        "kept",
    ),
    "irreversible": ('migrations.RunSQL("ALTER TABLE things_thing ADD kept int"),', "irreversible", "reversible"),
    "failing": (
        'migrations.RunSQL("ALTER TABLE things_thing ADD kept int", "DROP TABLE nowhere"),',
        "failed",
        "nowhere",
    ),
}


def outcomes(result: dict[str, t.Any]) -> dict[str, str]:
    return {one["migration"]: one["outcome"] for one in result["round_trip"]}


@pytest.mark.parametrize("case", DJANGO)
def test_a_django_migration(tmp_path: pathlib.Path, database: t.Any, case: str) -> None:
    operation, outcome, said = DJANGO[case]
    project = Project(tmp_path / "project")
    Migrate(project, django_python(), database.url, tmp_path)()
    rehearse = Rehearse(project, database, tmp_path)
    rehearse.live()
    project.migration("0002_change", operation, "0001_initial")
    project.migration(
        "0003_more", 'migrations.AddField("thing", "more", models.IntegerField(null=True)),', "0002_change"
    )
    result = rehearse(round_trip=True)
    assert outcomes(result) == {"things.0002_change": outcome, "things.0003_more": "complete"}, result
    told = "\n".join(result["table"])
    assert "Taken back and applied again:" in told and said in told


def test_nothing_is_taken_back_unasked(tmp_path: pathlib.Path, database: t.Any) -> None:
    project = Project(tmp_path / "project")
    Migrate(project, django_python(), database.url, tmp_path)()
    rehearse = Rehearse(project, database, tmp_path)
    rehearse.live()
    project.migration("0002_change", COLUMN, "0001_initial")
    assert rehearse()["round_trip"] == []


@pytest.mark.parametrize("engine", ["postgresql", "sqlite"])
def test_revisions_of_alembic(tmp_path: pathlib.Path, database: t.Any, engine: str) -> None:
    url = database.url if engine == "postgresql" else f"sqlite:////{str(tmp_path / 'data.db').lstrip('/')}"
    project = Revisions(tmp_path / "project", url)
    project.revision("first", None, 'op.create_table("thing", sa.Column("id", sa.Integer, primary_key=True))')
    project.alembic("upgrade", "head")
    column = 'op.add_column("thing", sa.Column("{0}", sa.Text))'
    project.revision("kept", "first", column.format("kept"))
    whole = project.revision("whole", "kept", column.format("whole"))
    back = "def downgrade():\n    with op.batch_alter_table('thing') as batch:\n        batch.drop_column('whole')\n"
    whole.write_text(whole.read_text().partition("def downgrade")[0] + back)
    params = {
        **project.params,
        "framework": "alembic",
        "bridge_path": str(tmp_path / "bridge"),
        "login_url": database.admin_url if engine == "postgresql" else url,
        "database_name": database.name if engine == "postgresql" else "main",
        "client_path": str(database.server.bin_dir),
        "path": str(tmp_path / "srv"),
        "round_trip": True,
    }
    result = run_module("migration_rehearse", params)
    assert outcomes(result) == {"kept": "incomplete", "whole": "complete"}, result
    (kept,) = [one for one in result["round_trip"] if one["migration"] == "kept"]
    assert any("kept" in line for line in kept["differences"])
