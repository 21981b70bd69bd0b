# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the text of a revision tells of it before it runs. Pure; application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import ast
import re
import typing as t

from .._alembic._operation import Operation, called
from .._alembic._walk import Direction, read_direction

QUIET_SQL = re.compile(
    r"^\s*(ALTER|CREATE|DROP|COMMENT|GRANT|REVOKE|SET|RESET|LOCK|ANALYZE|VACUUM|REINDEX|REFRESH|BEGIN|COMMIT|PRAGMA)\b",
    re.I,
)
#: Calls by which a revision only describes what it wants, or looks at the schema.
_HARMLESS = frozenset(
    "op f batch_alter_table get_bind get_context autocommit_block inspect create drop globals has_table has_index "
    "str int bool len list tuple dict set frozenset sorted reversed enumerate zip range any all isinstance getattr print "
    "format join split strip lower upper replace startswith endswith append add extend get items keys values "
    "create_table_comment drop_table_comment create_type".split()
)
_LOOKING = ("get_", "has_", "safe_")
_DESCRIBING = ("sqlalchemy", "alembic", "geoalchemy2", "pgvector", "sqlalchemy_utils")
#: With these names code does something, also where they come from SQLAlchemy.
_ACTING = ("Session", "sessionmaker", "create_engine", "scoped_session", "create_all", "drop_all")


class Source(t.NamedTuple):
    """One direction of a revision. operations: in words. code: it runs what its text does not show. data: that, or it changes rows.

    atomic: it stays in its transaction. empty: there is nothing to do, or no such function. refuses: it raises at once.
    """

    operations: t.List[str]
    code: bool
    data: bool
    atomic: bool
    empty: bool
    refuses: bool


def source_of(text: str, backwards: bool) -> Source:
    """Of a file's text; where that cannot be read, it runs code."""
    word, other = ("downgrade", "upgrade") if backwards else ("upgrade", "downgrade")
    try:
        tree = ast.parse(text)
        read = read_direction(tree, word)
    except (SyntaxError, ValueError, RecursionError):
        return Source([], True, True, True, False, False)
    body = [node for node in tree.body if not str(getattr(node, "name", "")).startswith(other)]
    functions = [node for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    code = _runs_code(tree, functions) or any(_unknown(operation) for operation in read.operations)
    return Source(
        operations=[words(operation) for operation in read.operations],
        code=code,
        data=code or any(_changes_rows(operation) for operation in read.operations),
        atomic=not any(called(node) == "autocommit_block" for each in functions for node in ast.walk(each)),
        empty=_is_empty(tree, read, word),
        refuses=read.refuses,
    )


def words(operation: Operation) -> str:
    """add_column thing.note"""
    if operation.sql:
        text = " ".join(operation.sql.split())
        return text if len(text) <= 80 else text[:80] + "…"
    column = operation.columns[0].name if operation.kind == "add_column" and operation.columns else ""
    name = operation.name or column
    if operation.kind.endswith("_table"):
        return f"{operation.kind} {operation.table}"
    if operation.kind.endswith("_column") and operation.table:
        return f"{operation.kind} {operation.table}.{name}"
    place = f" on {operation.table}" if name and operation.table else f" {operation.table}" if operation.table else ""
    return f"{operation.kind}{' ' + name if name else ''}{place}"


def _unknown(operation: Operation) -> bool:
    return operation.kind == "create_all" or (operation.kind == "sql" and not operation.sql.strip())


def _changes_rows(operation: Operation) -> bool:
    if operation.kind in ("rows", "bulk_insert"):
        return True
    return operation.kind == "sql" and not QUIET_SQL.match(operation.sql)


def _runs_code(tree: ast.Module, functions: t.Sequence[t.Any]) -> bool:
    """Whether anything is called that neither describes nor looks at a schema."""
    from .._alembic._operations import PARAMETERS

    imported: t.Dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported.update({each.asname or each.name: node.module or "" for each in node.names})
        elif isinstance(node, ast.Import):
            imported.update({each.asname or each.name.partition(".")[0]: each.name for each in node.names})
    own = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    known = _HARMLESS | own | set(PARAMETERS)

    def harmless(call: ast.Call) -> bool:
        name = called(call)
        if name in _ACTING or (name == "execute" and _owner(call) != "op"):
            return False
        root = imported.get(_root(call.func), "").partition(".")[0]
        return name in known or name.startswith(_LOOKING) or root in _DESCRIBING or not name

    return not all(harmless(node) for each in functions for node in ast.walk(each) if isinstance(node, ast.Call))


def _owner(call: ast.Call) -> str:
    return call.func.value.id if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) else ""


def _root(node: ast.AST) -> str:
    """sa of sa.dialects.postgresql.JSONB"""
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_empty(tree: ast.Module, read: Direction, word: str) -> bool:
    """Nothing but a docstring and pass."""
    if not read.defined:
        return True
    function = next(node for node in tree.body if getattr(node, "name", "") == word)
    body = getattr(function, "body", [])
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and not any(isinstance(each, ast.Call) for each in ast.walk(node)))
        for node in body
    )
