# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one operation of a revision is about: its table, columns, constraints. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import dataclasses
import typing as t

from ._revision import Unknown, value_of

Known = t.Mapping[str, t.Any]

#: Types that hold the same values under several names.
FAMILIES = {
    "integer": ("integer", "int", "serial"),
    "bigint": ("biginteger", "bigint", "bigserial"),
    "smallint": ("smallinteger", "smallint"),
    "uuid": ("uuid", "guid", "uuidtype"),
    "text": ("string", "varchar", "unicode", "text", "unicodetext", "autostring", "char"),
}
_ENUMS = ("Enum", "ENUM")


@dataclasses.dataclass(frozen=True)
class Column:
    """A sa.Column(...). type: its family in lower case. enum: the type in the database that it makes, by name."""

    name: str
    type: str = ""
    primary_key: bool = False
    nullable: bool = True
    has_default: bool = False
    enum: str = ""


@dataclasses.dataclass(frozen=True)
class ForeignKey:
    """From columns of one table to another. Unknown names are empty."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...] = ()
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One call of `op`, or one statement of SQL. Names that only show when it runs are empty.

    kind: the name of the method; `sql` for a statement; `rows` for code that writes rows; `create_all` for tables made from the models.
    table: with its schema, where it names one. name: of the index or constraint, of the column, or the new one of a table.
    """

    kind: str
    line: int
    table: str = ""
    name: str = ""
    columns: tuple[Column, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    sql: str = ""
    options: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


def called(node: ast.AST) -> str:
    """The last name of what is called: Column of sa.Column(...)."""
    function = node.func if isinstance(node, ast.Call) else node
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def text_of(node: t.Optional[ast.AST], known: Known) -> str:
    """A string, also out of op.f("x"), sa.text("x") and "a" "b"; what only shows when it runs is left out of it."""
    if node is None:
        return ""
    try:
        value = value_of(node, known)
        return value if isinstance(value, str) else ""
    except Unknown:
        pass
    if isinstance(node, ast.Attribute) and node.attr == "__tablename__":
        return str(known.get(f"{called(node.value)}.__tablename__", ""))
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part, known) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return text_of(node.value, known)
    if isinstance(node, ast.BinOp):
        return text_of(node.left, known) + (text_of(node.right, known) if isinstance(node.op, ast.Add) else "")
    if isinstance(node, ast.Call):
        inside = node.func.value if isinstance(node.func, ast.Attribute) else None
        found = (text_of(each, known) for each in [*node.args[:1], inside] if each is not None)
        return next((text for text in found if text), "")
    return ""


def column(node: ast.AST, known: Known) -> t.Optional[Column]:
    """A sa.Column("name", type, ...), None where it is something else."""
    if not isinstance(node, ast.Call) or called(node) != "Column":
        return None
    options = keywords(node, known)
    named = node.args and text_of(node.args[0], known)
    name = named or str(options.get("name") or "")
    inside = node.args[1:] if named else node.args
    typed = next(
        (each for each in inside if called(each) not in ("ForeignKey", "Sequence", "Identity", "Computed")), None
    )
    typed = typed or next((each.value for each in node.keywords if each.arg == "type_"), None)
    primary = options.get("primary_key") is True
    defaults = {each.arg for each in node.keywords} & {"server_default", "autoincrement"}
    return Column(
        name=name,
        type=_family(typed),
        primary_key=primary,
        nullable=options.get("nullable", not primary) is not False,
        has_default=bool(defaults) or any(called(each) in ("Identity", "Computed") for each in inside),
        enum=_enum(typed, known),
    )


def foreign_keys(table: str, node: ast.AST, known: Known) -> list[ForeignKey]:
    """Those of a Column(..., ForeignKey("t.id")) or a ForeignKeyConstraint(["a"], ["t.id"])."""
    if not isinstance(node, ast.Call):
        return []
    if called(node) == "ForeignKeyConstraint" and len(node.args) > 1:
        own, others = (names(each, known) for each in node.args[:2])
        target, target_columns = _referenced(others)
        name = str(keywords(node, known).get("name") or "")
        return [ForeignKey(table, tuple(own), target, target_columns, name)]
    if called(node) != "Column":
        return []
    found = column(node, known)
    keys = [each for each in node.args if isinstance(each, ast.Call) and called(each) == "ForeignKey" and each.args]
    return [
        ForeignKey(table, (found.name,), *_referenced([text_of(each.args[0], known)]))
        for each in keys
        if found is not None
    ]


def keywords(node: ast.Call, known: Known) -> dict[str, t.Any]:
    """The keyword arguments that are literals, or names such as op.f("ix_a")."""
    found: dict[str, t.Any] = {}
    for each in node.keywords:
        try:
            found[str(each.arg)] = value_of(each.value, known)
        except Unknown:
            if called(each.value) == "f":
                found[str(each.arg)] = text_of(each.value, known)
    return found


def names(node: t.Optional[ast.AST], known: Known) -> list[str]:
    """Several names, unknown ones as ""."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return [text_of(each, known) for each in node.elts]
    one = text_of(node, known)
    return [one] if one else []


def is_none(node: ast.AST) -> bool:
    try:
        return value_of(node, {}) is None
    except Unknown:
        return False


def type_family(name: str) -> str:
    """One word for types that hold the same values."""
    lower = name.lower()
    return next((family for family, alike in FAMILIES.items() if lower in alike), lower)


def _referenced(others: t.Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """(table, columns) of ["schema.table.column", ...]."""
    target = others[0].rpartition(".")[0] if others else ""
    return target, tuple(each.rpartition(".")[2] for each in others)


def _type_call(node: t.Optional[ast.AST]) -> t.Optional[ast.AST]:
    """The type itself of sa.Integer().with_variant(...)."""
    while isinstance(node, ast.Call) and called(node) in ("with_variant", "evaluates_none"):
        node = node.func.value if isinstance(node.func, ast.Attribute) else None
    return node


def _family(node: t.Optional[ast.AST]) -> str:
    typed = _type_call(node)
    return type_family(called(typed)) if typed is not None else ""


def _enum(node: t.Optional[ast.AST], known: Known) -> str:
    typed = _type_call(node)
    if not isinstance(typed, ast.Call) or called(typed) not in _ENUMS:
        return ""
    options = keywords(typed, known)
    makes = options.get("create_type") is not False and options.get("native_enum") is not False
    return str(options.get("name") or "") if makes else ""
