# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps an application from migrating, or making its tables, when it starts: the deploy has done that before.

Its directory goes into PYTHONPATH of the units (deploy_without_migrations). Python imports it by its name at every start,
also in the programs that the application starts. Application's interpreter, 3.7 and newer; standard library only.
"""

from __future__ import annotations

import functools
import importlib.abc
import inspect
import sys
import typing as t

#: Module -> what is left out in it, as "function" or "Class.method".
LEFT_OUT = {
    "alembic.command": ("upgrade", "downgrade", "stamp"),
    "flask_migrate": ("upgrade", "downgrade", "stamp"),
    "django.core.management.commands.migrate": ("Command.handle",),
    "sqlalchemy.sql.schema": ("MetaData.create_all", "MetaData.drop_all"),
}


def leave_out(module: t.Any) -> None:
    """Put functions that only say so in the place of those that migrate."""
    for name in LEFT_OUT[module.__name__]:
        owner, _dot, method = name.rpartition(".")
        place = getattr(module, owner) if owner else module
        setattr(place, method, instead_of(getattr(place, method), f"{module.__name__}.{name}"))


def instead_of(original: t.Any, name: str) -> t.Any:
    """A function with the same parameters: Alembic's command line makes its arguments of them, from the code itself."""
    empty = inspect.Parameter.empty
    taken = inspect.signature(original)
    plain = [
        each.replace(annotation=empty, default=empty if each.default is empty else None)
        for each in taken.parameters.values()
    ]
    parameters = taken.replace(parameters=plain, return_annotation=inspect.Signature.empty)
    made: t.Dict[str, t.Any] = {"say": functools.partial(say, name)}
    exec(f"def {original.__name__}{parameters}:\n    say()\n", made)
    function = made[original.__name__]
    function.__module__, function.__doc__ = original.__module__, original.__doc__
    return function


def say(name: str) -> None:
    print(f"seamless.deploy: {name}() was left out, the deploy migrates", file=sys.stderr)


class Finder(importlib.abc.MetaPathFinder):
    """Has the other finders find a module, and changes it once it is loaded."""

    def find_spec(self, name: str, path: t.Any = None, target: t.Any = None) -> t.Any:
        if name not in LEFT_OUT:
            return None
        others = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        found = next((spec for spec in (each.find_spec(name, path, target) for each in others) if spec), None)
        if found is not None and found.loader is not None:
            load = found.loader.exec_module

            def exec_module(module: t.Any) -> None:
                load(module)
                leave_out(module)

            found.loader.exec_module = exec_module  # type: ignore[method-assign]
        return found


sys.meta_path.insert(0, Finder())
