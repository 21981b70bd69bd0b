# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variable of the environment switches a condition off, told from its source. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import typing as t

from ._operation import called
from ._revision import Unknown

#: Values that are tried, the plainest first. None: not set.
_CANDIDATES = ("0", "false", "no", "off", "", "1", "true")
_TRUE = ("1", "true", "yes", "on", "t", "y")
_DEEPEST = 12
_COMPARISONS: dict[type, t.Callable[[t.Any, t.Any], bool]] = {
    ast.Eq: lambda a, b: bool(a == b),
    ast.NotEq: lambda a, b: bool(a != b),
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_METHODS = ("lower", "upper", "strip", "casefold")


class Guard(t.NamedTuple):
    """A condition on the way to a place. wanted: what it must be there."""

    test: ast.AST
    wanted: bool


@dataclasses.dataclass(frozen=True)
class Switch:
    """What keeps an application from migrating when it starts. value: what to set the variable to, None: it is off while not set."""

    name: str
    value: t.Optional[str]

    def to_json(self) -> dict[str, t.Any]:
        return {"kind": "environment", "name": self.name, "value": self.value}


class Settings:
    """What the sources assign to a name, and the fields of their settings classes. find: the files in which a name stands."""

    def __init__(self, find: t.Callable[[str], t.Iterable[ast.Module]]) -> None:
        self._find = find
        self._looked: set[t.Any] = set()
        self._values: dict[str, list[ast.AST]] = {}
        self._fields: dict[str, tuple[str, t.Optional[ast.AST], bool]] = {}

    def field(self, name: str) -> t.Optional[tuple[str, t.Optional[ast.AST], bool]]:
        """(variable, default, whether it is a boolean) of a field of a settings class."""
        self._look(name)
        return self._fields.get(name)

    def values(self, name: str) -> list[ast.AST]:
        """What is assigned to a name, in all files."""
        self._look(name)
        return self._values.get(name, [])

    def _look(self, name: str) -> None:
        for tree in self._find(name) if name not in self._looked else ():
            if tree not in self._looked:
                self._looked.add(tree)
                for node in ast.walk(tree):
                    self._take(node)
        self._looked.add(name)

    def _take(self, node: ast.AST) -> None:
        if isinstance(node, ast.ClassDef) and any(called(base).endswith("Settings") for base in node.bases):
            self._take_fields(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._add(_setting(target), node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._add(_setting(node.target), node.value)
        elif isinstance(node, ast.Call) and called(node) in ("from_mapping", "update"):
            for each in node.keywords:
                self._add(each.arg or "", each.value)

    def _add(self, name: str, value: ast.AST) -> None:
        if name:
            self._values.setdefault(name, []).append(value)

    def _take_fields(self, node: ast.ClassDef) -> None:
        """Fields of pydantic's BaseSettings are variables of the same name, with a prefix where the class says so."""
        prefix = ""
        for inner in ast.walk(node):
            given = [(each.arg, each.value) for each in inner.keywords] if isinstance(inner, ast.Call) else []
            given += [(_setting(inner.targets[0]), inner.value)] if isinstance(inner, ast.Assign) else []
            for name, value in given:
                with contextlib.suppress(ValueError):
                    prefix = str(ast.literal_eval(value)) if name == "env_prefix" else prefix
        for each in node.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                variable = (prefix + each.target.id).upper()
                self._fields[each.target.id] = (variable, each.value, called(each.annotation) == "bool")

    def switch(self, guard: Guard) -> t.Optional[Switch]:
        """What makes the condition other than it must be, None where that is not known."""
        asked: dict[str, None] = {}
        with contextlib.suppress(Unknown):
            if bool(_Evaluation(self, {}, asked).of(guard.test)) != guard.wanted and asked:
                return Switch(next(iter(asked)), None)
        for name in list(asked):
            for value in _CANDIDATES:
                with contextlib.suppress(Unknown):
                    if bool(_Evaluation(self, {name: value}, {}).of(guard.test)) != guard.wanted:
                        return Switch(name, value)
        return None


class _Evaluation:
    """The value of an expression under an environment. Raises Unknown for what only shows when it runs."""

    def __init__(self, settings: Settings, environment: t.Mapping[str, str], asked: dict[str, None]) -> None:
        self._settings, self._environment, self._asked = settings, environment, asked
        self._depth = 0

    def of(self, node: t.Optional[ast.AST]) -> t.Any:
        self._depth += 1
        try:
            if node is None or self._depth > _DEEPEST:
                raise Unknown
            return self._of(node)
        finally:
            self._depth -= 1

    def _of(self, node: ast.AST) -> t.Any:
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.BoolOp):
            return self._together(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not self.of(node.operand)
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
            left, right = self.of(node.left), self.of(node.comparators[0])
            try:
                return _COMPARISONS[type(node.ops[0])](left, right)
            except TypeError:
                raise Unknown from None
        if isinstance(node, ast.Subscript) and called(node.value) == "environ":
            value = self._variable(_literal(_index(node)), None)
            if value is None:
                raise Unknown
            return value
        name = _setting(node)
        return self._named(name) if name else _literal(node)

    def _together(self, node: ast.BoolOp) -> bool:
        """One operand that is known to be false decides an `and`, whatever the others are."""
        decides = isinstance(node.op, ast.Or)
        unknown = False
        for each in node.values:
            try:
                if bool(self.of(each)) is decides:
                    return decides
            except Unknown:
                unknown = True
        if unknown:
            raise Unknown
        return not decides

    def _call(self, node: ast.Call) -> t.Any:
        method = called(node)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        default = next(
            (each.value for each in node.keywords if each.arg == "default"),
            node.args[1] if len(node.args) > 1 else None,
        )
        if method in _METHODS and owner is not None and not node.args:
            return getattr(_text(self.of(owner)), method)()
        if method == "getenv" or (method == "get" and called(owner or node) in ("environ", "env")):
            return self._variable(_literal(node.args[0]) if node.args else "", default)
        if method == "get" and called(owner or node) == "config" and node.args:
            return self._named(str(_literal(node.args[0])), default)
        if not node.args:
            raise Unknown
        if owner is None and method in _CASTS:
            return _CASTS[method](self.of(node.args[0]))
        if method in ("config", "env") or (
            owner is not None and called(owner) in ("env", "config")
        ):  # decouple, environs
            value = self._variable(_literal(node.args[0]), default)
            cast = called(next((each.value for each in node.keywords if each.arg == "cast"), node))
            return _truth(value) if "bool" in (method, cast) else value
        if "bool" in method.lower():
            return _truth(self.of(node.args[0]))
        raise Unknown

    def _variable(self, name: t.Any, default: t.Optional[ast.AST]) -> t.Any:
        self._asked.setdefault(str(name))
        if str(name) in self._environment:
            return self._environment[str(name)]
        return None if default is None else self.of(default)

    def _named(self, name: str, default: t.Optional[ast.AST] = None) -> t.Any:
        field = self._settings.field(name)
        if field is not None:
            variable, usual, is_bool = field
            value = self._variable(variable, usual)
            return _truth(value) if is_bool else value
        values = self._settings.values(name)
        if len(values) == 1:
            return self.of(values[0])
        if default is not None and not values:
            return self.of(default)
        raise Unknown


def _setting(node: ast.AST) -> str:
    """The last name of X, settings.X, self.X, app.config["X"]."""
    if isinstance(node, ast.Subscript) and called(node.value) == "config":
        try:
            return str(_literal(_index(node)))
        except Unknown:
            return ""
    return called(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""


def _index(node: ast.Subscript) -> ast.AST:
    """Before Python 3.9 the index is wrapped."""
    return getattr(node.slice, "value", node.slice) if type(node.slice).__name__ == "Index" else node.slice


def _literal(node: ast.AST) -> t.Any:
    try:
        return ast.literal_eval(node)  # type: ignore[arg-type]
    except (ValueError, TypeError, SyntaxError):
        raise Unknown from None


def _text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise Unknown
    return value


def _number(value: t.Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Unknown from None


_CASTS: t.Dict[str, t.Callable[[t.Any], t.Any]] = {"bool": bool, "str": str, "int": _number}


def _truth(value: t.Any) -> bool:
    """As libraries read a boolean in the environment; what they refuse is no answer."""
    if isinstance(value, str) and value.strip().lower() not in (*_TRUE, "0", "false", "no", "off", "f", "n"):
        raise Unknown
    return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)
