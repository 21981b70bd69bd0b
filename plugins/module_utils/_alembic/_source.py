# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Python file as a place from which others are called. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import typing as t

from . import _revision
from ._operation import called
from ._switch import Guard

_WORD = re.compile(r"\w+")


class Spot(t.NamedTuple):
    """A place in a file. function: the innermost one around it, "" at the top. main: below `if __name__ == "__main__"`."""

    path: str
    line: int
    function: str = ""
    guards: t.Tuple[Guard, ...] = ()
    main: bool = False


class Function(t.NamedTuple):
    """A function, or a method. owner: its class. decorators: dotted, with their first argument where that is a text."""

    path: str
    name: str
    owner: str
    decorators: t.Tuple[t.Tuple[str, str], ...]


class Module:
    """names: every name that is used, with what stands before its dot, and where. imports: local name -> dotted name."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.tree = tree
        self.functions: dict[str, Function] = {}
        self.imports: dict[str, str] = {}
        self.calls: list[tuple[ast.Call, Spot]] = []
        self.names: list[tuple[str, str, Spot]] = []
        for node in ast.walk(tree):
            self._import(node)
        self._body(tree.body, Spot(path, 0))

    @property
    def stem(self) -> str:
        """By what it is imported: orders of shop/orders.py and of shop/orders/__init__.py."""
        parts = os.path.splitext(self.path)[0].split(os.sep)
        return parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]

    def full(self, node: ast.AST) -> str:
        """The dotted name of an expression, its first part as it was imported."""
        parts = []
        while isinstance(node, (ast.Attribute, ast.Call)):
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
            node = node.func if isinstance(node, ast.Call) else node.value
        first = node.id if isinstance(node, ast.Name) else ""
        return ".".join([self.imports.get(first, first), *reversed(parts)])

    def _import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for each in node.names:
                self.imports[each.asname or each.name.split(".")[0]] = (
                    each.name if each.asname else each.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                self.imports[each.asname or each.name] = f"{node.module}.{each.name}" if node.module else each.name

    def _body(self, body: t.Sequence[ast.AST], spot: Spot, owner: str = "") -> None:
        for node in body:
            here = spot._replace(line=getattr(node, "lineno", 0))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                decorators = tuple(_decorator(self, each) for each in node.decorator_list)
                self.functions[node.name] = Function(self.path, node.name, owner, decorators)
                self._body(node.body, here._replace(function=node.name, guards=(), main=False))
            elif isinstance(node, ast.ClassDef):
                self._body(node.body, here, node.name)
            elif isinstance(node, ast.If):
                self._condition(node, here)
                if _leaves(node.body) and not node.orelse:
                    spot = spot._replace(guards=(*spot.guards, Guard(node.test, False)))
            else:
                for field, value in ast.iter_fields(node):
                    if field in ("body", "orelse", "finalbody", "handlers", "cases") and isinstance(value, list):
                        self._body([part for each in value for part in _inner(each)], here)
                    else:
                        self._expressions(value, here)

    def _condition(self, node: ast.If, here: Spot) -> None:
        self._expressions(node.test, here)
        main = here.main or ("__name__" in ast.dump(node.test) and "__main__" in ast.dump(node.test))
        guards = () if main and not here.main else (Guard(node.test, True),)
        self._body(node.body, here._replace(guards=(*here.guards, *guards), main=main))
        self._body(node.orelse, here._replace(guards=(*here.guards, Guard(node.test, False))))

    def _expressions(self, value: t.Any, here: Spot) -> None:
        for root in value if isinstance(value, list) else [value]:
            for node in ast.walk(root) if isinstance(root, ast.AST) else ():
                spot = here._replace(line=getattr(node, "lineno", here.line))
                if isinstance(node, ast.Call):
                    self.calls.append((node, spot))
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    self.names.append((node.id, "", spot))
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    self.names.append((node.attr, called(node.value) or "?", spot))


class Sources:
    """The files of an application, parsed when something in them is asked for: most never are."""

    def __init__(self, texts: t.Mapping[str, str]) -> None:
        self.texts = texts
        self._modules: dict[str, t.Optional[Module]] = {}
        self._imports: dict[str, set[str]] = {}
        self._places: dict[str, list[str]] = {}
        for path, text in texts.items():
            for word in set(_WORD.findall(text)):
                self._places.setdefault(word, []).append(path)

    def module(self, path: str) -> t.Optional[Module]:
        """None where it cannot be read as Python."""
        if path not in self._modules:
            self._modules[path] = None
            with contextlib.suppress(SyntaxError, ValueError, RecursionError):
                self._modules[path] = Module(path, _revision.parsed(self.texts[path]))
        return self._modules[path]

    def having(self, word: str) -> list[Module]:
        """The modules in whose text a word stands."""
        return [each for each in map(self.module, self._places.get(word, ())) if each]

    def imports(self, module: Module) -> set[str]:
        """The other files that import one, by its name."""
        if module.path not in self._imports:
            name = rf"\b{re.escape(module.stem)}\b"
            line = re.compile(rf"from [\w.]*{name} import|import [^\n]*{name}|import \([^)]*{name}")
            paths = self._places.get(module.stem, [])
            self._imports[module.path] = {path for path in paths if line.search(self.texts[path])} - {module.path}
        return self._imports[module.path]

    def users(self, function: Function) -> t.Iterator[Spot]:
        """Where a function is called, or handed over to be called; of a constructor, where its class is."""
        own = self.module(function.path)
        made = function.name == "__init__"
        word = function.owner if made else function.name
        importing = self.imports(own) if own else set()
        for module in self.having(word):
            for name, before, spot in module.names:
                if (name if before else module.imports.get(name, name).rpartition(".")[2]) != word or own is None:
                    continue
                if function.owner and not made:
                    fits = bool(before) and (module is own or module.path in importing)
                elif before:
                    fits = module.imports.get(before, before).rpartition(".")[2] == own.stem
                else:
                    fits = module is own or name in module.imports
                if fits and (spot.path, spot.function) != (function.path, function.name):
                    yield spot


def _inner(node: ast.AST) -> t.Sequence[ast.AST]:
    """The statements of an except or a case; else the statement itself."""
    inside = getattr(node, "body", None)
    is_part = isinstance(node, ast.ExceptHandler) or type(node).__name__ == "match_case"
    return inside if is_part and isinstance(inside, list) else [node]


def _leaves(body: t.Sequence[ast.AST]) -> bool:
    return bool(body) and isinstance(body[-1], (ast.Return, ast.Raise))


def _decorator(module: Module, node: ast.AST) -> tuple[str, str]:
    if isinstance(node, ast.Call):
        first = node.args[0] if node.args else None
        text = getattr(first, "value", getattr(first, "s", ""))
        return module.full(node.func), text if isinstance(text, str) else ""
    return module.full(node), ""
