# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pending migrations are taken back on the scratch copy and applied again (control node)."""

from __future__ import annotations

import os
import pathlib
import tempfile
import typing as t

import pytest

from tests.integration.test_rehearsal_sandbox import possible, read_only
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


#: The way back of a migration that moves uploads.
MOVES = """
def f(apps, editor):
    open({path!r}, "w").close()
"""
CLOSED = pytest.mark.skipif(
    not (possible() and read_only()), reason="needs root, the right to make a namespace, and Linux 5.12"
)


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


def alembic_params(project: Revisions, database: t.Any, path: pathlib.Path) -> dict[str, t.Any]:
    return {
        **project.params,
        "framework": "alembic",
        "bridge_path": str(path / "bridge"),
        "login_url": database.admin_url,
        "database_name": database.name,
        "client_path": str(database.server.bin_dir),
        "path": str(path / "srv"),
        "round_trip": True,
    }


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
    elsewhere = {} if engine == "postgresql" else {"login_url": url, "database_name": "main"}
    result = run_module("migration_rehearse", {**alembic_params(project, database, tmp_path), **elsewhere})
    assert outcomes(result) == {"kept": "incomplete", "whole": "complete"}, result
    (kept,) = [one for one in result["round_trip"] if one["migration"] == "kept"]
    assert any("kept" in line for line in kept["differences"])


@pytest.fixture
def uploads() -> t.Iterator[pathlib.Path]:
    """Make a folder that a rehearsal may not write to."""
    with tempfile.TemporaryDirectory(dir="/opt") as folder:
        yield pathlib.Path(folder)


def kept_away(result: dict[str, t.Any], uploads: pathlib.Path) -> None:
    """Expect that the way back was not let near the uploads, and that this is told as a thing of the rehearsal."""
    (one,) = result["round_trip"]
    assert one["outcome"] == "failed" and "Read-only file system" in one["problem"], result
    assert "a rehearsal keeps files away, so that it may well work in production" in one["problem"]
    assert os.listdir(uploads) == []


@CLOSED
def test_a_way_back_writes_no_file(tmp_path: pathlib.Path, database: t.Any, uploads: pathlib.Path) -> None:
    project = Project(tmp_path / "project")
    Migrate(project, django_python(), database.url, tmp_path)()
    rehearse = Rehearse(project, database, tmp_path)
    rehearse.live()
    moves = MOVES.format(path=str(uploads / "moved"))
    project.migration(
        "0002_change", "migrations.RunPython(migrations.RunPython.noop, f),", "0001_initial", before=moves
    )
    kept_away(rehearse(round_trip=True), uploads)


@CLOSED
def test_a_downgrade_writes_no_file(tmp_path: pathlib.Path, database: t.Any, uploads: pathlib.Path) -> None:
    project = Revisions(tmp_path / "project", database.url)
    project.revision("first", None, 'op.create_table("thing", sa.Column("id", sa.Integer, primary_key=True))')
    project.alembic("upgrade", "head")
    moved = project.revision("moved", "first", 'op.add_column("thing", sa.Column("moved", sa.Text))')
    back = f"def downgrade():\n    open({str(uploads / 'moved')!r}, 'w').close()\n"
    moved.write_text(moved.read_text().partition("def downgrade")[0] + back)
    kept_away(run_module("migration_rehearse", alembic_params(project, database, tmp_path)), uploads)
