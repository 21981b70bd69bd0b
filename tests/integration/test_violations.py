# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions to rows that break a migration, put to a real PostgreSQL 18 and 16 (control node)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._connection import parse_url
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _violations

TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE parent (id bigint PRIMARY KEY, code text);
CREATE TABLE "Odd t" ("K" int, k2 text, "a b" text, PRIMARY KEY ("K", k2));
CREATE TABLE loose (note text);
CREATE TABLE item (
  id bigint PRIMARY KEY, name text, email text, parent_id bigint, price numeric(8, 2), amount bigint, mood mood, live boolean
);
ALTER TABLE item ADD CONSTRAINT old_check CHECK (amount > -5) NOT VALID;
"""
ROWS = """
INSERT INTO parent VALUES (1, 'x');
INSERT INTO "Odd t" VALUES (1, 'a', NULL), (2, 'b', 'x');
INSERT INTO loose VALUES (NULL), ('secret');
ALTER TABLE item DROP CONSTRAINT old_check;
INSERT INTO item VALUES
  (1, NULL, 'A@x', 1, 10, 1, 'sad', true),
  (2, 'toolong', 'a@x', 2, 2000, 40000, 'ok', true),
  (3, '12', NULL, NULL, -1, -7, 'happy', false),
  (4, '12', NULL, 3, 5, 7, NULL, NULL),
  (5, 'ab  ', 'b@x', 3, 5, 7, 'ok', false);
ALTER TABLE item ADD CONSTRAINT old_check CHECK (amount > -5) NOT VALID;
"""
#: What a migration does, and (object, kind, rows, primary keys) of each that it cannot stand.
CASES: list[tuple[str, list[tuple[str, str, int, list[str]]]]] = [
    ("ALTER TABLE item ALTER name SET NOT NULL", [("public.item.name", "null", 1, ["1"])]),
    ('ALTER TABLE "Odd t" ALTER "a b" SET NOT NULL', [("public.Odd t.a b", "null", 1, ["1, a"])]),
    ("ALTER TABLE loose ALTER note SET NOT NULL", [("public.loose.note", "null", 1, [])]),
    ("ALTER TABLE item ADD COLUMN more int NOT NULL DEFAULT 1", []),
    (
        "ALTER TABLE item RENAME name TO title; ALTER TABLE item ALTER title SET NOT NULL",
        [("public.item.name", "null", 1, ["1"])],
    ),
    (
        "ALTER TABLE item RENAME TO thing; ALTER TABLE thing ADD UNIQUE (name)",
        [("public.item.name", "duplicate", 2, ["3", "4"])],
    ),
    ("ALTER TABLE item ADD UNIQUE (name, parent_id)", []),
    ("CREATE UNIQUE INDEX u ON item (name)", [("public.item.name", "duplicate", 2, ["3", "4"])]),
    ("CREATE UNIQUE INDEX u ON item (name) WHERE live", []),
    (
        "CREATE UNIQUE INDEX u ON item (lower(email) text_pattern_ops DESC)",
        [("public.item.lower(email)", "duplicate", 2, ["1", "2"])],
    ),
    (
        "CREATE UNIQUE INDEX v ON item (price, (amount + 1))",
        [("public.item(price, ((amount + 1)))", "duplicate", 2, ["4", "5"])],
    ),
    ("CREATE INDEX i ON item (name)", []),
    ("ALTER TABLE item ADD UNIQUE NULLS NOT DISTINCT (email)", [("public.item.email", "duplicate", 2, ["3", "4"])]),
    (
        "ALTER TABLE item ADD FOREIGN KEY (parent_id) REFERENCES parent",
        [("public.item.parent_id", "orphan", 3, ["2", "4", "5"])],
    ),
    ("ALTER TABLE item ADD FOREIGN KEY (parent_id) REFERENCES parent NOT VALID", []),
    (
        "ALTER TABLE parent RENAME id TO key; ALTER TABLE parent RENAME TO elder; ALTER TABLE item ADD FOREIGN KEY (parent_id) REFERENCES elder",
        [("public.item.parent_id", "orphan", 3, ["2", "4", "5"])],
    ),
    ("ALTER TABLE item ADD CHECK (price > 0)", [("public.item.price", "check", 1, ["3"])]),
    ("ALTER TABLE item ADD CHECK (price < amount * 2) NOT VALID", []),
    ("ALTER TABLE item VALIDATE CONSTRAINT old_check", [("public.item.amount", "check", 1, ["3"])]),
    ("ALTER TABLE item ADD CHECK (price > amount)", [("public.item(price, amount)", "check", 3, ["2", "4", "5"])]),
    ("ALTER TABLE item ALTER name TYPE varchar(2)", [("public.item.name", "range", 1, ["2"])]),
    ("ALTER TABLE item ALTER name TYPE varchar(50)", []),
    ("ALTER TABLE item ALTER amount TYPE smallint", [("public.item.amount", "range", 1, ["2"])]),
    ("ALTER TABLE item ALTER price TYPE numeric(5, 2)", [("public.item.price", "range", 1, ["2"])]),
    ("ALTER TABLE item ALTER name TYPE integer USING name::integer", [("public.item.name", "range", 2, ["2", "5"])]),
    (
        "CREATE TYPE few AS ENUM ('sad', 'ok'); ALTER TABLE item ALTER mood TYPE few USING mood::text::few",
        [("public.item.mood", "range", 1, ["3"])],
    ),
]


def asked(opened: t.Any, migration: str) -> list[tuple[str, str, int, list[str]]]:
    """Put the questions of a migration to the rows as they are without it."""
    rows(opened, TABLES)
    before = _snapshot.take(opened, "x", "now")
    rows(opened, f"BEGIN; {migration}")
    after = _snapshot.take(opened, "x", "now")
    rows(opened, "ROLLBACK")
    rows(opened, ROWS)
    rows(opened, "SET search_path = ''")
    found = []
    for query in _violations.queries(before, after):
        count = rows(opened, query.count)[0][0]
        keys = [key for (key,) in rows(opened, query.samples)] if query.samples else []
        if count:
            found.append((query.object, query.kind, count, keys))
    return found


def refused(opened: t.Any, migration: str) -> bool:
    """Tell whether the rows really keep PostgreSQL from it."""
    rows(opened, "SET search_path = public")
    try:
        rows(opened, f"BEGIN; {migration}")
    except Exception:
        return True
    finally:
        rows(opened, "ROLLBACK")
    return False


@pytest.mark.parametrize(("migration", "expected"), CASES)
def test_what_breaks_a_migration_is_found_and_nothing_else(
    database: t.Any, migration: str, expected: list[tuple[str, str, int, list[str]]]
) -> None:
    with connected(parse_url(database.superuser_url, "admin", "url")) as opened:
        assert asked(opened, migration) == expected
        assert refused(opened, migration) == bool(expected)


def test_an_older_server_is_asked_what_it_understands(database16: t.Any) -> None:
    with connected(parse_url(database16.superuser_url, "admin", "url")) as opened:
        some = ("null", "duplicate", "orphan", "check")
        every = [
            migration
            for migration, expected in CASES
            if "RENAME" not in migration and expected and expected[0][1] in some
        ]
        one = "; ".join(migration.replace("INDEX u", f"INDEX u{number}") for number, migration in enumerate(every))
        found = {(kind, count) for _object, kind, count, _keys in asked(opened, one)}
    assert {("null", 1), ("duplicate", 2), ("orphan", 3), ("check", 1)} <= found
