# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""alembic_info on the oldest supported and the newest Alembic, on PostgreSQL and SQLite (control node)."""

from __future__ import annotations

import json
import pathlib
import random
import sqlite3
import sys
import typing as t

import pytest

from tests.support.alembic_calls import Upgrade
from tests.support.alembic_project import FLASK_APP, MODELS, USERS, Project
from tests.support.module import run_module

NOWHERE = "postgresql://someone:lost-word@127.0.0.1:1/none"
MAIL = 'op.add_column("users", sa.Column("mail", sa.String(80)))'
NO_MAIL = 'op.drop_column("users", "mail")'
TELL = """
import json
from alembic import config, script
found = script.ScriptDirectory.from_config(config.Config("alembic.ini"))
print(json.dumps([sorted(found.get_heads()), sorted(found.get_bases()), [each.revision for each in found.walk_revisions()]]))
"""


@pytest.fixture(params=[pytest.param("oldest", marks=pytest.mark.long), "newest"])
def project(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Project:
    """Write a project with one revision."""
    made = Project(tmp_path / "project", request.param)
    made.revision("a1", None, USERS, 'op.drop_table("users")')
    return made


@pytest.fixture
def lite(tmp_path: pathlib.Path) -> str:
    """Name a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/data.db"


def tables(url: str) -> list[str]:
    """Give the tables of a SQLite file."""
    with sqlite3.connect(url[len("sqlite:///") :]) as connection:
        return sorted(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))


def kinds(told: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    """Give (kind, level, object) of the findings."""
    return [(each["kind"], each["level"], each["object"]) for each in told["findings"]]


def objects(drift: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Give (kind, object) of the differences."""
    return [(each["kind"], each["object"]) for each in drift]


def test_empty_then_migrated_then_pending(project: Project, lite: str, tmp_path: pathlib.Path) -> None:
    empty = project.info(lite)
    assert not empty["changed"] and empty["current"] == [] and empty["pending"] == ["a1"] and empty["heads"] == ["a1"]
    assert "CREATE TABLE users" in empty["plan"][0]["sql"][0] and "users" in empty["demands"]["tables"]
    assert empty["findings"] == [] and empty["missing"] == [] and empty["alembic_version"].startswith("1.")
    assert not (tmp_path / "data.db").exists()

    project.upgrade(lite)
    project.revision("b2", "a1", MAIL, NO_MAIL)
    told = project.info(lite)
    assert told["current"] == ["a1"] == told["applied"] and told["pending"] == ["b2"] and told["drift"] == []
    assert [each["revision"] for each in told["history"]] == ["a1", "b2"] and told["version_table"] == "alembic_version"
    assert [(each["revision"], each["touches"]) for each in told["reviews"]] == [("a1", []), ("b2", ["users"])]
    assert tables(lite) == ["alembic_version", "users"]


def test_drift_of_a_postgresql_database(project: Project, database: t.Any) -> None:
    project.upgrade(database.url)
    database.execute("ALTER TABLE users ALTER name DROP NOT NULL, ALTER name TYPE text, ADD by_hand int")
    database.execute("CREATE INDEX ix_hand ON users (by_hand)")
    more = 'users.append_column(sa.Column("team_id", sa.ForeignKey("teams.id"), unique=True))\n'
    project.write(
        "models.py", f'{MODELS}sa.Table("teams", metadata, sa.Column("id", sa.Integer, primary_key=True))\n{more}'
    )
    told = project.info(database.url)
    assert set(objects(told["drift"])) == {
        ("add_table", "teams"), ("add_column", "users.team_id"), ("remove_column", "users.by_hand"), ("remove_index", "ix_hand on users"),
        ("modify_nullable", "users.name"), ("modify_type", "users.name"), ("add_constraint", "(team_id) on users"),
        ("add_fk", "(team_id) to teams on users"),
    }  # fmt: skip
    said = {each["kind"]: each["evidence"] for each in told["drift"]}
    assert said["modify_type"] == "type of users.name is TEXT in the database and VARCHAR(50) in the models"
    assert said["modify_nullable"] == "nullable of users.name is yes in the database and no in the models"
    assert all(each["remedy"] for each in told["drift"]) and database.password not in json.dumps(told)


def test_nothing_is_written_while_looking(project: Project, database: t.Any) -> None:
    project.revision("b2", "a1", 'op.get_bind().execute(sa.text("CREATE TABLE sly (id int)"))')
    told = project.info(database.url)
    assert told["pending"] == ["a1", "b2"] and "it runs code" in told["plan"][1]["sql"][0]
    assert database.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_records_that_the_code_does_not_know(project: Project, lite: str) -> None:
    project.revision("b2", "a1", MAIL, NO_MAIL)
    project.upgrade(lite)
    (project.path / "migrations/versions/b2.py").unlink()
    told = project.info(lite)
    assert told["missing"] == ["b2"] and told["pending"] == [] == told["plan"] and told["applied"] == []
    assert kinds(told) == [("unknown_revision", "stop", "b2")]
    assert objects(told["drift"]) == [("remove_column", "users.mail")]


def test_tables_that_no_revision_has_made(project: Project, lite: str) -> None:
    done = project.python(
        "import os, sqlalchemy, models; models.metadata.create_all(sqlalchemy.create_engine(os.environ['DATABASE_URL']))",
        lite,
    )
    assert done.returncode == 0, done.stderr
    told = project.info(lite)
    assert told["tables_without_revision"] == ["users"] and told["pending"] == ["a1"] and told["drift"] == []
    assert kinds(told) == [("tables_without_revision", "stop", "users")]
    assert "alembic_version" not in tables(lite)


def test_two_rows_of_which_one_comes_after_the_other(project: Project, lite: str) -> None:
    project.revision("b2", "a1", MAIL, NO_MAIL)
    project.upgrade(lite)
    with sqlite3.connect(lite[len("sqlite:///") :]) as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('a1')")
    told = project.info(lite)
    assert kinds(told) == [("overlapping", "stop", "a1")] and told["plan"] == []


def test_several_heads(project: Project, lite: str) -> None:
    project.revision("b2", "a1", MAIL, NO_MAIL)
    project.revision("c3", "a1", 'op.create_table("c", sa.Column("id", sa.Integer))', 'op.drop_table("c")')
    told = project.info(lite)
    assert kinds(told) == [("several_heads", "stop", "b2, c3")] and sorted(told["pending"]) == ["a1", "b2", "c3"]


def test_broken_chain_does_not_hide_the_database(project: Project, lite: str) -> None:
    project.upgrade(lite)
    project.revision("c3", "gone", MAIL, NO_MAIL)
    project.write("migrations/versions/d4.py", "def (\n")
    told = project.info(lite)
    assert told["current"] == ["a1"] and not told["usable"] and told["pending"] == [] == told["plan"]
    assert {("unknown_parent", "stop", "c3"), ("syntax_error", "stop", "migrations/versions/d4.py")} <= set(kinds(told))


def test_chain_alone_needs_neither_database_nor_alembic_nor_the_application(project: Project) -> None:
    project.write("models.py", "import not_installed_here\nraise SystemExit\n")
    project.write("migrations/env.py", "raise SystemExit\n")
    project.revision("b2", "a1", MAIL, NO_MAIL)
    project.write("migrations/versions/b2.py", project.write("x.py", "").read_text() + "def (\n")
    told = project.info(NOWHERE, gather="chain", python=sys.executable)
    assert told["heads"] == ["a1"] and kinds(told) == [("syntax_error", "stop", "migrations/versions/b2.py")]
    assert "databases" not in told and "current" not in told


def test_what_cannot_be_reached_or_loaded(project: Project) -> None:
    error = project.fails(NOWHERE)
    assert "lost-word" not in error.msg + str(error.result) and error.result["findings"] == []
    project.revision("c3", "gone")
    project.write("models.py", "import not_installed_here\n")
    error = project.fails(NOWHERE)
    assert "not_installed_here" in error.msg and [each["kind"] for each in error.result["findings"]] == [
        "unknown_parent",
        "several_heads",
    ]
    assert "config" in project.fails(config="gone.ini").msg


def test_what_a_review_warns_of_fails_on_postgresql(project: Project, database: t.Any) -> None:
    state = 'sa.Column("state", sa.Enum("on", "off", name="state"))'
    project.revision(
        "b2", "a1", f'op.create_table("lamps", sa.Column("id", sa.Integer), {state})', 'op.drop_table("lamps")'
    )
    unnamed = (
        'op.create_unique_constraint(None, "users", ["name"])',
        'op.drop_constraint(None, "users", type_="unique")',
    )
    project.revision("c3", "b2", *unnamed)
    told = project.info(gather="chain")
    warned = [
        (each["kind"], each["revision"])
        for review in told["reviews"]
        for each in review["findings"]
        if each["level"] == "warning"
    ]
    assert warned == [("type_left", "b2"), ("constraint_without_name", "c3")]
    lead = "from alembic import command, config; command.{}(config.Config('alembic.ini'), {!r})"
    for word, revision, said in (
        ("upgrade", "b2", ""), ("downgrade", "a1", ""), ("upgrade", "b2", 'type "state" already exists'),
    ):  # fmt: skip
        done = project.python(lead.format(word, revision), database.url)
        assert said in done.stderr if said else done.returncode == 0, done.stderr
    database.execute("DROP TYPE state")
    project.upgrade(database.url)
    done = project.python(lead.format("downgrade", "b2"), database.url)
    assert done.returncode and "name" in done.stderr.splitlines()[-1]


def test_models_that_env_does_not_give(project: Project, lite: str) -> None:
    env = project.path / "migrations" / "env.py"
    env.write_text(env.read_text().replace("target_metadata=metadata, ", ""))
    told = project.info(lite)
    assert kinds(told) == [("not_compared", "note", "env.py")] and "target_metadata" in told["not_compared"]


@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_flask_application_that_makes_its_tables(tmp_path: pathlib.Path, lite: str, age: str) -> None:
    project = Project(tmp_path / "project", age, flask=True)
    project.revision("a1", None, USERS, 'op.drop_table("users")')
    told = project.info(lite, app="shop")
    assert told["flask"] and told["pending"] == ["a1"] and "users" in told["demands"]["tables"]
    assert not (tmp_path / "data.db").exists()
    (start,) = told["starts"]
    assert (start["kind"], start["level"], start["when"], start["place"]) == (
        "creates_tables_at_start",
        "warning",
        "start",
        "shop.py:23",
    )
    assert start["switch"] == {"kind": "environment", "name": "CREATE_TABLES", "value": "0"}
    # And that it does: the variable is what keeps the tables away.
    for value, made in (("0", []), ("1", ["users"])):
        assert (
            project.python(
                f"import os; os.environ['CREATE_TABLES'] = {value!r}; import shop; shop.create_app()", lite
            ).returncode
            == 0
        )
        assert tables(lite) == made


@pytest.mark.parametrize(
    ("age", "directory"),
    [
        ("oldest", '"db/changes"'),
        ("newest", '"db/changes"'),
        ("newest", 'os.path.join(os.path.dirname(__file__), "db/changes")'),
    ],
)
def test_flask_application_that_keeps_its_revisions_elsewhere(
    tmp_path: pathlib.Path, lite: str, age: str, directory: str
) -> None:
    """A directory that is computed shows when the application is loaded, and not before."""
    project = Project(tmp_path / "project", age, flask=True)
    project.revision("a1", None, USERS, 'op.drop_table("users")')
    project.write("shop.py", FLASK_APP.replace("Migrate(app, db)", f"Migrate(app, db, directory={directory})"))
    (project.path / "db").mkdir()
    (project.path / "migrations").rename(project.path / "db" / "changes")
    told = project.info(lite, app="shop")
    assert (told["heads"], told["pending"], told["usable"], told["findings"]) == (["a1"], ["a1"], True, [])
    assert project.path / told["script_location"] == project.path / "db" / "changes"
    chain = project.info(gather="chain")
    assert chain["heads"] == (["a1"] if directory.startswith('"') else [])
    project.write("migrations/alembic.ini", "[alembic]\n")
    project.write("migrations/env.py", "from flask import current_app\n")
    # A directory of the usual name is not that of the application.
    assert project.info(lite, app="shop")["heads"] == ["a1"]
    if age == "oldest":
        assert Upgrade(project, lite, tmp_path)(app="shop")["after"] == ["a1"]


def test_module_as_ansible_runs_it(tmp_path: pathlib.Path, lite: str) -> None:
    project = Project(tmp_path / "project")
    project.write("shop/start.py", FLASK_APP)
    project.revision("a1", None, USERS)
    result = run_module("alembic_info", {"chdir": str(project.path), "python": sys.executable, "gather": "chain"})
    assert result["heads"] == ["a1"] and not result["changed"] and len(result["starts"]) == 1
    assert result["reviews"][0]["downgrade"] == "empty"


def random_chain(project: Project, seed: int) -> None:
    """Write a chain with branches, merges, labels and dependencies."""
    number = random.Random(seed)
    for count in range(25):
        earlier = [f"r{each}" for each in range(count)]
        parents = number.sample(earlier, min(number.choice([0, 1, 1, 1, 2]), count))
        needs = number.sample(earlier, 1) if earlier and number.random() < 0.2 else None
        labels = [f"label{count}"] if number.random() < 0.1 else None
        project.revision(f"r{count}", tuple(parents) or None, depends_on=needs, branch_labels=labels)


@pytest.mark.parametrize("age", ["oldest", "newest"])
@pytest.mark.parametrize("seed", range(2))
def test_heads_and_order_are_those_of_alembic(tmp_path: pathlib.Path, age: str, seed: int) -> None:
    project = Project(tmp_path / "project", age)
    random_chain(project, seed)
    done = project.python(TELL)
    assert done.returncode == 0, done.stderr
    heads, bases, walked = json.loads(done.stdout)
    told = project.info(gather="chain")
    assert (told["heads"], told["bases"]) == (heads, bases) and told["usable"]
    place = {each["revision"]: number for number, each in enumerate(told["history"])}
    assert sorted(place) == sorted(walked)
    for each in told["history"]:
        assert all(place[other] < place[each["revision"]] for other in [*each["down_revision"], *each["depends_on"]])


@pytest.mark.parametrize("age", ["oldest", "newest"])
@pytest.mark.parametrize(
    "broken",
    [
        lambda project: project.revision("b2", "gone"),
        lambda project: project.revision("b2", "a1", depends_on="gone"),
        lambda project: project.revision("b2", "b2"),
        lambda project: (project.revision("b2", "c3"), project.revision("c3", "b2")),
        lambda project: (project.revision("b2", "a1", depends_on="c3"), project.revision("c3", "b2")),
        lambda project: project.write("migrations/versions/tool.py", "X = 1\n"),
        lambda project: project.write("migrations/versions/b2.py", "revision = 'b2'\n"),
        lambda project: project.write("migrations/versions/b2.py", "def (\n"),
        lambda project: project.revision("b-2", "a1"),
        lambda project: (project.revision("b2", "a1", branch_labels="x"), project.revision("c3", "b2", branch_labels="x")),
    ],
)  # fmt: skip
@pytest.mark.long
def test_what_is_called_a_stop_is_refused_by_alembic(
    tmp_path: pathlib.Path, age: str, broken: t.Callable[[Project], t.Any]
) -> None:
    project = Project(tmp_path / "project", age)
    project.revision("a1")
    broken(project)
    assert not project.info(gather="chain")["usable"]
    assert project.python(TELL).returncode != 0
