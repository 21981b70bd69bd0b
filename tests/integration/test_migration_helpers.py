# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The helpers of migration authors on the oldest and the newest Alembic, on PostgreSQL and SQLite (control node)."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest

from tests.cases.migration_helpers import BOTH, DROPS, ORDERS, POSTGRESQL, USERS, Case
from tests.support.alembic_python import PACKAGES, alembic_python
from tests.support.paths import CHECKOUT

HELPERS = CHECKOUT / "roles" / "migration_helpers" / "files"
DRIVER = CHECKOUT / "tests" / "support" / "migration_operations.py"


class Operations:
    """Runs pieces of migrations in one environment, each on an empty database."""

    def __init__(self, python: str, url: str) -> None:
        self.python, self.url = python, url
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"

    def __call__(self, *runs: str, before: t.Sequence[str] = (), script: bool = False) -> list[dict[str, t.Any]]:
        cases = [
            {"before": list(before), "run": run, "script": script, "tables": ["users", "orders", "counted"]}
            for run in runs
        ]
        request = json.dumps({"helpers": str(HELPERS), "url": self.url, "cases": cases})
        done = subprocess.run([self.python, str(DRIVER)], input=request, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return t.cast("list[dict[str, t.Any]]", json.loads(done.stdout))


@pytest.fixture(params=list(PACKAGES))
def python(request: pytest.FixtureRequest) -> str:
    return alembic_python(request.param)


@pytest.fixture
def on_postgresql(python: str, database: t.Any) -> Operations:
    return Operations(python, database.url.replace("postgresql:", "postgresql+psycopg2:"))


@pytest.fixture
def on_sqlite(python: str, tmp_path: pathlib.Path) -> Operations:
    return Operations(python, f"sqlite:///{tmp_path}/app.sqlite3")


@pytest.fixture(params=["postgresql", "sqlite"])
def operations(request: pytest.FixtureRequest, on_postgresql: Operations, on_sqlite: Operations) -> Operations:
    return on_postgresql if request.param == "postgresql" else on_sqlite


def twice(case: Case) -> str:
    again = case.run.replace(*case.changed) if case.changed[0] else case.run
    assert not case.difference or again != case.run
    return case.before + case.run + again


def wrong(case: Case, once: dict[str, t.Any], both: dict[str, t.Any]) -> str:
    """What is not as the case says, or nothing."""
    if once["error"]:
        return f"{case.name}: {once['error']}"
    if not case.difference:
        return "" if not both["error"] and both["tables"] == once["tables"] else f"{case.name}: not skipped: {both}"
    named = "not as this migration creates it" in both["error"] and case.difference in both["error"]
    return "" if named else f"{case.name}: {case.difference!r} is not in {both['error']!r} {both['skipped']}"


def test_what_is_there_is_skipped_when_equal_and_named_when_not(operations: Operations) -> None:
    cases = BOTH + (POSTGRESQL if operations.dialect == "postgresql" else [])

    answers = operations(*(run for case in cases for run in (case.before + case.run, twice(case))))

    found = [wrong(case, *answers[2 * number : 2 * number + 2]) for number, case in enumerate(cases)]
    assert [line for line in found if line] == []
    assert all(both["skipped"] for case, both in zip(cases, answers[1::2], strict=True) if not case.difference)


def test_a_script_for_postgresql_holds_the_same_rule(on_postgresql: Operations) -> None:
    cases = [case for case in BOTH + POSTGRESQL if "computed" not in case.name]

    answers = on_postgresql(*(run for case in cases for run in (case.before + case.run, twice(case))), script=True)

    found = [wrong(case, *answers[2 * number : 2 * number + 2]) for number, case in enumerate(cases)]
    assert [line for line in found if line] == []
    online = on_postgresql(*(case.before + case.run for case in cases))
    assert [answer["tables"] for answer in answers[::2]] == [answer["tables"] for answer in online]


def test_what_another_operation_of_the_migration_adds_is_not_too_much(operations: Operations) -> None:
    key = 'safe_create_foreign_key("fk_user", "orders", "users", ["user_id"], ["id"])\n'
    column = 'safe_add_column("orders", sa.Column("note", sa.String()))\n'

    end = "helpers._Migration.of(op.get_context()).end()\n"

    runs = [(USERS + ORDERS + key + column) * 2, USERS + ORDERS + key + column + end + ORDERS + column]
    scripts = [False, True] if operations.dialect == "postgresql" else [False]
    for whole, foreign in [operations(*runs, script=script) for script in scripts]:
        assert whole["error"] == ""
        assert (
            "table orders exists, but not as this migration creates it: it has foreign key (user_id)"
            in foreign["error"]
        )


def test_a_batch_has_the_same_rule(operations: Operations) -> None:
    batch = (
        'with safe_batch_alter_table("orders", schema=None) as batch_op:\n'
        '    batch_op.add_column(sa.Column("note", sa.String(), nullable=True))\n'
        '    batch_op.create_index(batch_op.f("ix_orders_note"), ["note"], unique=False)\n'
        '    batch_op.create_foreign_key("fk_user", "users", ["user_id"], ["id"])\n'
        '    batch_op.create_unique_constraint("uq_user", ["user_id"])\n'
        '    batch_op.alter_column("note", existing_type=sa.String(), nullable=False)\n'
    )
    back = (
        'with safe_batch_alter_table("orders", schema=None) as batch_op:\n'
        '    batch_op.drop_constraint("uq_user", type_="unique")\n'
        '    batch_op.drop_constraint("fk_user", type_="foreignkey")\n'
        '    batch_op.drop_index(batch_op.f("ix_orders_note"))\n'
        '    batch_op.drop_column("note")\n'
    )

    plain, there, changed, gone = operations(
        USERS + ORDERS, USERS + ORDERS + batch, USERS + ORDERS + batch * 2, USERS + ORDERS + batch + back * 2
    )

    assert there["error"] == gone["error"] == "" and gone["tables"] == plain["tables"]
    note = next(line for line in there["tables"]["orders"] if line.startswith("column note"))
    assert note.endswith("not null") and len(there["tables"]["orders"]) == len(plain["tables"]["orders"]) + 5
    assert f"it has {note}" in changed["error"]  # the first batch made it NOT NULL, the second would not


def test_a_script_for_sqlite_never_skips_what_it_cannot_compare(on_sqlite: Operations) -> None:
    plain, again, drop, rebuild = on_sqlite(
        USERS, USERS + USERS, USERS + 'safe_drop_table("users")\n' * 2, USERS + ORDERS + DROPS, script=True
    )

    assert plain["error"] == "" and plain["tables"]
    assert "already exists" in again["error"]
    assert drop["error"] == "" and drop["tables"] == {}
    assert "which a script for SQLite (--sql) cannot do: run the migration on the database" in rebuild["error"]


def test_what_is_gone_is_not_dropped_again(operations: Operations) -> None:
    once, both, table = operations(USERS + DROPS, USERS + DROPS + DROPS, USERS + 'safe_drop_table("users")\n' * 2)

    assert once["error"] == both["error"] == table["error"] == ""
    assert (
        once["skipped"] == []
        and len(both["skipped"]) == 4
        and table["skipped"] == ["skipped: table users is not there"]
    )
    assert both["tables"] == once["tables"] and table["tables"] == {}
    assert not [line for line in once["tables"]["users"] if "mail" in line or "uq_name" in line or "fk_boss" in line]


def test_a_statement_runs_unless_its_effect_is_there(operations: Operations) -> None:
    insert = (
        "safe_execute(\"INSERT INTO users (name) VALUES ('a:b')\", unless=\"SELECT 1 FROM users WHERE name = 'a:b'\")\n"
    )
    other = "mysql" if operations.dialect == "postgresql" else "postgresql"

    twice_run, elsewhere = operations(
        USERS + insert * 2, USERS + insert.replace("unless=", f"only_on=['{other}'], unless=")
    )

    assert twice_run["error"] == "" and twice_run["rows"] == {"users": 1}
    assert elsewhere["rows"] == {"users": 0}
    if operations.dialect == "postgresql":
        (script,) = operations(USERS + insert * 2, script=True)
        assert script["error"] == "" and script["rows"] == {"users": 1}


def test_a_failing_operation_stays_an_error(operations: Operations) -> None:
    nothing, column, index = operations(
        USERS + 'safe_execute("INSERT INTO nowhere VALUES (1)")\n',
        'safe_add_column("users", sa.Column("age", sa.Integer()))\n',
        'safe_create_index("ix_name", "users", ["name"])\n',
    )

    assert "nowhere" in nothing["error"]
    assert column["error"] == index["error"]
    assert column["error"] == "table users is not there, and the migration changes it: create it in a revision before"


def test_an_index_left_invalid_is_named(on_postgresql: Operations) -> None:
    concurrently = (
        "with op.get_context().autocommit_block():\n"
        '    safe_create_index("ix_name", "users", ["name"], unique=True, postgresql_concurrently=True)\n'
    )
    broken = (
        concurrently.replace("    safe", "    try:\n        safe") + "    except sa.exc.IntegrityError:\n        pass\n"
    )
    fill = "op.execute(\"INSERT INTO users (name) VALUES ('same'), ('same')\")\n"
    table = USERS.replace('    sa.UniqueConstraint("name", name="uq_name"),\n', "")

    whole, left = on_postgresql(table + concurrently * 2, table + fill + broken + concurrently)

    assert whole["error"] == "" and whole["skipped"] == [
        "skipped: index ix_name of table users is there with the same definition"
    ]
    assert "INVALID: it was left by a failed build, drop it" in left["error"]


def test_tables_are_found_where_the_migration_creates_them(on_postgresql: Operations) -> None:
    path = 'op.execute("CREATE SCHEMA other"); op.execute("SET search_path = other, public")\n'
    elsewhere = (
        ORDERS
        + path
        + ORDERS
        + "assert op.get_bind().execute(sa.text(\"SELECT to_regclass('other.orders')\")).scalar()\n"
    )
    named = 'op.execute("CREATE SCHEMA IF NOT EXISTS app")\n' + USERS.replace(
        '"users",', '"users", schema="app",'
    ).replace('"users.id"', '"app.users.id"').replace(
        'safe_create_table(\n    "users", schema="app",', 'safe_create_table(\n    "users",'
    ).replace(
        '    sa.UniqueConstraint("name", name="uq_name"),\n',
        '    sa.UniqueConstraint("name", name="uq_name"),\n    schema="app",\n',
    )

    found, in_schema = on_postgresql("op.execute('DROP SCHEMA IF EXISTS other CASCADE')\n" + elsewhere, named + named)

    assert found["error"] == in_schema["error"] == ""
    assert found["skipped"] == [] and in_schema["skipped"] == ["skipped: table users is there with the same definition"]


BATCH_BEFORE = [
    "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(50) NOT NULL, age INTEGER, CHECK (age > 0),"
    " CONSTRAINT ck_name CHECK (name <> ''), UNIQUE (name))",
    "CREATE INDEX ix_low ON users (lower(name)) WHERE age > 1",
    "CREATE TABLE log (text VARCHAR)",
    "CREATE TRIGGER noted AFTER UPDATE ON users BEGIN INSERT INTO log VALUES (new.name); END",
    "INSERT INTO users (name, age) VALUES ('a', 1), ('b', 2)",
]
ADD_KEY = 'safe_add_column("users", sa.Column("boss_id", sa.Integer(), sa.ForeignKey("users.id", name="fk_boss")))\n'


def test_a_table_made_anew_on_sqlite_loses_nothing(on_sqlite: Operations) -> None:
    before, after = on_sqlite("", ADD_KEY * 2, before=BATCH_BEFORE)

    gained = {
        "column boss_id INTEGER",
        "foreign key (boss_id) references users (id)",
        "foreign key of the name fk_boss",
    }
    assert after["error"] == "" and after["rows"] == {"users": 2}
    assert set(after["tables"]["users"]) - set(before["tables"]["users"]) == gained
    assert set(before["tables"]["users"]) <= set(after["tables"]["users"])
    kept = " ".join(after["tables"]["users"])
    assert "AUTOINCREMENT" in kept and "CHECK (age > 0)" in kept and "trigger noted" in kept and "index ix_low" in kept


def test_a_table_is_not_made_anew_where_something_hangs_on_it(on_sqlite: Operations) -> None:
    view = [*BATCH_BEFORE, "CREATE VIEW grown AS SELECT * FROM users WHERE age > 17"]
    pointing = [*BATCH_BEFORE, "CREATE TABLE orders (user_id INTEGER REFERENCES users (id) ON DELETE CASCADE)"]
    enforced = 'op.get_bind().exec_driver_sql("PRAGMA foreign_keys = ON")\n'

    (read,) = on_sqlite(ADD_KEY, before=view)
    (unenforced, refused) = on_sqlite(ADD_KEY, enforced + ADD_KEY, before=pointing)

    assert "view grown reads it: drop the view before and create it after" in read["error"]
    assert unenforced["error"] == ""
    assert "the rows of orders that point at it would be lost or refused" in refused["error"]
    assert read["rows"]["users"] == refused["rows"]["users"] == 2 and "boss_id" not in str(refused["tables"])
