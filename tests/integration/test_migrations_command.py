# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of migration authors, with a Python that has no Ansible, on real projects (control node)."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import typing as t

import pytest

from tests.support.alembic_python import alembic_python
from tests.support.author_project import MODELS, MORE_MODELS, Project, plain
from tests.support.paths import CHECKOUT

FIRST = """
from alembic import op
import sqlalchemy as sa

revision = "first"
down_revision = None


def upgrade():
    op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), server_default="a:b"))


def downgrade():
    op.drop_table("users")
"""
SECOND = """
from alembic import op
import sqlalchemy as sa

revision = "second"
down_revision = "first"


def upgrade():
    op.add_column("users", sa.Column("age", sa.Integer))
    op.create_index("ix_users_age", "users", ["age"])


def downgrade():
    op.drop_index("ix_users_age", "users")
    op.drop_column("users", "age")
"""
THIRD = SECOND.replace("second", "third", 1).replace('"first"', '"second"').replace("age", "mail")


def migrations(project: Project, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it with the project's own interpreter, which has no Ansible."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "PYTHON", "VIRTUAL"))}
    return subprocess.run(
        [str(CHECKOUT / "scripts" / "migrations"), arguments[0], "-C", str(project.path), *arguments[1:]],
        env={**kept, "MIGRATIONS_PYTHON": str(project.bin / "python"), "VIRTUAL_ENV": str(project.bin.parent), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def said(project: Project, *arguments: str, **environment: str) -> str:
    done = migrations(project, *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(project: Project, *arguments: str, **environment: str) -> str:
    done = migrations(project, *arguments, **environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    made = plain(tmp_path, "newest")
    (made.path / "models.py").write_text(
        MODELS + MORE_MODELS.partition("\n\n")[0] + "\n    mail = sa.Column(sa.Integer)\n"
    )
    write(made, FIRST, SECOND, THIRD)
    return made


def write(project: Project, *texts: str) -> None:
    for number, text in enumerate(texts):
        (project.path / "db" / "changes" / "versions" / f"{number}_x.py").write_text(text)


def revisions(project: Project) -> list[str]:
    return sorted(path.name for path in (project.path / "db" / "changes" / "versions").glob("*.py"))


def test_files_are_checked_without_an_environment_and_without_a_database(project: Project) -> None:
    nowhere = {"VIRTUAL_ENV": "/nowhere"}

    whole = said(project, "check", **nowhere)
    (project.path / "db" / "changes" / "versions" / "1_x.py").unlink()
    broken = refused(project, "check", **nowhere)

    assert "Revisions: 3, heads: third" in whole
    assert "stop: " in broken and "names second, and no revision file has that id" in broken
    assert not project.database.exists()
    assert "names second" in refused(project, "safe-upgrade")


def test_a_history_from_an_empty_file_to_one_base(project: Project) -> None:
    assert "Pending:   first, second, third" in said(project, "status")
    assert "CREATE TABLE users" in said(project, "safe-upgrade", "--dry-run")
    assert said(project, "safe-upgrade", "second").count("Applied ") == 2
    with sqlite3.connect(project.database) as connection:
        connection.execute("INSERT INTO users (id) VALUES (1)")
    project.record("")

    assert "no revision on record, as create_all leaves it" in refused(project, "status")
    assert "nothing is on record, and the catalog is that of second" in refused(project, "validate")
    upgraded = said(project, "safe-upgrade")
    assert "Is recorded: second, before: nothing" in upgraded and "Applied third" in upgraded
    assert "the catalog is that of third, as recorded" in said(project, "validate")

    schema = project.schema()
    assert "Would prune 2 revisions up to second" in said(project, "prune", "second", "--dry-run")
    assert revisions(project) == ["0_x.py", "1_x.py", "2_x.py"]
    said(project, "prune", "second")
    assert revisions(project) == ["2_x.py", "second_base.py"]
    assert "Nothing to prune" in said(project, "prune", "second")
    assert "the catalog is that of third, as recorded" in said(project, "validate")
    assert project.schema() == schema
    with sqlite3.connect(project.database) as connection:
        assert connection.execute("SELECT name FROM users").fetchall() == [("a:b",)]
    project.database.unlink()
    project.run("alembic", "upgrade", "heads")
    assert [row[:2] for row in project.schema()] == [row[:2] for row in schema]
    assert len(list((project.path / ".migration-backups").glob("*_x.py.*"))) == 2


def test_arguments_of_env_are_handed_over(project: Project) -> None:
    env = project.path / "db" / "changes" / "env.py"
    asks = 'from alembic import context\nassert context.get_x_argument() == ["tenant=north", "b"], context.get_x_argument()\n'
    env.write_text(asks + env.read_text())
    assert "AssertionError" in refused(project, "status")
    given = ("-x", "tenant=north", "-x", "b")
    assert said(project, "safe-upgrade", *given).count("Applied ") == 3
    assert "Pending:   nothing" in said(project, "status", *given)


def test_a_record_is_reset_by_proof_or_by_the_name_of_the_database(project: Project) -> None:
    said(project, "safe-upgrade")
    project.record("gone")

    assert "has gone on record" in refused(project, "safe-upgrade", "--unproven")
    assert "Is recorded: third, before: gone" in said(project, "reset-heads")
    assert "The record is right already." in said(project, "reset-heads")
    project.record("first")
    assert "without any proof" in refused(project, "reset-heads", "--confirm", "other.sqlite3")
    assert "Is recorded: third, before: first" in said(project, "reset-heads", "--confirm", project.database.name)


def test_what_cannot_be_one_base_is_refused(project: Project) -> None:
    fork = SECOND.replace("second", "fork", 1).replace("age", "size")
    write(project, FIRST, SECOND, THIRD, fork)

    assert "there are 2 heads" in refused(project, "prune")
    assert "fork comes after first, which would be pruned, and not after third" in refused(project, "prune", "third")
    assert "there are 2 heads" in refused(project, "safe-upgrade")
    merged = said(project, "merge-heads", "--message", "both")
    assert "Wrote: " in merged and len(revisions(project)) == 5
    rows = FIRST.replace(
        "\n\ndef downgrade", '    op.execute("INSERT INTO users (id) VALUES (7)")\n\n\ndef downgrade', 1
    )
    write(project, rows)
    assert "first change rows, which a base made of a catalog leaves out" in refused(project, "prune", "--dry-run")
    told = json.loads(said(project, "prune", "--dry-run", "--accept-rows", "--json"))
    assert told["changed"] and len(told["pruned"]) == 5 and len(revisions(project)) == 5


def test_a_base_for_postgresql_builds_the_same(project: Project, database: t.Any) -> None:
    url = database.url.replace("postgresql:", "postgresql+psycopg2:").replace("%", "%%")
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace(f"sqlite:///{project.database}", url))
    enum = 'sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True), sa.Column("color", sa.Enum("a", "b", name="color"))'
    write(project, FIRST.replace('sa.Column("id", sa.Integer, primary_key=True)', enum), SECOND, THIRD)

    asked = refused(project, "prune")
    done = said(project, "safe-upgrade", MIGRATIONS_ADMIN_URL=database.admin_url)
    pruned = said(project, "prune", MIGRATIONS_ADMIN_URL=database.admin_url)
    proven = said(project, "validate", MIGRATIONS_ADMIN_URL=database.admin_url)

    assert "MIGRATIONS_ADMIN_URL" in asked and database.password not in asked
    assert "Recorded:  third" in done and "Pruned 3 revisions up to third" in pruned
    assert "the catalog is that of third, as recorded" in proven and revisions(project) == ["third_base.py"]


def test_it_starts_by_a_link_and_says_how_it_is_called(tmp_path: pathlib.Path) -> None:
    link = tmp_path / "migrations"
    link.symlink_to(CHECKOUT / "scripts" / "migrations")
    python = alembic_python("newest")
    environment = {"PATH": os.environ["PATH"], "MIGRATIONS_PYTHON": python}

    done = subprocess.run([str(link), "--help"], env=environment, capture_output=True, text=True, check=False)
    wrong = subprocess.run([str(link)], env=environment, capture_output=True, check=False)

    assert done.returncode == 0 and "safe-upgrade" in done.stdout
    assert wrong.returncode == 2
    assert shutil.which("ansible", path=str(pathlib.Path(python).parent)) is None
