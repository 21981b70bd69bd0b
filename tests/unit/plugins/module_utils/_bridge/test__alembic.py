# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bridge decides about Alembic without Alembic (any interpreter)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge import (
    _alembic_connect,
    _alembic_follow,
    _alembic_select,
    _alembic_session,
    _alembic_source,
)
from ansible_collections.seamless.deploy.plugins.module_utils._bridge._protocol import BridgeError

HEAD = "from alembic import op\nimport sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql\n{}\n\ndef upgrade():\n    {}\n"
BACK = "\n\ndef downgrade():\n    {}\n"


@pytest.mark.parametrize(
    ("body", "operations", "code", "data"),
    [
        ('op.create_table("t", sa.Column("id", sa.Integer))', ["create_table t"], False, False),
        (
            'op.add_column("t", sa.Column("a", postgresql.JSONB(astext_type=sa.Text())))',
            ["add_column t.a"],
            False,
            False,
        ),
        ('op.create_index("ix", "t", ["a"])', ["create_index ix on t"], False, False),
        ('op.drop_constraint("fk", "t", type_="foreignkey")', ["drop_constraint fk on t"], False, False),
        ('with op.batch_alter_table("t") as batch:\n        batch.drop_column("a")', ["drop_column t.a"], False, False),
        ('op.execute("ALTER TABLE t ADD x int")', ["ALTER TABLE t ADD x int"], False, False),
        ('op.execute("UPDATE t SET a = 1")', ["UPDATE t SET a = 1"], False, True),
        ('op.bulk_insert(sa.table("t"), [])', None, False, True),
        ('op.get_bind().execute(sa.text("SELECT 1"))', None, True, True),
        ('if sa.inspect(op.get_bind()).has_table("t"):\n        op.drop_table("t")', ["drop_table t"], False, False),
        ('sa.Enum("a", name="kind").create(op.get_bind(), checkfirst=True)', [], False, False),
        ("import app\n    app.fill()", [], True, True),
        ('sa.create_engine("sqlite://").connect()', [], True, True),
        ("helper()", [], True, True),
    ],
)
def test_what_the_text_of_a_revision_tells(body: str, operations: list[str] | None, code: bool, data: bool) -> None:
    found = _alembic_source.source_of(HEAD.format("", body), backwards=False)
    assert (found.code, found.data) == (code, data), found
    if operations is not None:
        assert found.operations == operations


def test_a_function_of_the_same_file_is_read_too() -> None:
    helper = '\n\ndef helper():\n    op.execute("DELETE FROM t")\n'
    found = _alembic_source.source_of(HEAD.format(helper, "helper()"), backwards=False)
    assert (found.code, found.data, found.operations) == (False, True, ["DELETE FROM t"])


@pytest.mark.parametrize(
    ("body", "atomic", "empty", "refuses"),
    [
        ("pass", True, True, False),
        ('"""Nothing."""', True, True, False),
        ("raise NotImplementedError", True, False, True),
        ('op.drop_table("t")', True, False, False),
        ('with op.get_context().autocommit_block():\n        op.execute("VACUUM")', False, False, False),
    ],
)
def test_the_way_back(body: str, atomic: bool, empty: bool, refuses: bool) -> None:
    text = HEAD.format("", 'op.create_table("t")') + BACK.format(body)
    found = _alembic_source.source_of(text, backwards=True)
    assert (found.atomic, found.empty, found.refuses) == (atomic, empty, refuses)
    assert _alembic_source.source_of(text, backwards=False).atomic


def test_a_file_that_cannot_be_read_counts_as_code() -> None:
    found = _alembic_source.source_of("def upgrade(:", backwards=False)
    assert found.code and found.data and not found.empty


@pytest.mark.parametrize(
    ("target", "back", "forth"),
    [
        ("base", True, False),
        ("stock@base", True, False),
        ("-1", True, False),
        ("ae10-2", True, False),
        ("stock@-1", True, False),
        ("+1", False, True),
        ("ae10+2", False, True),
        ("stock@+1", False, True),
        ("head", False, False),
        ("stock@head", False, False),
        ("1975ea83b712", False, False),
        ("0001", False, False),
    ],
)
def test_targets_by_their_words(target: str, back: bool, forth: bool) -> None:
    assert (bool(_alembic_select._BACK.match(target)), bool(_alembic_select._FORTH.match(target))) == (back, forth)


class Answer:
    """Keeps what the bridge tells its caller."""

    def __init__(self) -> None:
        self.values: list[str] = []

    def progress(self, what: str, values: list[str]) -> None:
        self.values += values


class Dialect:
    def __init__(self, name: str) -> None:
        self.name = name


class Record:
    def __init__(self) -> None:
        self.info: dict[str, t.Any] = {}


def connections(**arguments: t.Any) -> tuple[_alembic_connect.Connections, Answer]:
    """Give the listener with what it was told to do."""
    answer = Answer()
    return _alembic_connect.Connections(arguments, answer), answer


def lead(found: _alembic_connect.Connections, engine: str, *arguments: t.Any, **named: t.Any) -> tuple[list, dict]:
    """Connect, and give the arguments that the driver gets."""
    given = list(arguments)
    found._lead(Dialect(engine), Record(), given, named)
    return given, named


PLACE = {"host": "db1", "port": 5432, "user": "shop"}


def test_the_first_connection_is_led_to_the_copy_and_others_are_refused() -> None:
    found, answer = connections(database_name="copy", other_databases="refuse")
    assert lead(found, "postgresql", dbname="shop", password="s@e", **PLACE)[1]["dbname"] == "copy"
    assert found.meant is not None and found.meant.name == "shop" and answer.values == ["s%40e", "s@e"]
    assert lead(found, "postgresql", dbname="stock", **PLACE)[1]["dbname"] == "copy"  # env.py opens all of them
    assert lead(found, "sqlite", "/srv/visits.sqlite3")[0] == [":memory:"]
    found.stepping = True
    assert lead(found, "postgresql", dbname="shop", **PLACE)[1]["dbname"] == "copy"
    with pytest.raises(BridgeError, match="reached for the database 'stock', which is out of bounds"):
        lead(found, "postgresql", dbname="stock", **PLACE)
    with pytest.raises(BridgeError, match="out of bounds"):
        lead(found, "sqlite", "/srv/visits.sqlite3")


def test_others_are_kept_and_arguments_may_come_again() -> None:
    found, _answer = connections(database_name="copy")
    named = {"database": "shop", **PLACE}
    for _time in range(2):  # SQLAlchemy before 2.1 hands out the same ones
        record = Record()
        found._lead(Dialect("postgresql"), record, [], named)
        meant = found.of(record)
        assert named["database"] == "copy" and meant is not None and meant.name == "shop"
    assert lead(found, "postgresql", dbname="stock", **PLACE)[1]["dbname"] == "stock"


def test_reading_makes_no_file(tmp_path: t.Any) -> None:
    found, _answer = connections()
    found.reading = True
    assert lead(found, "sqlite", str(tmp_path / "new.sqlite3"))[0] == [":memory:"]
    found.reading = False
    assert lead(found, "sqlite", str(tmp_path / "new.sqlite3"))[0] == [str(tmp_path / "new.sqlite3")]


def test_values_go_into_the_text_of_our_own_statements() -> None:
    assert _alembic_session.filled("SELECT %s, %s", [7, "o'clock"]) == "SELECT 7, 'o''clock'"
    assert _alembic_session.filled("SELECT '%'", None) == "SELECT '%'"


class ExecuteSQLOp:
    def __init__(self, sql: str) -> None:
        self.sqltext = sql


class CreateIndexOp:
    __module__ = "alembic.operations.ops"

    def __init__(self, **options: t.Any) -> None:
        self.index_name, self.table_name, self.kw = "ix_note", "things", options


def test_operations_as_they_run() -> None:
    progress = _alembic_follow.Reached("a2", False, True, ["create_index ix_note on things"])
    progress.running = True
    operation = CreateIndexOp(postgresql_concurrently=True)
    assert progress.in_code()
    index = progress.enter(operation)
    assert not progress.in_code() and progress.operation()["description"] == "create_index ix_note on things"
    progress.leave(operation, index, complete=True)
    assert progress.can_go_on() and progress.completed == [0]
    data = ExecuteSQLOp("UPDATE things SET note = ''")
    index = progress.enter(data)
    assert progress.in_code() and not progress.can_go_on()
    progress.leave(data, index, complete=False)
    assert progress.operation()["number"] == 2
