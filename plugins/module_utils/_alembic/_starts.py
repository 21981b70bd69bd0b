# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications that migrate, or make their tables, when they start; told from their source. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import dataclasses
import os
import re
import typing as t

from . import _revision
from ._finding import Finding
from ._source import Function, Module, Spot
from ._switch import Settings, Switch

_CALLS = {
    "alembic.command.upgrade": "upgrade",
    "flask_migrate.upgrade": "upgrade",
    "alembic.command.stamp": "stamp",
    "flask_migrate.stamp": "stamp",
}
_COMMAND = re.compile(r"\b(?:alembic|flask)\b.*\b(upgrade|stamp)\b")
#: Functions that are not run by a start.
_ELSEWHERE = re.compile(
    r"(^|\.)(command|group|route|get|post|put|patch|delete|websocket|fixture|task|shared_task|errorhandler|skipif)$"
)
_HOOKS = re.compile(
    r"(^|\.)(before_first_request|before_app_first_request|before_serving|while_serving|before_server_start|main_process_start|on_startup|listener)$"
)
_FACTORIES = re.compile(r"^((create|make|build|get)_(\w+_)?app(lication)?|app_factory|application_factory|lifespan)$")
#: Modules that a server is told to load.
_ENTRIES = ("wsgi", "asgi", "app", "main", "application", "server", "run", "index", "gunicorn.conf", "gunicorn_conf")
_TESTS = re.compile(r"(^|/)(tests?|docs?|examples?)/|(^|/)(test_\w+|\w+_test|conftest|noxfile|fabfile|setup)\.py$")
_DEEPEST = 8
_RANK = ("start", "script", "unclear")


@dataclasses.dataclass(frozen=True)
class Start:
    """One place. kind: upgrade, stamp, create_all. when: start, script (only where that file is run itself), unclear.

    through: the functions that lead there, from the place where the application starts.
    """

    kind: str
    spot: Spot
    when: str
    through: tuple[str, ...] = ()
    switch: t.Optional[Switch] = None

    def to_json(self) -> dict[str, t.Any]:
        return {
            **_finding(self).to_json(),
            "when": self.when,
            "switch": self.switch.to_json() if self.switch else {"kind": "wrapper"},
        }


def find_starts(sources: t.Mapping[str, str], script_location: str = "") -> list[Start]:
    """sources: path -> text of an application's files. script_location: of Alembic, whose env.py is no part of a start."""
    modules = []
    for path, text in sources.items():
        if _TESTS.search(path) or (script_location and path.startswith(script_location + os.sep)):
            continue
        try:
            modules.append(Module(path, _revision.parsed(text)))
        except (SyntaxError, ValueError, RecursionError):
            continue
    sites = [(kind, spot) for module in modules for kind, spot in _sites(module)]
    if not sites:
        return []
    settings = Settings(module.tree for module in modules)
    found = [_reached(kind, spot, modules, settings) for kind, spot in sites]
    return sorted(
        (each for each in found if each), key=lambda each: (_RANK.index(each.when), each.spot.path, each.spot.line)
    )


def _sites(module: Module) -> t.Iterator[tuple[str, Spot]]:
    for node, spot in module.calls:
        name = module.full(node.func)
        texts = " ".join(_texts(node))
        if name in _CALLS:
            yield _CALLS[name], spot
        elif name.startswith("alembic.config.") and re.search(r"\b(upgrade|stamp)\b", texts):
            yield ("upgrade" if "upgrade" in texts else "stamp"), spot
        elif re.match(r"(subprocess\.|os\.(system|popen|exec|spawn)|asyncio\.create_subprocess)", name):
            found = _COMMAND.search(texts)
            if found:
                yield found.group(1), spot
    seen = set()
    for name, before, spot in module.names:
        if name == "create_all" and before and (spot.line, spot.function) not in seen:
            seen.add((spot.line, spot.function))
            yield "create_all", spot


def _texts(node: ast.Call) -> t.Iterator[str]:
    for each in ast.walk(node):
        value = getattr(each, "value", getattr(each, "s", None))
        if isinstance(value, str):
            yield value


def _reached(kind: str, site: Spot, modules: t.Sequence[Module], settings: Settings) -> t.Optional[Start]:
    """The way to a place on which it is likeliest run; None where only a command leads to it."""
    best: t.Optional[Start] = None
    functions = {(each.path, name): function for each in modules for name, function in each.functions.items()}
    waiting: list[tuple[Spot, tuple[Spot, ...]]] = [(site, (site,))]
    seen = {(site.path, site.function)}
    commands = False
    while waiting:
        spot, way = waiting.pop(0)
        function = functions.get((spot.path, spot.function))
        when = _when(spot, function, modules)
        commands = commands or when == "elsewhere"
        if when in _RANK and (best is None or _RANK.index(when) < _RANK.index(best.when)):
            guards = [guard for each in way for guard in each.guards]
            switch = next((found for found in map(settings.switch, guards) if found), None)
            best = Start(kind, site, when, tuple(each.function for each in reversed(way) if each.function), switch)
        if not when and function and len(way) < _DEEPEST:
            for user in _users(function, modules):
                if (user.path, user.function) not in seen or not user.function:
                    seen.add((user.path, user.function))
                    waiting.append((user, (*way, user)))
    if best or commands:
        return best
    return Start(kind, site, "unclear", (site.function,) if site.function else ())


def _when(spot: Spot, function: t.Optional[Function], modules: t.Sequence[Module]) -> str:
    """When what stands at the top of a file, or a function that others need not call, is run; "" for any other function."""
    if function is None:
        if spot.main:
            return "script"
        stem = os.path.splitext(os.path.basename(spot.path))[0]
        return "start" if stem in _ENTRIES or stem == "__init__" or _imported(spot.path, modules) else "script"
    for name, argument in function.decorators:
        if _HOOKS.search(name) or (name.endswith("on_event") and argument == "startup"):
            return "start"
        if _ELSEWHERE.search(name) or name.endswith("on_event"):
            return "elsewhere"
    return "start" if _FACTORIES.match(function.name) else ""


def _imported(path: str, modules: t.Sequence[Module]) -> bool:
    own = next(each for each in modules if each.path == path)
    return any(own.stem in name.split(".") for each in modules if each.path != path for name in each.imports.values())


def _users(function: Function, modules: t.Sequence[Module]) -> t.Iterator[Spot]:
    """Where a function is called, or handed over to be called."""
    own = next(each for each in modules if each.path == function.path)
    for module in modules:
        for name, before, spot in module.names:
            local = module.imports.get(name, "")
            if before:
                owner = module.imports.get(before, before)
                fits = name == function.name and (function.method or owner.split(".")[-1] == own.stem)
            else:
                fits = local.split(".")[-1] == function.name if local else name == function.name and module is own
            if fits and not (spot.path == function.path and spot.function == function.name):
                yield spot


_WHAT = {
    "upgrade": ("migrates_at_start", "applies migrations"),
    "stamp": ("stamps_at_start", "records revisions without applying them"),
    "create_all": ("creates_tables_at_start", "makes the tables of the models"),
}
_WHEN = {
    "start": "when the application starts",
    "script": "when this file is run by itself",
    "unclear": "from inside of the application, perhaps at its start",
}
_BREAKS = {
    "upgrade": "in every worker, without the plan and its limits for locks, also what a deploy holds back; and older code then fails at a "
    "revision that it does not know, so that there is no way back",
    "stamp": "so that what is recorded need not be what the database has",
    "create_all": "so that an empty database gets tables without a revision on record, and the first migration finds them in its way",
}


def _finding(start: Start) -> Finding:
    kind, what = _WHAT[start.kind]
    place = f"{start.spot.path}:{start.spot.line}"
    way = f" (in {', '.join(start.through)})" if start.through else ""
    evidence = f"{place} {what} {_WHEN[start.when]}{way}, {_BREAKS[start.kind]}"
    switch = start.switch
    if switch and switch.value is None:
        return Finding(
            kind,
            "note",
            place,
            evidence,
            f"it is off while {switch.name} is not set: do not set it for the application",
            place,
        )
    if switch:
        remedy = f"set {switch.name} to {switch.value!r} in the environment of the application (deploy_environment), and let the deploy migrate"
    else:
        remedy = "take it out and let the deploy migrate, or start the application through the wrapper without_migrations (docs/alembic.md)"
    return Finding(kind, "warning" if start.when == "start" else "note", place, evidence, remedy, place)
