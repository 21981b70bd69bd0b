# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""alembic_upgrade against real projects, the oldest and the newest Alembic, and a real PostgreSQL (control node)."""

from __future__ import annotations

import pathlib
import typing as t
from urllib.parse import quote

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal

from tests.support.alembic_calls import ASYNCHRONOUS, THINGS, Upgrade, driver, ids, tables
from tests.support.alembic_project import ENV, Project
from tests.support.module import run_module

NOTE = 'op.add_column("things", sa.Column("note", sa.Text))'
NO_NOTE = 'op.drop_column("things", "note")'


def chain(project: Project) -> None:
    """Write two revisions, one after the other."""
    project.revision("a1", None, THINGS, 'op.drop_table("things")')
    project.revision("a2", "a1", NOTE, NO_NOTE)


@pytest.fixture(params=["oldest", "newest"])
def upgrade(request: pytest.FixtureRequest, database: t.Any, tmp_path: pathlib.Path) -> Upgrade:
    """Give the module for a project with two revisions and a fresh database."""
    project = Project(tmp_path / "project", request.param)
    chain(project)
    return Upgrade(project, database.url, tmp_path)


@pytest.fixture
def oldest(database: t.Any, tmp_path: pathlib.Path) -> Upgrade:
    """The same with the oldest Alembic only, where one is enough."""
    project = Project(tmp_path / "project", "oldest")
    chain(project)
    return Upgrade(project, database.url, tmp_path)


@pytest.fixture
def newest(database: t.Any, tmp_path: pathlib.Path) -> Upgrade:
    """The same with the newest Alembic only."""
    project = Project(tmp_path / "project")
    chain(project)
    return Upgrade(project, database.url, tmp_path)


def test_what_is_named_is_taken_back(upgrade: Upgrade, database: t.Any) -> None:
    upgrade.project.revision(
        "b2", "a1", 'op.create_table("others", sa.Column("id", sa.Integer))', 'op.drop_table("others")'
    )
    upgrade.project.revision("m3", ("a2", "b2"))
    upgrade(revision="heads")
    refused = upgrade.fails(migrations=["b2"], backwards=True)
    assert "'m3' is applied and comes after it; name that revision too, or neither" in str(refused), str(refused)
    assert "no such revision" in str(upgrade.fails(migrations=["zz"], backwards=True))
    assert "migrations is empty" in str(upgrade.fails(backwards=True))
    named = {"migrations": ["b2", "m3"], "backwards": True, "one_transaction": True}
    planned, done = upgrade(check_mode=True, **named), upgrade(**named)
    assert ids(planned["plan"]) == ids(done["applied"]) == ["m3", "b2"] and planned["after"] == done["after"] == ["a2"]
    assert tables(database) == ["alembic_version", "things"]
    assert not upgrade(**named)["changed"]


def test_applies_everything_then_nothing_and_goes_back(upgrade: Upgrade, database: t.Any) -> None:
    planned = upgrade(check_mode=True)
    assert planned["changed"] and planned["applied"] == [] and tables(database) == []
    assert "CREATE TABLE things" in planned["plan"][0]["sql"][0]
    assert planned["plan"][1]["operations"] == ["add_column things.note"]
    done = upgrade()
    assert set(planned) == set(done) and planned["after"] == done["after"] == ["a2"]
    assert ids(done["plan"]) == ids(done["applied"]) == ["a1", "a2"] and done["pending"] == []
    again = upgrade()
    assert not again["changed"] and again["applied"] == [] and again["before"] == ["a2"]
    back = upgrade(revision="-1")
    assert [(one["id"], one["backwards"]) for one in back["applied"]] == [("a2", True)] and back["pending"] == ["a2"]
    gone = upgrade(revision="base")
    assert gone["after"] == [] and tables(database) == ["alembic_version"]


def test_each_revision_has_its_own_transaction(oldest: Upgrade, database: t.Any) -> None:
    oldest.project.revision("a3", "a2", 'op.add_column("things", sa.Column("name", sa.Text))')
    failed = oldest.fails()
    assert (
        "revision" not in failed.msg
        and "migration a3 failed in operation 1 of 1 (add_column things.name)" in failed.msg
    )
    assert "Before it a1, a2 was applied and stays so" in failed.msg and "rolled back completely" in failed.msg
    facts = failed.result["failure"]
    assert (facts["sqlstate"], facts["rolled_back"], facts["place"]) == (
        "42701",
        True,
        "migrations/versions/a3.py line 10",
    )
    assert ids(failed.result["applied"]) == ["a1", "a2"] and failed.result["not_applied"] == ["a3"]
    assert failed.result["after"] == ["a2"] == [row[0] for row in database.execute("SELECT * FROM alembic_version")]


def test_one_transaction_takes_everything_back(oldest: Upgrade, database: t.Any) -> None:
    oldest.project.revision("a3", "a2", 'op.add_column("things", sa.Column("name", sa.Text))')
    failed = oldest.fails(one_transaction=True)
    assert "a1, a2 ran before it in the same transaction and went with it" in failed.msg
    assert failed.result["applied"] == [] and failed.result["after"] == [] and tables(database) == []
    oldest.project.revision("a3", "a2")
    assert ids(oldest(one_transaction=True)["applied"]) == ["a1", "a2", "a3"]


def test_what_leaves_its_transaction_is_told_so(upgrade: Upgrade, database: t.Any) -> None:
    upgrade()
    block = "with op.get_context().autocommit_block():\n    "
    upgrade.project.revision(
        "a3", "a2", block + 'op.create_index("ix_note", "things", ["note"], postgresql_concurrently=True)'
    )
    upgrade.project.revision("a4", "a3", f'op.execute("SELECT 1")\n{block}op.execute("SELECT no_such_function()")')
    assert [one["atomic"] for one in upgrade(check_mode=True)["plan"]] == [False, False]
    assert "a3, a4 cannot run in a transaction" in upgrade.fails(one_transaction=True).msg
    failed = upgrade.fails()
    assert ids(failed.result["applied"]) == ["a3"] and not failed.result["failure"]["rolled_back"]
    assert "It does not run in a transaction" in failed.msg and "complete operations: execute SELECT 1" in failed.msg
    assert database.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_note'::regclass") == [(True,)]


def test_an_environment_that_opens_the_transaction_itself(upgrade: Upgrade, database: t.Any) -> None:
    text = (upgrade.project.path / "migrations/env.py").read_text().replace("engine.connect()", "engine.begin()")
    upgrade.project.write("migrations/env.py", text)
    upgrade.project.revision("a3", "a2", 'op.add_column("things", sa.Column("name", sa.Text))')
    failed = upgrade.fails()
    assert failed.result["applied"] == [] and tables(database) == []
    assert "a1, a2 ran before it in the same transaction" in failed.msg
    upgrade.project.revision("a3", "a2")
    assert upgrade()["after"] == ["a3"] == [row[0] for row in database.execute("SELECT * FROM alembic_version")]


def test_an_asynchronous_engine(upgrade: Upgrade, database: t.Any) -> None:
    upgrade.project.write("migrations/env.py", ASYNCHRONOUS)
    upgrade.environment["DATABASE_URL"] = driver(database.url, "asyncpg")
    block = "with op.get_context().autocommit_block():\n    "
    concurrently = 'op.create_index("ix_note", "things", ["note"], postgresql_concurrently=True)'
    upgrade.project.revision("a3", "a2", block + concurrently)
    assert upgrade(check_mode=True)["after"] == ["a3"] and tables(database) == []
    assert ids(upgrade()["applied"]) == ["a1", "a2", "a3"]
    upgrade.project.revision("a4", "a3", 'op.add_column("things", sa.Column("name", sa.Text))')
    failed = upgrade.fails()
    assert failed.result["failure"]["sqlstate"] == "42701" and failed.result["after"] == ["a3"]
    assert 'column "name" of relation "things" already exists (SQLSTATE 42701)' in failed.msg


def test_psycopg_3(newest: Upgrade, database: t.Any) -> None:
    newest.environment["DATABASE_URL"] = driver(database.url, "psycopg")
    assert ids(newest()["applied"]) == ["a1", "a2"]


def test_flask_migrate_with_a_factory_that_makes_tables(database: t.Any, tmp_path: pathlib.Path) -> None:
    for age in ("oldest", "newest"):
        project = Project(tmp_path / age, age, flask=True)
        users = (
            'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))'
        )
        project.revision("f1", None, users, 'op.drop_table("users")')
        upgrade = Upgrade(project, database.url, tmp_path)
        upgrade.environment["CREATE_TABLES"] = "1"
        assert "cannot be found" in upgrade.fails().msg
        done = upgrade(app="shop")
        assert ids(done["applied"]) == ["f1"]
        assert any("calls create_all()" in warning for warning in done["warnings"])
        assert upgrade(app="shop:create_app()", revision="base")["after"] == []


def test_the_journal_has_the_undo_before_and_the_result_after(newest: Upgrade, tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path / "journal.jsonl"))
    newest(journal=journal, deploy_id="d1")
    records = [record for record in journal.read() if record.action == "database.migrate"]
    assert [record.event for record in records] == ["intent", "note", "note", "done"]
    undo = {"alias": "default", "before": [], "applying": ["a1", "a2"], "backwards": False, "undo_proven": False}
    assert records[0].undo == undo
    assert records[-1].detail["after"] == ["a2"]


def test_only_what_is_named_is_applied(newest: Upgrade) -> None:
    assert "comes after 'a1', and that is pending and not named" in newest.fails(migrations=["a2"]).msg
    assert "no such revision is pending" in newest.fails(migrations=["zz"]).msg
    done = newest(migrations=["a1"])
    assert ids(done["applied"]) == ["a1"] and done["held_back"] == done["pending"] == ["a2"]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"revision": "zz"}, "`revision` is 'zz'"),
        ({"revision": "head", "stamp": "record"}, "stamp is record and revision is head"),
        ({"migrations": ["a1"], "revision": "a2"}, "migrations and revision are both set"),
        ({"database": "other"}, "`database` is 'other', and env.py migrates default"),
        ({"config": "other.ini"}, "there is no such file"),
        ({"lock_timeout": -1}, "lock_timeout is -1"),
    ],
)
def test_refuses_a_wrong_target(newest: Upgrade, database: t.Any, options: dict[str, t.Any], part: str) -> None:
    assert part in newest.fails(**options).msg
    assert tables(database) == []


def test_stamp_records_and_runs_nothing(newest: Upgrade, database: t.Any) -> None:
    done = newest(stamp="record", revision="a1")
    assert [(one["id"], one["faked"]) for one in done["applied"]] == [("a1", True)] and done["after"] == ["a1"]
    assert tables(database) == ["alembic_version"]


def test_an_unknown_revision_on_record_is_refused_or_kept(newest: Upgrade, database: t.Any) -> None:
    newest()
    database.execute("UPDATE alembic_version SET version_num = 'b7'")
    assert "the database has b7 on record" in newest.fails().msg
    kept = newest(missing="keep")
    assert not kept["changed"] and kept["missing"] == ["b7"] and "b7 is on record" in kept["warnings"][-1]


def test_branches_and_what_they_depend_on(newest: Upgrade) -> None:
    newest.project.revision("b1", None, branch_labels=("stock",), depends_on="a2")
    assert "several last revisions: a2, b1" in newest.fails().msg or newest()["after"] == ["b1"]
    planned = newest(check_mode=True, revision="stock@head")
    assert ids(planned["plan"]) == ["a1", "a2", "b1"] and planned["plan"][2]["label"] == "stock"
    assert planned["plan"][2]["dependencies"] == ["a2"]
    done = newest(revision="heads")
    assert done["after"] == planned["after"] and done["pending"] == []


def test_redirects_to_a_renamed_database(newest: Upgrade, database: t.Any) -> None:
    renamed = f"{database.name}_fenced_1"
    database.server.execute(f'ALTER DATABASE "{database.name}" RENAME TO "{renamed}"')
    assert "does not exist" in newest.fails().msg
    assert newest(database_name=renamed)["changed"]
    assert database.server.execute("SELECT count(*) FROM things", renamed) == [(0,)]


def test_another_database_that_env_py_asks_first(newest: Upgrade, database: t.Any) -> None:
    copy = f"{database.name}_copy"
    database.server.execute(f'CREATE DATABASE "{copy}" OWNER "{database.user}"')
    first = f"from sqlalchemy import create_engine\ncreate_engine({database.server.url('postgres')!r}).connect()\n"
    newest.project.write("migrations/env.py", first + ENV)
    try:
        assert ids(newest(database_name=copy)["applied"]) == ["a1", "a2"] and tables(database) == []
        assert database.server.execute("SELECT count(*) FROM things", copy) == [(0,)]
    finally:
        database.server.drop_database(copy)


def test_sqlite_and_check_mode_makes_no_file(oldest: Upgrade) -> None:
    file = oldest.project.path / "things.sqlite3"
    oldest.environment["DATABASE_URL"] = f"sqlite:///{file}"
    assert ids(oldest(check_mode=True)["plan"]) == ["a1", "a2"] and not file.exists()
    assert ids(oldest()["applied"]) == ["a1", "a2"] and file.exists()
    assert not oldest()["changed"] and not oldest(check_mode=True)["changed"]


SEVERAL = """\
import os

from alembic import context
from sqlalchemy import create_engine

names = [name.strip() for name in context.config.get_main_option("databases").split(",")]
opened = {}
for name in names:
    url = os.environ["DATABASE_URL"] if name == "shop" else os.environ["DATABASE_URL"] + "_stock"
    connection = create_engine(url).connect()
    opened[name] = (connection, connection.begin())
for name, (connection, transaction) in opened.items():
    context.configure(connection=connection, upgrade_token=name + "_upgrades", downgrade_token=name + "_downgrades")
    context.run_migrations(engine_name=name)
for connection, transaction in opened.values():
    transaction.commit()
    connection.close()
"""


def test_one_of_several_databases(newest: Upgrade, database: t.Any) -> None:
    other = f"{database.name}_stock"
    database.server.execute(f'CREATE DATABASE "{other}" OWNER "{database.user}"')
    project = newest.project
    project.write("alembic.ini", (project.path / "alembic.ini").read_text() + "databases = shop, stock\n")
    project.write("migrations/env.py", SEVERAL)
    for revision in ("a1", "a2"):
        (project.path / f"migrations/versions/{revision}.py").unlink()
    body = 'globals()["upgrade_" + engine_name]()'
    functions = "".join(
        f"\n\ndef upgrade_{name}():\n    {THINGS.replace('things', name)}\n" for name in ("shop", "stock")
    )
    text = 'from alembic import op\nimport sqlalchemy as sa\n\nrevision = "m1"\ndown_revision = None\n'
    project.write("migrations/versions/m1.py", f"{text}\n\ndef upgrade(engine_name):\n    {body}\n{functions}")
    try:
        assert "env.py migrates shop, stock; name one of these" in newest.fails().msg
        planned = newest(check_mode=True, database="stock")
        assert "CREATE TABLE stock" in planned["plan"][0]["sql"][0]
        assert ids(newest(database="stock")["applied"]) == ["m1"] and tables(database) == []
        found = database.server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", other)
        assert found == [("alembic_version",), ("stock",)]
        assert not newest(database="stock")["changed"]
        assert ids(newest(database="shop")["applied"]) == ["m1"] and tables(database) == ["alembic_version", "shop"]
    finally:
        database.server.drop_database(other)


BINDS = """\
from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db
for bind in ["", *current_app.config["SQLALCHEMY_BINDS"]]:
    engine = database.engines[bind or None]
    with engine.connect() as connection:
        context.configure(connection=connection, upgrade_token=bind + "_upgrades", target_metadata=database.metadatas[bind or None])
        with context.begin_transaction():
            context.run_migrations(engine_name=bind)
"""


def test_a_bind_of_flask_sqlalchemy(database: t.Any, tmp_path: pathlib.Path) -> None:
    project = Project(tmp_path / "project", flask=True)
    file = tmp_path / "visits.sqlite3"
    project.write("migrations/env.py", BINDS)
    text = (project.path / "shop.py").read_text()
    binds = f'    app.config["SQLALCHEMY_BINDS"] = {{"visits": "sqlite:///{file}"}}\n    db.init_app(app)'
    project.write("shop.py", text.replace("    db.init_app(app)", binds))
    project.revision("m1", None)
    path = project.path / "migrations/versions/m1.py"
    path.write_text(path.read_text().replace("upgrade()", "upgrade(engine_name)").replace("pass", THINGS, 1))
    upgrade = Upgrade(project, database.url, tmp_path)
    done = upgrade(app="shop", database="visits")
    assert ids(done["applied"]) == ["m1"] and file.exists() and tables(database) == []
    assert upgrade(app="shop")["after"] == ["m1"] and "things" in tables(database)


def test_the_module_itself_shows_no_password(newest: Upgrade, database: t.Any) -> None:
    newest.project.write("migrations/env.py", 'import os\nprint(os.environ["DATABASE_URL"])\n' + ENV)
    params = {name: value for name, value in newest.bridge()[1].items() if value is not None}
    result = run_module("alembic_upgrade", params)
    assert "applied" in result, result
    assert ids(result["applied"]) == ["a1", "a2"] and "diff" in result, result
    newest.project.revision("a3", "a2", 'op.add_column("things", sa.Column("name", sa.Text))')
    failed = run_module("alembic_upgrade", params)
    assert failed["failed"] and failed["kind"] == "migration_failed", failed
    for secret in (database.password, quote(database.password, safe="")):
        assert secret not in failed["_output"] + result["_output"]
