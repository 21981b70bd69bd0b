# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_rehearse with real Alembic projects on a real PostgreSQL (control node)."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from tests.support.alembic_calls import ASYNCHRONOUS, Upgrade, driver
from tests.support.alembic_project import MODELS, USERS, Project
from tests.support.alembic_python import alembic_python
from tests.support.rehearsals import Rehearse, live_release

NOTE = '    sa.Column("note", sa.Text),\n'


class RehearseAlembic(Rehearse):
    """Calls the module for an Alembic project whose first release is live."""

    def __init__(self, project: Project, database: t.Any, base: pathlib.Path, url: str) -> None:
        self.project, self.database, self.base, self.root = project, database, base, base / "srv"  # type: ignore[assignment]
        self.application = {
            "chdir": str(project.path),
            "python": alembic_python(project.age),
            "environment": {"DATABASE_URL": url},
        }
        self.params = {
            **self.application,
            "framework": "alembic",
            "bridge_path": str(base / "bridge"),
            "login_url": database.admin_url,
            "database_name": database.name,
            "client_path": str(database.server.bin_dir),
            "path": str(self.root),
        }

    def live(self) -> None:
        live_release(self.root, self.application, "alembic_info")

    def models(self, *columns: str) -> None:
        """Have the table of users have these columns too."""
        self.project.write("models.py", MODELS.rstrip()[:-1] + "".join(columns) + ")\n")


def prepared(database: t.Any, base: pathlib.Path, age: str = "newest", name: str = "") -> RehearseAlembic:
    """Give a project, migrated, whose release is live. name: of an asynchronous driver."""
    project = Project(base / "project", age)
    if name:
        project.write("migrations/env.py", ASYNCHRONOUS)
    url = driver(database.url, name) if name else database.url
    project.revision("a1", None, USERS, 'op.drop_table("users")')
    Upgrade(project, url, base)()
    rehearse = RehearseAlembic(project, database, base, url)
    rehearse.live()
    return rehearse


@pytest.fixture
def rehearse(tmp_path: pathlib.Path, database: t.Any) -> RehearseAlembic:
    """Write a project, migrate it, and take it for the live release."""
    return prepared(database, tmp_path)


@pytest.mark.parametrize(("age", "name"), [("oldest", ""), ("oldest", "asyncpg"), ("newest", "asyncpg")])
def test_a_nullable_column_is_online(age: str, name: str, tmp_path: pathlib.Path, database: t.Any) -> None:
    rehearse = prepared(database, tmp_path, age, name)
    rehearse.project.revision("a2", "a1", 'op.add_column("users", sa.Column("note", sa.Text))')
    rehearse.models(NOTE)
    result = rehearse(strategy="online")
    assert (result["strategy"], result["rehearsal"]) == ("online", "schema"), result
    assert [verdict["compatibility"] for verdict in result["verdicts"]] == ["expand"], result["verdicts"]
    assert result["now"] == ["a2"] and result["verdicts"][0]["old_release"] == "r1"
    assert result["statements"][0]["sql"][0] == "ALTER TABLE users ADD COLUMN note TEXT"


def test_one_transaction_is_seen_to_hold_it_or_not(rehearse: RehearseAlembic) -> None:
    wanted = {"one_transaction": True, "strategy": "maintenance"}
    rehearse.project.revision("a2", "a1", 'op.add_column("users", sa.Column("note", sa.Text))')
    rehearse.models(NOTE)
    assert rehearse(**wanted)["one_transaction"] is True
    alone = 'with op.get_context().autocommit_block():\n        op.execute("VACUUM users")'
    rehearse.project.revision("a3", "a2", alone)
    assert rehearse(**wanted)["one_transaction"] is False


AGE = 'op.add_column("users", sa.Column("age", sa.Integer, nullable=False))'


@pytest.mark.parametrize(("back", "proven"), [('op.drop_column("users", "age")', True), ("pass", False)])
def test_what_only_adds_can_be_taken_back(rehearse: RehearseAlembic, back: str, proven: bool) -> None:
    rehearse.project.revision("a2", "a1", AGE, back)
    rehearse.models('    sa.Column("age", sa.Integer, nullable=False),\n')
    result = rehearse(one_transaction=True, strategy="maintenance")
    assert [one["compatibility"] for one in result["verdicts"]] == ["blocking"], result["verdicts"]
    assert (result["one_transaction"], result["undo_proven"]) == (proven, proven), result


def test_verdicts_of_a_chain(rehearse: RehearseAlembic) -> None:
    rehearse.project.revision("a2", "a1", AGE)
    rehearse.models('    sa.Column("age", sa.Integer, nullable=False),\n')
    result = rehearse()
    assert [one["compatibility"] for one in result["verdicts"]] == ["blocking"], result["verdicts"]
    assert result["strategy"] == "maintenance" and "a2 is blocking" in result["reasons"][0]
    locks = json.dumps(result["verdicts"][0]["impact"])
    assert "AccessExclusiveLock" in locks and "public.users" in locks, locks


def test_a_dropped_column_waits_for_the_old_release(tmp_path: pathlib.Path, database: t.Any) -> None:
    rehearse = prepared(database, tmp_path)
    rehearse.project.revision("a2", "a1", 'op.alter_column("users", "name", nullable=True)')
    Upgrade(rehearse.project, database.url, tmp_path)()
    rehearse.project.revision("a3", "a2", 'op.drop_column("users", "name")')
    rehearse.project.write("models.py", MODELS.replace('    sa.Column("name", sa.String(50), nullable=False),\n', ""))
    result = rehearse()
    assert [one["compatibility"] for one in result["verdicts"]] == ["contract"], result["verdicts"]
    assert (result["strategy"], result["now"], result["later"]) == ("online", [], ["a3"])


@pytest.mark.parametrize("recreate", ["auto", "always"])
def test_a_batch_changes_the_schema_and_no_rows(recreate: str, rehearse: RehearseAlembic) -> None:
    batch = f'with op.batch_alter_table("users", recreate={recreate!r}) as batch:\n    '
    rehearse.project.revision("a2", "a1", f'{batch}batch.add_column(sa.Column("note", sa.Text))')
    rehearse.models(NOTE)
    result = rehearse()
    assert [one["compatibility"] for one in result["verdicts"]] == ["expand"], result["verdicts"]
    assert not result["escalate"] and "note" in str(result["statements"][0]["sql"])


def test_a_data_step_is_not_proven_on_empty_tables(rehearse: RehearseAlembic) -> None:
    rehearse.project.revision("a2", "a1", "op.execute(\"UPDATE users SET name = 'x'\")")
    result = rehearse()
    assert [one["compatibility"] for one in result["verdicts"]] == ["inconclusive"]
    assert result["strategy"] == "maintenance" and result["escalate"]


def test_a_revision_that_cannot_work_is_found_before_anything_is_touched(rehearse: RehearseAlembic) -> None:
    rehearse.project.revision("a2", "a1", 'op.add_column("users", sa.Column("name", sa.Text))')
    result = rehearse()
    assert result["failed"] and "migration a2 failed on a scratch copy of the schema" in result["msg"], result
    assert "operation 1 of 1 (add_column users.name)" in result["msg"] and "already exists" in result["msg"]


def test_other_databases_are_out_of_reach(rehearse: RehearseAlembic) -> None:
    other = rehearse.database.server.url("postgres")
    reach = f"sa.create_engine({other!r}).connect()"
    rehearse.project.revision("a2", "a1", reach)
    result = rehearse()
    assert "which is out of bounds here" in json.dumps(result), result


def test_flask_migrate_on_a_scratch_copy(tmp_path: pathlib.Path, database: t.Any) -> None:
    project = Project(tmp_path / "project", flask=True)
    project.revision("f1", None, USERS, 'op.drop_table("users")')
    upgrade = Upgrade(project, database.url, tmp_path)
    assert upgrade(app="shop")["after"] == ["f1"]
    rehearse = RehearseAlembic(project, database, tmp_path, database.url)
    rehearse.params["app"] = rehearse.application["app"] = "shop"
    rehearse.live()
    project.revision("f2", "f1", 'op.add_column("users", sa.Column("note", sa.Text))')
    assert [one["compatibility"] for one in rehearse()["verdicts"]] == ["either"]
