# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements that make what a catalog lacks, on PostgreSQL. Pure; target; PRIVATE to the collection.

They come from the catalog of a replay and name every object with its schema. Whether they lead to that very catalog is proven
where they run, and not here.
"""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, Path, Value

#: In the order in which they can be made. Foreign keys come after all other constraints.
_ORDER = (
    "extension",
    "enum",
    "domain",
    "sequence",
    "table",
    "column",
    "constraint",
    "foreign",
    "index",
    "view",
    "trigger",
)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def qualified(name: str) -> str:
    """A name of the catalog, "schema.name", as a statement takes it."""
    schema, dot, own = name.partition(".")
    return f"{quoted(schema)}.{quoted(own)}" if dot else quoted(name)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def missing(expected: Atoms, real: Atoms) -> t.List[Path]:
    """What is not there at all, whole tables before what belongs to them."""
    return [path for path in expected if path not in real]


def create(expected: Atoms, real: Atoms) -> t.Tuple[t.List[str], t.List[str]]:
    """(statements, what cannot be made from a catalog)."""
    gone = missing(expected, real)
    tables = {path[2] for path in gone if path[0] == "table"}
    made: t.List[t.Tuple[int, str]] = []
    refused: t.List[str] = []
    for path in gone:
        kind, owner, name = path
        if (kind == "column" and owner in tables) or (kind == "sequence" and _of_identity(path, expected)):
            continue
        if kind == "constraint" and expected[path]["kind"] == "foreign":
            kind = "foreign"
        statements = _statements(kind, path, expected)
        if statements is None:
            refused.append(f"{path[0]} {f'{owner}.' if owner else ''}{name}")
            continue
        made += [(_ORDER.index(kind), statement) for statement in statements]
    owned = [
        _owned(path, expected[path]) for path in gone if path[0] == "sequence" and not _of_identity(path, expected)
    ]
    ordered = [statement for _place, statement in sorted(made, key=lambda one: one[0])]
    return ordered + [statement for statement in owned if statement], refused


def _of_identity(path: Path, expected: Atoms) -> bool:
    table, _dot, column = str(expected[path].get("owned_by") or "").rpartition(".")
    return bool(expected.get(("column", table, column), {}).get("identity"))


def _owned(path: Path, value: Value) -> str:
    table, _dot, column = str(value.get("owned_by") or "").rpartition(".")
    return f"ALTER SEQUENCE {qualified(path[2])} OWNED BY {qualified(table)}.{quoted(column)}" if table else ""


def _statements(kind: str, path: Path, expected: Atoms) -> t.Optional[t.List[str]]:
    """None for what a catalog does not tell enough of."""
    _kind, owner, name = path
    value = expected[path]
    if kind == "table":
        return _table(name, value, expected)
    if kind == "column":
        return [f"ALTER TABLE {qualified(owner)} ADD COLUMN {column(name, value)}"]
    if kind in ("constraint", "foreign"):
        valid = "" if value["validated"] else " NOT VALID"
        return [f"ALTER TABLE {qualified(owner)} ADD CONSTRAINT {quoted(name)} {value['definition']}{valid}"]
    if kind in ("index", "trigger"):
        return [value["definition"]]
    if kind == "view":
        word = "MATERIALIZED VIEW" if value["materialized"] else "VIEW"
        return [f"CREATE {word} {qualified(name)} AS {value['definition'].rstrip().rstrip(';')}"]
    if kind == "enum":
        return [f"CREATE TYPE {qualified(name)} AS ENUM ({', '.join(map(literal, value['labels']))})"]
    if kind == "extension":
        return [f"CREATE EXTENSION {quoted(name)} SCHEMA {quoted(value['schema'])}"]
    if kind == "domain":
        words = [f"CREATE DOMAIN {qualified(name)} AS {value['type']}"]
        words += [f"DEFAULT {value['default']}"] if value["default"] else []
        words += ["NOT NULL"] if value["not_null"] else []
        return [" ".join([*words, *value["checks"]])]
    if kind == "sequence":
        return [_sequence(name, value)]
    return None


def _sequence(name: str, value: Value) -> str:
    cycle = " CYCLE" if value["cycle"] else ""
    return (
        f"CREATE SEQUENCE {qualified(name)} AS {value['type']} START {value['start']} INCREMENT {value['increment']} "
        f"MINVALUE {value['minimum']} MAXVALUE {value['maximum']}{cycle}"
    )


def _table(name: str, value: Value, expected: Atoms) -> t.Optional[t.List[str]]:
    if value["kind"] not in ("table", "partitioned") or value["inherits"]:
        return None
    word = "UNLOGGED TABLE" if value["unlogged"] else "TABLE"
    if value["partition_of"]:
        text = f"CREATE {word} {qualified(name)} PARTITION OF {qualified(value['partition_of'])} {value['partition_bound']}"
    else:
        own = [(path[2], expected[path]) for path in expected if path[0] == "column" and path[1] == name]
        text = f"CREATE {word} {qualified(name)} ({', '.join(column(each, facts) for each, facts in own)})"
        text += f" PARTITION BY {value['partition_key']}" if value["partition_key"] else ""
        text += f" WITH ({', '.join(value['options'])})" if value["options"] else ""
    made = [text]
    made += [f"COMMENT ON TABLE {qualified(name)} IS {literal(value['comment'])}"] if value["comment"] else []
    made += [f"ALTER TABLE {qualified(name)} ENABLE ROW LEVEL SECURITY"] if value["row_security"] else []
    return made


def column(name: str, value: Value) -> str:
    """As CREATE TABLE and ADD COLUMN take it."""
    words = [quoted(name), value["type"]]
    words += [f"COLLATE {qualified(value['collation'])}"] if value["collation"] else []
    words += [f"DEFAULT {value['default']}"] if value["default"] else []
    words += ["NOT NULL"] if value["not_null"] else []
    if value["generation"]:
        words.append(f"GENERATED ALWAYS AS ({value['generated']}) {value['generation'].upper()}")
    if value["identity"]:
        how = "ALWAYS" if value["identity"] == "always" else "BY DEFAULT"
        words.append(f"GENERATED {how} AS IDENTITY")
    return " ".join(words)


def drop_index(name: str) -> str:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {qualified(name)}"


def record(table: str, heads: t.Sequence[str], there: bool) -> t.List[str]:
    """The table of versions says just this afterwards. table: as a statement takes it. there: whether it exists."""
    made = [] if there else [_versions(table)]
    made.append(f"DELETE FROM {table}")
    return made + [f"INSERT INTO {table} (version_num) VALUES ({literal(head)})" for head in heads]


def _versions(table: str) -> str:
    """As Alembic makes it."""
    name = table.rpartition(".")[2].strip('"')
    key = quoted(f"{name}_pkc")
    return f"CREATE TABLE {table} (version_num VARCHAR(32) NOT NULL, CONSTRAINT {key} PRIMARY KEY (version_num))"
