# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The helpers and the template in real projects: installed by the playbook, written by autogenerate, run (control node)."""

from __future__ import annotations

import pathlib

import pytest

from tests.support.author_project import MODELS, MORE_FLASK, MORE_MODELS, Project, flask, plain


def test_alembic_project(tmp_path: pathlib.Path) -> None:
    project = plain(tmp_path, "oldest")
    folder = project.path / "db" / "changes"

    only_looked, installed, again = project.install("--check"), project.install(), project.install()

    assert (only_looked.rc, installed.rc, again.rc) == (0, 0, 0), installed.stdout
    assert (only_looked.changed, installed.changed, again.changed) == (2, 2, 0)
    assert len(list(folder.glob("script.py.mako.*~"))) == 1
    project.run("alembic", "revision", "--autogenerate", "-m", "users")
    project.run("alembic", "upgrade", "head")
    first = project.schema()
    project.record("")
    assert "table users is there with the same definition" in project.run("alembic", "upgrade", "head")
    assert project.schema() == first
    (project.path / "models.py").write_text(MODELS + MORE_MODELS)
    project.run("alembic", "revision", "--autogenerate", "-m", "orders")
    second = next(path for path in (folder / "versions").glob("*_orders.py")).read_text()
    assert "safe_create_table('orders'" in second and "safe_add_column('users'" in second and "op.create" not in second
    project.run("alembic", "upgrade", "head")
    project.run("alembic", "downgrade", "-1")
    assert [row[:2] for row in project.schema()] == [row[:2] for row in first]
    project.run("alembic", "downgrade", "base")
    assert [row[1] for row in project.schema() if row[0] == "table"] == ["alembic_version"]
    written = project.run("alembic", "revision", "-m", "by hand")
    assert (
        "by_hand.py" in written and "    safe_execute," in next((folder / "versions").glob("*_by_hand.py")).read_text()
    )
    project.run("alembic", "upgrade", "head")


@pytest.mark.long
def test_flask_migrate_project(tmp_path: pathlib.Path) -> None:
    project = flask(tmp_path, "newest")

    installed, again = project.install(), project.install()

    assert (installed.changed, again.changed) == (2, 0), installed.stdout
    project.run("flask", "db", "migrate", "-m", "users")
    project.run("flask", "db", "upgrade")
    (project.path / "app.py").write_text(
        (project.path / "app.py").read_text().replace("\n\ndef create_app", MORE_FLASK, 1)
    )
    project.run("flask", "db", "migrate", "-m", "age")
    assert (
        "with safe_batch_alter_table('users'"
        in next((project.path / "migrations" / "versions").glob("*_age.py")).read_text()
    )
    before, revision = project.schema(), project.revision()
    project.run("flask", "db", "upgrade")
    project.run("flask", "db", "check")
    after = project.schema()
    project.record(revision)
    assert "column age of table users is there with the same definition" in project.run("flask", "db", "upgrade")
    assert project.schema() == after
    project.run("flask", "db", "downgrade")
    assert [row[:2] for row in project.schema()] == [row[:2] for row in before]


def test_a_project_without_migrations_is_refused(tmp_path: pathlib.Path) -> None:
    project = Project(tmp_path / "empty", "newest")

    result = project.install()

    assert result.rc != 0
    assert "has no alembic.ini and no migrations/alembic.ini; correct it, or name the file" in " ".join(
        result.stdout.split()
    )


def test_a_template_for_several_databases_is_left_alone(tmp_path: pathlib.Path) -> None:
    project = Project(tmp_path / "several", "newest")
    project.run("alembic", "init", "--template", "multidb", "migrations")
    template = project.path / "migrations" / "script.py.mako"
    before = template.read_text()

    result = project.install()

    assert result.rc == 0 and result.changed == 1 and template.read_text() == before
    assert "is for several databases and stays as it is" in " ".join(result.stdout.split())
