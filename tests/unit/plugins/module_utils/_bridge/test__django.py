# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure parts of the Django bridge (any interpreter, no Django)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge import (
    _blockers,
    _budget,
    _django_plan,
    _django_setup,
    _exceptions,
    _failure,
    _indexes,
)


class Diag:
    """What a driver says about an error."""

    def __init__(self, message: str, **names: str) -> None:
        self.message_primary = message
        self.__dict__.update(names)


class DriverError(Exception):
    """An exception as psycopg2 raises it."""

    def __init__(self, state: str, message: str, **names: str) -> None:
        super().__init__(message + "\nDETAIL:  Key (name)=(a customer) exists.")
        self.pgcode = state
        self.diag = Diag(message, **names)


def wrapped(cause: Exception) -> Exception:
    """Wrap it as Django does."""
    error = RuntimeError(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.settings")', ["a.settings"]),
        ('os.environ["DJANGO_SETTINGS_MODULE"] = "a.settings"', ["a.settings"]),
        ('environ.setdefault("DJANGO_SETTINGS_MODULE", NAME)', []),
        ('x.setdefault("OTHER", "a")', []),
        ('if a:\n s("DJANGO_SETTINGS_MODULE", "no")\n o.setdefault("DJANGO_SETTINGS_MODULE", "a")\n'
         'else:\n o.setdefault("DJANGO_SETTINGS_MODULE", "b")', ["a", "b"]),
        ('o.setdefault("DJANGO_SETTINGS_MODULE", "a"); o.setdefault("DJANGO_SETTINGS_MODULE", "a")', ["a"]),
    ],
)  # fmt: skip
def test_settings_in_manage(text: str, names: list[str]) -> None:
    assert _django_setup.names_in_manage(text) == names


@pytest.mark.parametrize(
    ("limit", "first", "now", "expected"),
    [(200, None, 5.0, 200), (200, 5.0, 5.125, 75), (200, 5.0, 5.3, 1), (0, 5.0, 9.0, 0), (200, 5.0, 5.0, 200)],
)
def test_what_is_left_of_the_budget(limit: int, first: float | None, now: float, expected: int) -> None:
    assert _budget.remaining(limit, first, now) == expected


@pytest.mark.parametrize(
    ("sql", "ddl", "concurrent"),
    [
        ('ALTER TABLE "a" ADD "b" int', True, False),
        ("SET CONSTRAINTS x IMMEDIATE; ALTER TABLE a DROP CONSTRAINT x", True, False),
        ("-- why\nCREATE TABLE a ()", True, False),
        ("SELECT 'ALTER TABLE'", False, False),
        ("UPDATE a SET b = 1", False, False),
        ('CREATE UNIQUE INDEX CONCURRENTLY "a" ON "b" ("c")', True, True),
        ('DROP INDEX CONCURRENTLY IF EXISTS "a"', True, True),
        ("INSERT INTO a VALUES ('DROP INDEX CONCURRENTLY')", False, False),
    ],
)
def test_kinds_of_statements(sql: str, ddl: bool, concurrent: bool) -> None:
    assert bool(_budget._DDL.search(sql)) is ddl
    assert bool(_budget._CONCURRENTLY.match(sql)) is concurrent


@pytest.mark.parametrize(
    ("sql", "index", "table"),
    [
        ('CREATE INDEX CONCURRENTLY "a b" ON "c" ("d")', '"a b"', '"c"'),
        ("create unique index concurrently if not exists a on s.c using gin (d)", "a", "s.c"),
        ('CREATE INDEX CONCURRENTLY a ON ONLY "S"."T" (x)', "a", '"S"."T"'),
    ],
)
def test_name_of_a_concurrent_index(sql: str, index: str, table: str) -> None:
    match = _indexes._CREATE_INDEX.match(sql)
    assert match and (match.group("name"), match.group("table")) == (index, table)


@pytest.mark.parametrize(
    ("states", "count", "seconds", "answers"),
    [
        (["55P03", "40P01", "55P03"], 2, 60, [True, True, False]),
        (["23505"], 9, 60, [False]),
        (["55P03"], 9, 0, [False]),
        (["55P03"], 0, 60, [False]),
    ],
)
def test_only_locks_and_deadlocks_are_tried_again(
    states: list[str], count: int, seconds: float, answers: list[bool]
) -> None:
    retries = _budget.Retries(count, seconds, sleep=lambda _seconds: None)
    assert [retries.again(wrapped(DriverError(state, "no"))) for state in states] == answers


def test_pauses_grow_to_a_limit() -> None:
    assert [_budget.pause_before(attempt, 1.0) for attempt in (0, 1, 2, 20)] == [0.1, 0.2, 0.4, 5.0]
    assert _budget.pause_before(20, 0.0) == 2.5


def test_database_error_without_rows() -> None:
    error = wrapped(DriverError("23505", 'could not create unique index "x"', table_name="t", constraint_name="x"))
    text = _exceptions.summary(error)
    assert text == 'could not create unique index "x" (SQLSTATE 23505; table t, constraint x)'
    invalid = wrapped(DriverError("22P02", 'invalid input syntax for type integer: "a customer"'))
    assert "a customer" not in _exceptions.summary(invalid)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('FATAL:  password authentication failed for user "u"', "the password is refused"),
        ("connection to server at 127.0.0.1 failed: Connection refused", "nothing listens there"),
        ('FATAL:  database "x" does not exist', "the database 'x' does not exist"),
        ('FATAL:  role "r" does not exist', "the role 'r' does not exist"),
        ('could not translate host name "h" to address', "the host name is not known"),
        ("something new\nsecond line", "something new"),
    ],
)
def test_connection_errors(text: str, part: str) -> None:
    settings = {"USER": "u", "HOST": "h", "PORT": "", "NAME": "n", "PASSWORD": "hidden-word"}
    message = _exceptions.connecting("default", settings, RuntimeError(text))
    assert message.startswith("the database 'default' (u@h:5432/n) cannot be used: ") and part in message
    assert "hidden-word" not in message and "second line" not in message


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE a ADD b int; -- UPDATE\nCREATE INDEX x ON a (b)", 2),
        (["SELECT 1", ("UPDATE a SET b = %s", [1])], 2),
        (None, 0),
    ],
)
def test_statements_of_run_sql(sql: object, expected: int) -> None:
    assert len(_django_plan._statements(sql)) == expected


FACTS: dict[str, t.Any] = {
    "migration": "a.0002", "backwards": False, "operation": {"number": 1, "count": 2, "description": "Add x"},
    "error": "no", "sqlstate": "23505", "connection_lost": False, "place": "", "retries": 0, "blockers": [],
    "transaction_ended": False, "rolled_back": True, "can_go_on": False, "completed_operations": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "recorded", "parts"),
    [
        (
            {},
            False,
            ["failed in operation 1 of 2 (Add x): no.", "It was rolled back completely.", "Correct the migration"],
        ),
        ({}, None, ["could not be read"]),
        ({}, True, ["has it on record as complete"]),
        ({"backwards": True}, False, ["has it on record as complete", "was taken back and stays so"]),
        (
            {"rolled_back": False, "completed_operations": ["Add y"]},
            False,
            ["complete operations: Add y", "Undo those"],
        ),
        ({"rolled_back": False, "can_go_on": True}, False, ["complete operations: none", "is recognised and kept"]),
        ({"connection_lost": True}, None, ["server's log"]),
        (
            {"transaction_ended": True, "rolled_back": False},
            True,
            ["ended the transaction", "take COMMIT and ROLLBACK out"],
        ),
        ({"sqlstate": "42501"}, False, ["GRANT it what it lacks"]),
        ({"sqlstate": "55P03", "retries": 2}, False, ["tried 3 times", "End the session in the way"]),
    ],
)
def test_message_of_a_failure(changes: dict[str, t.Any], recorded: bool | None, parts: list[str]) -> None:
    text = _failure.message({**FACTS, **changes}, ["a.0001"], ["a.0003"], recorded)
    assert all(part in text for part in parts) and "a.0001 was" in text and "Not reached: a.0003." in text


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((7, "psql", "u", "10.0.0.5", "active", 2.04, 9.0, "t"), "session 7 (psql, u from 10.0.0.5, active for 2 s) on t"),
        ((7, "", "", "", "idle in transaction", 2.0, 9.0, ""),
         "session 7 (no application name, another role, idle in transaction for 9 s)"),
        ((0, "", "", "", "", None, None, ""), "a prepared transaction (see pg_prepared_xacts)"),
    ],
)  # fmt: skip
def test_sentence_about_a_blocker(row: tuple[t.Any, ...], text: str) -> None:
    assert _blockers.blocker_sentence(_blockers.blocker_of(row)) == text


CANDIDATE = _blockers.Candidate(7, "night report", "now", "client backend", True, False, 30.0)


@pytest.mark.parametrize(
    ("changes", "ends", "problem"),
    [
        ({}, True, ""),
        ({"seconds": 29.9}, False, ""),
        ({"application": "day report"}, False, ""),
        ({"application": ""}, False, ""),
        ({"application": "seamless.deploy watcher"}, False, ""),
        ({"same_database": False}, False, ""),
        ({"kind": "autovacuum worker"}, False, ""),
        ({"kind": "walsender"}, False, ""),
        ({"superuser": True}, False, "it is a superuser's"),
        ({"superuser": True, "seconds": None}, False, "it is a superuser's"),
        ({"kind": "", "seconds": None}, False, "GRANT pg_read_all_stats"),
    ],
)
def test_who_of_those_in_the_way_is_ended(changes: dict[str, t.Any], ends: bool, problem: str) -> None:
    found = CANDIDATE._replace(**changes)
    patterns = ["night*", "seamless*"]
    decided, told = _blockers.judged(found, 30, patterns)
    assert decided is ends and problem in told and bool(told) is bool(problem)
