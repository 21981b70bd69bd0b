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

from ._finding import Finding
from ._source import Function, Module, Sources, Spot
from ._switch import Settings, Switch

_CALLS = {
    "alembic.command.upgrade": "upgrade",
    "flask_migrate.upgrade": "upgrade",
    "alembic.command.stamp": "stamp",
    "flask_migrate.stamp": "stamp",
}
#: What a file has that holds one of these calls.
_LIKELY = re.compile(r"create_all|\b(upgrade|stamp)\b")
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
_MOST = 400
_SHOWN = 4
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
    below = script_location + os.sep if script_location else "\0"
    own = {path: text for path, text in sources.items() if not _TESTS.search(path) and not path.startswith(below)}
    files = Sources(own)
    likely = [files.module(path) for path, text in own.items() if _LIKELY.search(text)]
    sites = [site for module in likely if module for site in _sites(module)]
    settings = Settings(lambda name: [each.tree for each in files.having(name)])
    found = [_reached(kind, spot, files, settings) for kind, spot in sites]
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


def _reached(kind: str, site: Spot, files: Sources, settings: Settings) -> t.Optional[Start]:
    """The way to a place on which it is likeliest run; None where only a command leads to it."""
    best: t.Optional[Start] = None
    waiting: list[tuple[Spot, tuple[Spot, ...]]] = [(site, (site,))]
    seen = {(site.path, site.function)}
    commands = False
    while waiting and len(seen) < _MOST and not (best and best.when == _RANK[0]):
        spot, way = waiting.pop(0)
        function = _function(spot, files)
        when = _when(spot, function, files)
        commands = commands or when == "elsewhere"
        if when in _RANK and (best is None or _RANK.index(when) < _RANK.index(best.when)):
            guards = [guard for each in way for guard in each.guards]
            switch = next((found for found in map(settings.switch, guards) if found), None)
            best = Start(kind, site, when, tuple(each.function for each in reversed(way) if each.function), switch)
        if not when and function and len(way) < _DEEPEST:
            for user in files.users(function):
                if (user.path, user.function) not in seen or not user.function:
                    seen.add((user.path, user.function))
                    waiting.append((user, (*way, user)))
    if best or commands:
        return best
    return Start(kind, site, "unclear", (site.function,) if site.function else ())


def _function(spot: Spot, files: Sources) -> t.Optional[Function]:
    module = files.module(spot.path)
    return module.functions.get(spot.function) if module else None


def _when(spot: Spot, function: t.Optional[Function], files: Sources) -> str:
    """When what stands at the top of a file, or a function that others need not call, is run; "" for any other function."""
    if function is None:
        if spot.main:
            return "script"
        stem = os.path.splitext(os.path.basename(spot.path))[0]
        own = files.module(spot.path)
        imported = own is not None and bool(files.imports(own))
        return "start" if stem in _ENTRIES or stem == "__init__" or imported else "script"
    for name, argument in function.decorators:
        if _HOOKS.search(name) or (name.endswith("on_event") and argument == "startup"):
            return "start"
        if _ELSEWHERE.search(name) or name.endswith("on_event"):
            return "elsewhere"
    return "start" if _FACTORIES.match(function.name) else ""


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
    way = f" (in {', '.join(start.through[-_SHOWN:])})" if start.through else ""
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
        remedy = "take it out and let the deploy migrate, or set deploy_without_migrations, which leaves it out (docs/alembic.md)"
    return Finding(kind, "warning" if start.when == "start" else "note", place, evidence, remedy, place)
