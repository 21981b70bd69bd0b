# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Goes through upgrade() or downgrade() of a revision file without running it. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import typing as t

from . import _operations
from ._operation import Operation, called, text_of
from ._revision import Unknown, value_of

#: Methods of a connection or session by which rows are written.
_WRITING = (
    "execute", "exec_driver_sql", "add", "add_all", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings", "update", "delete",
    "merge", "commit", "flush",
)  # fmt: skip
#: Alembic's own, and that of the migration helpers.
_BATCHES = ("batch_alter_table", "safe_batch_alter_table")
_DEEPEST = 8


@dataclasses.dataclass(frozen=True)
class Direction:
    """What one of the two functions does. defined: it is there. refuses: it raises before anything else.

    drops_itself: it calls drop() of an object, such as an Enum.
    """

    operations: tuple[Operation, ...] = ()
    defined: bool = False
    refuses: bool = False
    drops_itself: bool = False


def read_direction(tree: ast.Module, word: str, named: t.Optional[t.Mapping[str, str]] = None) -> Direction:
    """word: upgrade or downgrade. With several databases it calls upgrade_NAME for each; those are taken together.

    named: what models call their tables, such as {"User.__tablename__": "users"}.
    """
    functions = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    if word not in functions:
        return Direction()
    walker = _Walker(tree, functions, named or {})
    starts = [functions[word]]
    if "globals" in {called(each) for each in ast.walk(functions[word]) if isinstance(each, ast.Call)}:
        starts += [function for name, function in functions.items() if name.startswith(f"{word}_")]
    for function in starts:
        walker.walk(function.body, dict(walker.constants))
    texts = [
        each for each in functions[word].body if isinstance(each, ast.Expr) and not isinstance(each.value, ast.Call)
    ]
    body = [each for each in functions[word].body if each not in texts]
    drops = any(isinstance(each, ast.Call) and called(each) == "drop" for each in ast.walk(functions[word]))
    return Direction(tuple(walker.found), True, bool(body) and isinstance(body[0], ast.Raise), drops)


class _Walker:
    """Takes operations down in the order in which they stand, with the names whose values are literals."""

    def __init__(self, tree: ast.Module, functions: t.Mapping[str, t.Any], named: t.Mapping[str, str]) -> None:
        self.found: list[Operation] = []
        self.constants: dict[str, t.Any] = dict(named)
        self._functions = dict(functions)
        self._op = {"op"}
        self._batches: dict[str, str] = {}
        self._connections: set[str] = set()
        self._depth = 0
        for node in tree.body:
            self._remember(node, self.constants)
            if isinstance(node, ast.ImportFrom) and node.module == "alembic":
                self._op |= {each.asname for each in node.names if each.name == "op" and each.asname}

    def walk(self, body: t.Sequence[ast.AST], known: dict[str, t.Any]) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._functions[node.name] = node
            elif isinstance(node, (ast.For, ast.AsyncFor)):
                self._loop(node, known)
            elif isinstance(node, (ast.With, ast.AsyncWith)):
                self._with(node, known)
            elif not isinstance(node, ast.ClassDef):
                self._remember(node, known)
                for name in ("test", "value", "exc"):  # what the statement itself evaluates
                    self._calls(getattr(node, name, None), known)
                for block in _blocks(node):
                    self.walk(block, known)

    def _remember(self, node: ast.AST, known: dict[str, t.Any]) -> None:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for name in [target.id for target in targets if isinstance(target, ast.Name)]:
            known.pop(name, None)
            with contextlib.suppress(Unknown):
                known[name] = value_of(node.value, known)
            if isinstance(node.value, ast.Call) and called(node.value) in ("table", "Table") and node.value.args:
                known[name] = text_of(node.value.args[0], known)
            if self._speaks(node.value):
                self._connections.add(name)

    def _speaks(self, node: ast.AST) -> bool:
        """Whether an expression is a connection to the database, or made from one. What only inspects is not."""
        inside = list(ast.walk(node))
        if any(isinstance(each, ast.Call) and called(each) in ("inspect", "from_engine") for each in inside):
            return False
        return any(
            (isinstance(each, ast.Attribute) and each.attr in ("get_bind", "get_context"))
            or (isinstance(each, ast.Name) and each.id in self._connections)
            for each in inside
        )

    def _loop(self, node: t.Any, known: dict[str, t.Any]) -> None:
        self._calls(node.iter, known)
        values: t.Any = []
        with contextlib.suppress(Unknown):
            values = value_of(node.iter, known)
        if isinstance(node.target, ast.Name) and isinstance(values, (list, tuple)) and values:
            for value in values:
                self.walk(node.body, {**known, node.target.id: value})
        else:
            self.walk(node.body, known)

    def _with(self, node: t.Any, known: dict[str, t.Any]) -> None:
        for item in node.items:
            name = item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else ""
            if isinstance(item.context_expr, ast.Call) and called(item.context_expr) in _BATCHES:
                self._batches[name] = _operations.table_of_batch(item.context_expr, known)
            elif name and self._speaks(item.context_expr):
                self._connections.add(name)
        self.walk(node.body, known)

    def _calls(self, node: t.Optional[ast.AST], known: dict[str, t.Any]) -> None:
        for call in _outermost_first(node):
            done = self._take_down(call, known)
            if not done and isinstance(call.func, ast.Name) and call.func.id in self._functions:
                self._enter(self._functions[call.func.id], call, known)

    def _enter(self, function: t.Any, call: ast.Call, known: dict[str, t.Any]) -> None:
        """Go through a function of the same file, with the literals that it is given."""
        if self._depth >= _DEEPEST:
            return
        given = dict(self.constants)
        parameters = [each.arg for each in function.args.args]
        for name, value in [*zip(parameters, call.args), *((str(each.arg), each.value) for each in call.keywords)]:
            if self._speaks(value):
                self._connections.add(name)
            with contextlib.suppress(Unknown):
                given[name] = value_of(value, known)
        self._depth += 1
        self.walk(function.body, given)
        self._depth -= 1

    def _take_down(self, node: ast.Call, known: dict[str, t.Any]) -> bool:
        """Whether a call is one of `op`, of a batch, of a helper for migrations or of a connection; if so, what it does."""
        method = called(node)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        name = called(owner) if isinstance(owner, (ast.Name, ast.Attribute)) else ""
        known_method = method in _operations.PARAMETERS
        if known_method and (name in self._batches or name in self._op):
            self.found += _operations.of_call(method, node, known, self._batches.get(name))
        elif owner is None and method.startswith("safe_") and method[5:] in _operations.PARAMETERS:
            self.found += _operations.of_call(method[5:], node, known)
        elif method == "create_all" or (method == "create" and owner is not None and "__table__" in ast.dump(owner)):
            self.found.append(Operation("create_all", node.lineno))
        elif owner is not None and method in _WRITING and self._speaks(owner):
            self.found += _operations.statement(node, known, method)
        else:
            return False
        return True


def _blocks(node: ast.AST) -> t.Iterator[t.Sequence[ast.AST]]:
    """The statements inside of a statement: of if, while, try, match."""
    inner = [
        getattr(node, "body", None),
        *(each.body for each in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]),
    ]
    for block in [*inner, getattr(node, "orelse", None), getattr(node, "finalbody", None)]:
        if isinstance(block, list):
            yield block


def _outermost_first(node: t.Optional[ast.AST]) -> t.Iterator[ast.Call]:
    """The calls in an expression, without what stands in a lambda."""
    waiting = [node] if node is not None else []
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, ast.Call):
            yield each
        if not isinstance(each, ast.Lambda):
            waiting.extend(ast.iter_child_nodes(each))
