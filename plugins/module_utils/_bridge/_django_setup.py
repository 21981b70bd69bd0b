# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a Django project up as its manage.py would, with its databases redirected where asked.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import ast
import copy
import importlib
import os
import sys
import typing as t

from . import _exceptions as errors
from ._protocol import BridgeError


def prepare(arguments: dict[str, t.Any], answer: t.Any, command: str) -> None:
    """From a fresh interpreter to a project whose models can be used. Raises BridgeError."""
    project = os.getcwd()
    sys.argv = ["manage.py", command]
    sys.path.insert(0, project)
    name = settings_name(arguments.get("settings"), project)
    os.environ["DJANGO_SETTINGS_MODULE"] = name
    settings = _load_settings(name, project)
    answer.progress("secrets", values=_secrets(settings))
    _redirect(settings, arguments)
    alias = arguments.get("alias") or "default"
    _refuse_engine(alias, str(settings.DATABASES[alias].get("ENGINE") or ""))
    _setup(name, project)


def settings_name(option: t.Optional[str], project: str) -> str:
    """The settings module: the option, else the environment, else what manage.py falls back to."""
    if option:
        return option
    if os.environ.get("DJANGO_SETTINGS_MODULE"):
        return os.environ["DJANGO_SETTINGS_MODULE"]
    path = os.path.join(project, "manage.py")
    try:
        with open(path, encoding="utf-8") as file:
            names = names_in_manage(file.read())
    except FileNotFoundError:
        raise BridgeError(
            "manage_missing",
            f"there is no manage.py in {project} and `settings` is not set; "
            "correct `chdir` (the project directory) or name the settings module",
        ) from None
    except (OSError, SyntaxError, ValueError) as exc:
        raise BridgeError("manage", f"{path} cannot be read ({errors.summary(exc)}); set `settings`") from None
    if len(names) != 1:
        found = f"names several settings modules ({', '.join(names)})" if names else "names no settings module"
        raise BridgeError("manage", f"{path} {found}; set `settings`")
    return names[0]


def names_in_manage(text: str) -> list[str]:
    """Every literal that manage.py gives DJANGO_SETTINGS_MODULE, in order, each once."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        value = None
        if isinstance(node, ast.Call) and len(node.args) == 2 and getattr(node.func, "attr", "") == "setdefault":
            value = node.args[1] if _literal(node.args[0]) == "DJANGO_SETTINGS_MODULE" else None
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            key = node.targets[0].slice
            key = getattr(key, "value", key) if type(key).__name__ == "Index" else key  # before Python 3.9
            value = node.value if _literal(key) == "DJANGO_SETTINGS_MODULE" else None
        name = _literal(value)
        if isinstance(name, str) and name not in found:
            found.append(name)
    return found


def _literal(node: t.Any) -> t.Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None


def _load_settings(name: str, project: str) -> t.Any:
    try:
        from django.conf import settings
    except ImportError:
        raise BridgeError(
            "framework_missing",
            f"{sys.executable} has no Django; set `python` to the interpreter of the release's virtual environment",
        ) from None
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name and (name == exc.name or name.startswith(exc.name + ".")):
            raise BridgeError(
                "settings_missing", f"the settings module {name!r} is not found from {project}; correct `settings`"
            ) from None
        raise _import_error(f"the settings module {name!r}", exc) from None
    except BaseException as exc:  # also sys.exit()
        raise _import_error(f"the settings module {name!r}", exc) from None
    try:
        settings.DATABASES  # noqa: B018 - fills the lazy object
    except Exception as exc:
        raise _import_error(f"the settings module {name!r} ({module.__file__})", exc) from None
    return settings


def _import_error(what: str, exc: BaseException) -> BridgeError:
    place = errors.place_of(exc)
    advice = "install what is missing into the release's environment" if isinstance(exc, ImportError) else "correct it"
    message = f"{what} cannot be loaded: {errors.summary(exc)}{', at ' + place if place else ''}; {advice}"
    return BridgeError("settings", message)


def _setup(name: str, project: str) -> None:
    import django

    try:
        django.setup()
    except BaseException as exc:  # also sys.exit()
        raise _import_error(f"the application of settings {name!r}", exc) from None


def _secrets(settings: t.Any) -> list[str]:
    """What must not show in the application's captured output. Travels on the private descriptor only."""
    values = [getattr(settings, "SECRET_KEY", "")]
    values += [database.get("PASSWORD") for database in settings.DATABASES.values()]
    return sorted({str(value) for value in values if value})


def _redirect(settings: t.Any, arguments: dict[str, t.Any]) -> None:
    """Replace the name of the alias's database; keep, refuse or rename the others. Before setup(): nothing is connected."""
    alias, name = arguments.get("alias") or "default", arguments.get("database_name")
    others = arguments.get("other_databases") or "keep"
    if alias not in settings.DATABASES:
        raise BridgeError(
            "alias", f"the settings have no database {alias!r}; they have {', '.join(sorted(settings.DATABASES))}"
        )
    databases = copy.deepcopy(settings.DATABASES)
    refused = set()
    for other, database in databases.items():
        if other == alias:
            database["NAME"] = name or database.get("NAME")
        elif isinstance(others, dict) and other in others:
            database["NAME"] = others[other]
        elif others != "keep":
            refused.add(other)
    settings.DATABASES = databases
    if refused:
        _refuse(refused)


def _refuse(aliases: set[str]) -> None:
    from django.db import connections

    create = connections.create_connection

    def guarded(alias: str) -> t.Any:
        connection = create(alias)
        if alias in aliases:
            connection.connect = lambda: _refused(alias)
        return connection

    connections.create_connection = guarded


def _refused(alias: str) -> None:
    raise BridgeError("alias_refused", f"a migration reached for the database {alias!r}, which is out of bounds here")


def connect(arguments: dict[str, t.Any], reading: bool = False) -> t.Any:
    """The open connection of the alias. Raises BridgeError for engines and servers that cannot be used.

    reading: every write is refused by the database from here on.
    """
    from django.db import connections

    alias = arguments.get("alias") or "default"
    try:
        connection = connections[alias]
    except Exception as exc:
        raise BridgeError(
            "driver", f"the driver of the database {alias!r} cannot be loaded: {errors.summary(exc)}"
        ) from None
    _refuse_engine(alias, connection.vendor)
    if reading and connection.vendor == "sqlite" and not os.path.exists(str(connection.settings_dict["NAME"])):
        connection.settings_dict["NAME"] = ":memory:"  # connecting would create the file
    try:
        connection.ensure_connection()
    except BridgeError:
        raise
    except Exception as exc:
        raise BridgeError("unreachable", errors.connecting(alias, connection.settings_dict, exc), alias=alias) from None
    _prove_redirect(connection, arguments.get("database_name"))
    if reading:
        read_only(connection)
    return connection


def _refuse_engine(alias: str, engine: str) -> None:
    name = engine.lower()
    if "mysql" in name or "mariadb" in name:
        raise BridgeError(
            "engine",
            f"the database {alias!r} is MySQL ({engine}), which is not supported yet; use PostgreSQL or SQLite",
        )
    if "oracle" in name or name.endswith("dummy"):
        raise BridgeError("engine", f"the engine {engine!r} of the database {alias!r} is not supported")


def _prove_redirect(connection: t.Any, name: t.Optional[str]) -> None:
    if name and connection.vendor == "sqlite":
        _prove_file(connection, name)
    if not name or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        found = cursor.fetchone()[0]
    if found != name:
        raise BridgeError(
            "redirect",
            f"the connection was to be redirected to {name!r} but reached {found!r}; "
            "a dbname or service in the OPTIONS of DATABASES overrides NAME: remove it",
        )


def _prove_file(connection: t.Any, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        found = next((row[2] for row in cursor.fetchall() if row[1] == "main"), "")
    if os.path.realpath(found) != os.path.realpath(name):
        raise BridgeError(
            "redirect", f"the connection was to be redirected to {name!r} but reached {found or 'no file'!r}"
        )


def read_only(connection: t.Any) -> None:
    """Open a transaction in which the server refuses every write. PostgreSQL and SQLite."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = ON")
        return
    # A transaction and not a session setting: behind a pooler that would stay with a connection of others.
    connection.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")


def restart_read_only(connection: t.Any) -> None:
    """After an error in a transaction of read_only()."""
    if connection.vendor != "sqlite":
        connection.rollback()
        connection.set_autocommit(True)
        read_only(connection)


def host_of(connection: t.Any) -> str:
    """Where the database is: the file of SQLite, the directory of a socket, or a host. It is connected."""
    if connection.vendor == "sqlite":
        return os.path.abspath(str(connection.settings_dict["NAME"]))
    return str(getattr(getattr(connection.connection, "info", None), "host", None) or "")
