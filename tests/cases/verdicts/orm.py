# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements of a release as an ORM writes them, from what its models demand (control node)."""

from __future__ import annotations

import itertools
import re
import typing as t

from tests.cases.verdicts.form import Release, demanded

STRINGS = ("text", "varchar", "char", "citext")
NAMED: dict[str, t.Callable[[int, list[int]], str]] = {
    "smallint": lambda number, digits: f"{32767 - number}",
    "integer": lambda number, digits: f"{2147483647 - number}",
    "bigint": lambda number, digits: f"{9223372036854775807 - number}",
    "numeric": lambda number, digits: f"{10 ** (digits[0] - digits[1]) - 1 if len(digits) == 2 else 10**30}.5",
    "double precision": lambda number, digits: f"{number}.5",
    "boolean": lambda number, digits: "true",
    "date": lambda number, digits: f"'2026-01-{number + 1:02}'::date",
    "timestamp with time zone": lambda number, digits: f"'2026-01-02 03:04:05.{number}+00'::timestamptz",
    "timestamp": lambda number, digits: f"'2026-01-02 03:04:05.{number}'::timestamp",
    "uuid": lambda number, digits: f"'00000000-0000-0000-0000-{number:012}'::uuid",
    "json": lambda number, digits: f"'{{\"a\": {number}}}'",
    "jsonb": lambda number, digits: f"'{{\"a\": {number}}}'",
    "text[]": lambda number, digits: "ARRAY['x']",
    "inet": lambda number, digits: "'192.0.2.1'",
    "int4range": lambda number, digits: f"'[{number * 10},{number * 10 + 5})'",
    "bytea": lambda number, digits: "'\\x00'",
}
COMPARED = "SELECT 1 FROM {table} WHERE {column} = {value}"


def statements(release: Release) -> t.Iterator[str]:
    """Every table read, written twice with the largest values, once with NULLs, updated and deleted from; then its own."""
    number = itertools.count(1)
    for name, table in demanded(release.tables).items():
        columns = table["columns"]
        yield f"SELECT {', '.join(columns)} FROM {name}"
        yield from _comparisons(name, table, next(number))
        for _time in range(2):
            yield _insert(name, table, next(number))
        if any(fact["null"] for fact in columns.values()):
            yield _insert(name, table, next(number), nulls=True)
        written = [column for column, fact in columns.items() if not fact["generated"]]
        values = _values(table, next(number))
        if written:
            yield f"UPDATE {name} SET {', '.join(f'{column} = {values[column]}' for column in written)} WHERE false"
        yield f"DELETE FROM {name} WHERE false"
        for target in _targets(name, release):
            update = ", ".join(f"{column} = EXCLUDED.{column}" for column in target)
            yield f"{_insert(name, table, next(number))} ON CONFLICT ({', '.join(target)}) DO UPDATE SET {update}"
    yield from release.runs


def _targets(name: str, release: Release) -> list[list[str]]:
    found = [re.match(rf"^{name}\((.+)\)$", entry) for entry in release.raw]
    return [[column.strip() for column in match[1].split(",")] for match in found if match]


def _comparisons(name: str, table: dict[str, t.Any], number: int) -> t.Iterator[str]:
    values = _values(table, number)
    for column, fact in table["columns"].items():
        kind = fact["type"]
        if kind == "jsonb":
            yield f"SELECT 1 FROM {name} WHERE {column} @> '{{}}'"
        elif not fact["generated"] and kind != "json":
            yield COMPARED.format(table=name, column=column, value=values[column])


def _insert(name: str, table: dict[str, t.Any], number: int, nulls: bool = False) -> str:
    values = _values(table, number)
    written = {}
    for column, fact in table["columns"].items():
        if fact["generated"]:
            continue
        written[column] = "NULL" if nulls and fact["null"] else "DEFAULT" if fact["db_default"] else values[column]
    if not written:
        return f"INSERT INTO {name} DEFAULT VALUES"
    return f"INSERT INTO {name} ({', '.join(written)}) VALUES ({', '.join(written.values())})"


def _values(table: dict[str, t.Any], number: int) -> dict[str, str]:
    alone = {column for names in table["unique"] for column in names[:1]}
    keys = {key["column"] for key in table["foreign_keys"]}
    found = {}
    for column, fact in table["columns"].items():
        found[column] = "1" if column in keys else _value(fact["type"], number if column in alone else 0)
    return found


def _value(kind: str, number: int) -> str:
    """The largest that the type takes; another one for each number."""
    name, _bracket, modifier = kind.partition("(")
    digits = [int(part) for part in modifier.rstrip(")").split(",")] if modifier else []
    if name not in STRINGS and name not in NAMED:
        return "'new'"  # an enum or a domain of the cases
    text = f"{number or ''}{'x' * (digits[0] if digits else 500)}"[: digits[0] if digits else 500]
    return NAMED[name](number, digits) if name in NAMED else f"'{text}'"
