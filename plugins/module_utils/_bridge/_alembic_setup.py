# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings an Alembic or Flask-Migrate project up as `alembic` or `flask db` would. Application's interpreter; PRIVATE to the collection.

How the other parts use it:

    project = prepare(arguments, answer)        # arguments: config, app, database, database_name, other_databases (keep, refuse)
    project.config, project.script              # Alembic's Config and ScriptDirectory; need no database
    project.run(read, reading=True)             # one run of the project's own env.py
    project.metadata                            # target_metadata of env.py: known after a run; a list, since there may be several

    def read(heads, context):                   # recorded revisions, and Alembic's MigrationContext with its open `connection`
        ...                                     # returns None, or steps of Alembic, which are then run one by one

`run` gives back what the function returned where it is no list of steps. With `reading` the database refuses every write, and no
version table is made. In an async project the function runs inside of SQLAlchemy's own greenlet: `context.connection` is used as
any other. What env.py prints is never read. Of several databases only the one that `database` names reaches the function.
Each migration has a transaction of its own, unless env.py opened one around everything (`project.enclosed`), or `whole` asks for one.
"""

from __future__ import annotations

import contextlib
import os
import sys
import typing as t

from . import _exceptions as errors
from ._alembic_connect import Connections, Target
from ._alembic_cursor import leave_read_only, read_only, rows_of
from ._alembic_find import Found, find, harmless
from ._protocol import BridgeError

Work = t.Callable[[t.Tuple[str, ...], t.Any], t.Any]


def prepare(arguments: t.Dict[str, t.Any], answer: t.Any, command: str = "upgrade") -> Project:
    """From a fresh interpreter to a project whose revisions can be read. Raises BridgeError."""
    sys.argv = ["alembic", command]
    sys.path.insert(0, os.getcwd())
    try:
        import alembic  # noqa: F401
    except ImportError:
        raise BridgeError(
            "framework_missing",
            f"{sys.executable} has no Alembic; set `python` to the interpreter of the release's virtual environment",
        ) from None
    connections = Connections(arguments, answer)
    connections.listen()
    return Project(find(arguments), connections, arguments)


class Project:
    """One project and the one of its databases that is meant."""

    def __init__(self, found: Found, connections: Connections, arguments: t.Dict[str, t.Any]) -> None:
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError

        self.database = arguments.get("database") or arguments.get("alias") or "default"
        self.config = found.config
        self.flask = found.app
        self.warnings = found.warnings
        self.metadata: t.List[t.Any] = []
        self.named: t.Dict[str, t.Any] = {}  # what env.py gives to upgrade() of each revision
        self.enclosed = False
        self._name = arguments.get("database_name") or ""
        self._connections = connections
        self.expected = _choose(self.config, self.database)
        try:
            self.script = ScriptDirectory.from_config(self.config)
        except CommandError as exc:
            raise BridgeError("config", f"{self.config.config_file_name}: {errors.summary(exc)}") from None

    @property
    def target(self) -> Target:
        """The database as the application means it; known after a run."""
        return self._connections.meant or Target("", "")

    def run(self, work: Work, reading: bool = False, whole: bool = False, **options: t.Any) -> t.Any:
        """Run env.py once, and `work` where it runs the migrations of the database that is meant. Raises BridgeError."""
        self._connections.reading, self._connections.connecting = reading, None
        for _attempt in range(2):
            visit = _Visit(self, work, reading)
            try:
                self._run_env(visit, transaction_per_migration=not whole, **options)
            except _OtherTarget:
                continue
            if visit.count == 0:
                raise BridgeError("database", self._no_such_database(visit.names))
            return visit.result
        raise BridgeError("redirect", "env.py leads to another database on every run; name it in `database`")

    def _run_env(self, visit: _Visit, **options: t.Any) -> None:
        from alembic.util import CommandError

        try:
            with visit.harmless, _environment(self, visit, options):
                self.script.run_env()
        except (BridgeError, _OtherTarget):
            raise
        except BaseException as exc:  # also sys.exit()
            failed = self._connections.connecting
            if failed is not None:
                raise BridgeError("unreachable", errors.connecting(self.database, _settings(failed), exc)) from None
            if visit.working or (visit.count and not visit.reading):
                raise
            place = errors.place_of(exc)
            kind = "migrations" if isinstance(exc, CommandError) else "env"
            where = f", at {place}" if place else ""
            raise BridgeError(kind, f"env.py of {self.script.dir} failed: {errors.summary(exc)}{where}") from None

    def _no_such_database(self, names: t.Sequence[str]) -> str:
        if not names:
            return f"env.py of {self.script.dir} ran no migrations; it has to call context.run_migrations()"
        return f"`database` is {self.database!r}, and env.py migrates {', '.join(sorted(names))}; name one of these"

    def reached(self, context: t.Any, reading: bool) -> None:
        """env.py has a connection: prove where it leads, and keep it from writing."""
        found = self._connections.of(context.connection)
        if found is not None and not found.same(self._connections.meant):
            self._connections.meant = found
            if self._name:  # until now another one was led there
                context.connection.engine.dispose()
                raise _OtherTarget
        self.enclosed = bool(context._in_external_transaction)
        metadata = context.opts.get("target_metadata")
        self.metadata = list(metadata) if isinstance(metadata, (list, tuple)) else [metadata] if metadata else []
        _refuse_engine(context.dialect.name, self.database)
        _prove_redirect(context.connection, context.dialect.name, self._name)
        if reading:
            read_only(context.connection)

    def run_step(self, context: t.Any, step: t.Any) -> None:
        """One migration by Alembic's own loop, with the version table and the callbacks."""
        context._migrations_fn = lambda heads, _context: [step]
        self._connections.stepping = True
        try:
            context.run_migrations(**self.named)
        finally:
            self._connections.stepping = False


class _OtherTarget(Exception):
    """The first connection was not the one to be led elsewhere."""


class _Visit:
    """What one run of env.py came by."""

    def __init__(self, project: Project, work: Work, reading: bool) -> None:
        self._project, self._work, self.reading = project, work, reading
        self.names: t.List[str] = []
        self.count = 0
        self.working = False
        self.result: t.Any = None
        self.harmless = contextlib.ExitStack()
        self.harmless.enter_context(harmless(project.warnings))

    def come_by(self, context: t.Any, named: t.Dict[str, t.Any]) -> None:
        name = _name_of(context, named)
        self.names.append(name)
        if name != self._project.expected:
            return
        self.count += 1
        if self.count > 1:
            raise BridgeError(
                "env", "env.py runs the migrations of this database more than once, which is not supported"
            )
        self.harmless.close()  # what a migration makes is meant
        self._project.named = named
        self._project.reached(context, self.reading)
        heads = current_heads(context, self._project.enclosed or self.reading)
        self.working = True
        result = self._work(heads, context)
        if isinstance(result, list) and result and hasattr(result[0], "migration_fn"):
            for step in result:
                self._project.run_step(context, step)
            result = None
        self.result = result
        self.working = False
        if self.reading:
            leave_read_only(context.connection)


def current_heads(context: t.Any, keep: bool) -> t.Tuple[str, ...]:
    """What is on record. keep: the transaction that is open; otherwise none is left open."""
    was_open = keep or context.connection.in_transaction()
    heads = tuple(context.get_current_heads())
    if not was_open and context.connection.in_transaction():
        context.connection.get_transaction().rollback()
    return heads


def _environment(project: Project, visit: _Visit, options: t.Dict[str, t.Any]) -> t.Any:
    """Alembic's EnvironmentContext with our function in place of its loop."""
    from alembic.operations import Operations
    from alembic.runtime.environment import EnvironmentContext

    per_migration = options.pop("transaction_per_migration")
    made = EnvironmentContext(project.config, project.script, **options)
    configure = made.configure

    def configured(*args: t.Any, **kwargs: t.Any) -> None:
        configure(*args, **{**kwargs, "transaction_per_migration": per_migration})

    def run_migrations(**named: t.Any) -> None:
        context = made.get_context()
        with Operations.context(context):
            visit.come_by(context, named)

    # On the object and not in a subclass: the module alembic.context is bound to the class itself.
    made.configure = configured  # type: ignore[method-assign]
    made.run_migrations = run_migrations  # type: ignore[method-assign]
    return made


def _name_of(context: t.Any, named: t.Dict[str, t.Any]) -> str:
    """Which of several databases: as the templates of Alembic and Flask-Migrate for several of them tell it."""
    name = named.get("engine_name")
    if name is None:
        token = str(context.opts.get("upgrade_token") or "")
        name = token[: -len("_upgrades")] if token.endswith("_upgrades") else ""
    return str(name) or "default"


def _choose(config: t.Any, database: str) -> str:
    """Lead Alembic to the database that is named: a section of its own, or one of those that env.py goes through.

    How env.py will name it.
    """
    if database == "default":
        return database
    parser = config.file_config
    several = [name.strip() for name in (config.get_main_option("databases") or "").split(",")]
    if database in several:
        config.set_main_option("databases", database)
    elif parser.has_section(database) and parser.has_option(database, "script_location"):
        config.config_ini_section = config.cmd_opts.name = database
        return "default"
    return database


def _settings(target: Target) -> t.Dict[str, t.Any]:
    return {"HOST": target.host, "PORT": target.port, "USER": target.user, "NAME": target.name}


def _refuse_engine(engine: str, database: str) -> None:
    if engine not in ("postgresql", "sqlite"):
        raise BridgeError(
            "engine", f"the database {database!r} is on {engine}, which is not supported; use PostgreSQL or SQLite"
        )


def _prove_redirect(connection: t.Any, engine: str, name: str) -> None:
    if not name or engine != "postgresql":
        return
    found = rows_of(connection, "SELECT current_database()")[0][0]
    if found != name:
        raise BridgeError(
            "redirect",
            f"the connection was to be redirected to {name!r} but reached {found!r}; "
            "an engine with a `creator` of its own cannot be redirected",
        )


def host_of(project: t.Any, context: t.Any) -> str:
    """Where the database is: the file of SQLite, the directory of a socket, or a host."""
    if context.dialect.name != "sqlite":
        return str(project.target.host)
    listed = context.connection.exec_driver_sql("PRAGMA database_list").fetchall()
    return next((str(path) for _number, name, path in listed if name == "main" and path), "/")
