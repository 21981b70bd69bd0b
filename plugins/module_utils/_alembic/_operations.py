# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a call of `op` in a revision file to what it does. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import dataclasses
import typing as t

from . import _sql
from ._operation import (
    Column,
    ForeignKey,
    Known,
    Operation,
    called,
    column,
    foreign_keys,
    is_none,
    keywords,
    names,
    text_of,
)

#: Method of `op` -> its parameters in order. In batch mode those that name the table are left out.
PARAMETERS = {
    "create_table": ("table_name",),
    "drop_table": ("table_name",),
    "rename_table": ("old_table_name", "new_table_name"),
    "add_column": ("table_name", "column"),
    "drop_column": ("table_name", "column_name"),
    "alter_column": ("table_name", "column_name"),
    "create_index": ("index_name", "table_name", "columns"),
    "drop_index": ("index_name", "table_name"),
    "create_unique_constraint": ("constraint_name", "table_name", "columns"),
    "create_check_constraint": ("constraint_name", "table_name", "condition"),
    "create_primary_key": ("constraint_name", "table_name", "columns"),
    "create_exclude_constraint": ("constraint_name", "table_name"),
    "create_foreign_key": ("constraint_name", "source_table", "referent_table", "local_cols", "remote_cols"),
    "drop_constraint": ("constraint_name", "table_name", "type_"),
    "bulk_insert": ("table", "rows"),
    "execute": ("sqltext",),
}
_TABLE = ("table_name", "source_table", "old_table_name")
_NAME = ("new_table_name", "column_name", "index_name", "constraint_name")


def of_call(method: str, node: ast.Call, known: Known, batch: t.Optional[str] = None) -> list[Operation]:
    """What a method of `op` does, or of a batch for the table `batch`."""
    if method == "execute":
        return statement(node, known)
    if method == "bulk_insert":
        return [Operation("rows", node.lineno, text_of(node.args[0], known) if node.args else "")]
    parameters = [each for each in PARAMETERS[method] if batch is None or each not in _TABLE]
    given = {**dict(zip(parameters, node.args)), **{str(each.arg): each.value for each in node.keywords}}
    table = next((text_of(given[each], known) for each in _TABLE if each in given), "")
    table = qualified(table, node, known) if batch is None else batch
    inside = node.args[1:] if method == "create_table" else [given["column"]] if "column" in given else []
    columns = [each for each in (column(part, known) for part in inside) if each is not None]
    keys = [key for part in inside for key in foreign_keys(table, part, known)]
    if method == "create_table":
        columns = _with_primary_key(columns, inside, known)
    if method == "create_foreign_key":
        keys = [_foreign_key(table, given, node, known)]
    naming = next((given[each] for each in _NAME if each in given), None)
    name = text_of(naming, known) or (columns[0].name if columns else "")
    options = keywords(node, known)
    if naming is not None and is_none(naming):
        options["unnamed"] = True  # as autogenerate writes it where the model names no constraint
    if "type_" in given:
        options["type_"] = text_of(given["type_"], known)
    if "columns" in given:
        options["columns"] = names(given["columns"], known)
    return [Operation(method, node.lineno, table, name, tuple(columns), tuple(keys), options=options)]


def statement(node: ast.Call, known: Known, method: str = "execute") -> list[Operation]:
    """What is executed: SQL as text, an expression of SQLAlchemy, or an object for a session."""
    first = node.args[0] if node.args else None
    text = text_of(first, known)
    if " " in text.strip():
        return [Operation("sql", node.lineno, _sql.table_of(each), sql=each) for each in _sql.statements(text)]
    inside = list(ast.walk(first)) if first is not None else []
    words = {called(each) for each in inside if isinstance(each, ast.Call)}
    if method == "execute" and "select" in words and not words & {"insert", "update", "delete"}:
        return []
    named = [known[each.id] for each in inside if isinstance(each, ast.Name) and each.id in known]
    return [Operation("rows", node.lineno, next((each for each in named if isinstance(each, str)), ""))]


def table_of_batch(node: ast.Call, known: Known) -> str:
    """The table of op.batch_alter_table(...)."""
    named = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "table_name")]
    return qualified(text_of(named[0], known) if named else "", node, known)


def qualified(table: str, node: ast.Call, known: Known) -> str:
    """With its schema, where the call names one."""
    options = keywords(node, known)
    schema = options.get("schema") or options.get("source_schema")
    return f"{schema}.{table}" if schema and table else table


def _with_primary_key(columns: list[Column], inside: t.Sequence[ast.AST], known: Known) -> list[Column]:
    """A PrimaryKeyConstraint("id") says the same as primary_key=True."""
    constraints = [each for each in inside if isinstance(each, ast.Call) and called(each) == "PrimaryKeyConstraint"]
    keys = {text_of(name, known) for each in constraints for name in each.args}
    return [dataclasses.replace(each, primary_key=each.primary_key or each.name in keys) for each in columns]


def _foreign_key(table: str, given: t.Mapping[str, ast.AST], node: ast.Call, known: Known) -> ForeignKey:
    target = text_of(given.get("referent_table"), known)
    schema = keywords(node, known).get("referent_schema")
    return ForeignKey(
        table,
        tuple(names(given.get("local_cols"), known)),
        f"{schema}.{target}" if schema else target,
        tuple(names(given.get("remote_cols"), known)),
        text_of(given.get("constraint_name"), known),
    )
