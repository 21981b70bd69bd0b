# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Alembic project is made of and what its models demand of the schema. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import importlib
import sys
import typing as t

from . import _alembic_setup

DEMANDS_VERSION = 1
_DRIVERS = ("psycopg", "psycopg2", "asyncpg", "pg8000", "aiosqlite")


def describe(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `describe`. Runs env.py, which connects, since only there the models and the database are known. Writes nothing."""
    project = _alembic_setup.prepare(arguments, answer)
    found = project.run(lambda heads, context: of_release(project, context), reading=True)
    return {**of_project(project), **found}


def of_project(project: t.Any) -> t.Dict[str, t.Any]:
    """Its database without a password, and what it runs with; known after a run."""
    target = project.target
    place = {
        "engine": target.engine,
        "name": target.name,
        "host": target.host,
        "port": target.port,
        "user": target.user,
    }
    return {
        "databases": {project.database: place},
        "config": str(project.config.config_file_name or ""),
        "script_location": str(project.script.dir),
        "flask": project.flask is not None,
        "versions": versions(),
        "warnings": list(project.warnings),
    }


def of_release(project: t.Any, context: t.Any) -> t.Dict[str, t.Any]:
    """What a verdict asks of a release: what its models demand of a database, and through which driver."""
    told = demands(project.metadata, context.dialect, project.database)
    return {"demands": told, "drivers": drivers(), "demands_all": ""}


def versions() -> t.Dict[str, str]:
    import alembic
    import sqlalchemy

    found = {"alembic": alembic.__version__, "sqlalchemy": sqlalchemy.__version__}
    found["python"] = "{}.{}.{}".format(*sys.version_info[:3])
    for name in ("flask", "flask_migrate"):
        if name in sys.modules:
            found[name] = _version(name)
    return {**found, **drivers()}


def _version(name: str) -> str:
    try:
        return str(importlib.import_module("importlib.metadata").version(name.replace("_", "-")))
    except Exception:  # Python 3.7 does not have it
        return str(getattr(sys.modules[name], "__version__", ""))


def drivers() -> t.Dict[str, str]:
    loaded = [name for name in _DRIVERS if name in sys.modules]
    return {name: str(getattr(sys.modules[name], "__version__", "")).partition(" ")[0] for name in loaded}


def demands(metadata: t.Sequence[t.Any], dialect: t.Any, alias: str) -> t.Dict[str, t.Any]:
    """Tables, columns, foreign keys and unique sets that the models of one database rely on."""
    tables = {_name(table): _table(table, dialect) for one in metadata for table in one.tables.values()}
    return {"version": DEMANDS_VERSION, "framework": "alembic", "alias": alias, "tables": tables}


def _name(table: t.Any) -> str:
    return f"{table.schema}.{table.name}" if table.schema else str(table.name)


def _table(table: t.Any, dialect: t.Any) -> t.Dict[str, t.Any]:
    return {
        "model": _name(table),
        "managed": True,
        "columns": {str(column.name): _column(column, table, dialect) for column in table.columns},
        "foreign_keys": [each for constraint in _keys(table) for each in _foreign_key(constraint)],
        "unique": _unique_sets(table),
    }


def _column(column: t.Any, table: t.Any, dialect: t.Any) -> t.Dict[str, t.Any]:
    numbered = getattr(table, "_autoincrement_column", None) is column
    return {
        "field": str(column.key),
        "type": _type_of(column, dialect),
        "null": bool(column.nullable),
        "primary_key": bool(column.primary_key),
        # the database fills it when an INSERT leaves it out
        "db_default": column.server_default is not None,
        "generated": bool(numbered or getattr(column, "computed", None) or getattr(column, "identity", None)),
    }


def _type_of(column: t.Any, dialect: t.Any) -> str:
    from sqlalchemy import Enum

    try:
        text = str(column.type.compile(dialect=dialect))
    except Exception:  # a type of another engine, or one that only shows in a statement
        return ""
    return text if isinstance(column.type, Enum) else text.lower()


def _keys(table: t.Any) -> t.List[t.Any]:
    return sorted(table.foreign_key_constraints, key=lambda key: [str(column.name) for column in key.columns])


def _foreign_key(constraint: t.Any) -> t.Iterator[t.Dict[str, t.Any]]:
    """One entry of each column."""
    for element in constraint.elements:
        table, _dot, column = element.target_fullname.rpartition(".")
        yield {
            "column": str(element.parent.name),
            "table": table,
            "references": column,
            "on_delete": str(constraint.ondelete or ""),
            "constraint": True,
        }


def _unique_sets(table: t.Any) -> t.List[t.List[str]]:
    """Sets of columns that are unique without a condition: an upsert can name them."""
    from sqlalchemy import UniqueConstraint

    constraints = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    sets = [[str(column.name) for column in each.columns] for each in constraints]
    for index in table.indexes:
        conditions = [value.get("where") for value in index.dialect_options.values() if hasattr(value, "get")]
        plain = len(index.expressions) == len(index.columns)
        if index.unique and plain and not any(condition is not None for condition in conditions):
            sets.append([str(column.name) for column in index.columns])
    return sorted(sets)
