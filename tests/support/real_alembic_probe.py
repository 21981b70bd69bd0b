# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a release's own models works on a database as it is; one JSON line for each line that is read (application's interpreter).

Each table of the models is read and written in a transaction that is taken back, without foreign keys.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import functools
import json
import os
import sys
import typing as t
import uuid

import sqlalchemy as sa

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)
#: Names of columns by table.
Columns = t.Dict[str, t.List[str]]


def plain(kind: t.Any) -> t.Any:
    """The type of the database behind a type of the application's own."""
    while isinstance(kind, sa.types.TypeDecorator):
        kind = kind.impl
    return kind() if isinstance(kind, type) else kind


def value_of(column: t.Any, number: int) -> t.Any:
    """A value that the column may hold, another one for each number."""
    kind = plain(column.type)
    if isinstance(kind, sa.Enum):
        return kind.enums[0]
    if isinstance(kind, sa.JSON):
        return {"a": str(number)}
    if isinstance(kind, sa.BigInteger):
        return 2**40 + number
    values: t.Dict[type, t.Any] = {
        bool: True,
        int: number,
        float: float(number),
        decimal.Decimal: decimal.Decimal(number),
        datetime.datetime: MOMENT,
        datetime.date: MOMENT.date(),
        datetime.time: MOMENT.time(),
        bytes: b"x",
        uuid.UUID: uuid.UUID(int=number),
        list: [],
    }
    with contextlib.suppress(NotImplementedError):
        if kind.python_type in values:
            return values[kind.python_type]
    length = getattr(kind, "length", None) or 20
    return (f"{number % 10}{number}" + "x" * 300)[: min(length, 300)]


def unique_columns(table: t.Any) -> t.Set[str]:
    """Columns that the release knows to be unique, alone or together."""
    names = {column.name for column in table.columns if column.primary_key or column.unique}
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            names.update(column.name for column in constraint.columns)
    for index in table.indexes:
        if index.unique:
            names.update(column.name for column in index.columns)
    return names


class Trial:
    """Tries one table after the other on the database."""

    def __init__(self, engine: t.Any) -> None:
        self.engine = engine
        self.real = sa.inspect(engine)

    def attempt(self, work: t.Callable[[t.Any], t.Any]) -> str:
        """What the database said, "" when it worked; nothing of it stays."""
        try:
            with self.engine.connect() as connection, connection.begin() as transaction:
                if self.engine.dialect.name == "postgresql":
                    connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
                work(connection)
                transaction.rollback()
        except Exception as exc:
            said = str(getattr(exc, "orig", exc)).partition("DETAIL")[0].partition("LINE 1")[0]
            return f"{type(exc).__name__}: {' '.join(said.split())[:200]}"
        return ""

    def of_table(self, table: t.Any, columns: Columns, required: Columns, found: t.Dict[str, str]) -> None:
        """Add what fails. columns, required: those that both sides of a migration have, and ask of an INSERT."""
        own = list(table.columns)
        there = [column for column in own if column.name in columns.get(table.name, ())]
        for deed, asked in (("read", own), ("filter", there)):
            work = functools.partial(self.read, table, deed == "filter")
            if self.attempt(functools.partial(work, asked)):
                for column in asked:
                    error = self.attempt(functools.partial(work, [column]))
                    if error:
                        found[f"{table.name}.{column.name} {deed}"] = error
        numbered = getattr(table, "_autoincrement_column", None)
        written = [column for column in there if column is not numbered]
        if not written:
            return
        missing = self.forgiven(table, required)
        for deed, empty in (("write", False), ("write NULL", True)):
            error = self.attempt(functools.partial(self.write, table, written, missing, empty))
            if error:
                found[f"{table.name} {deed}"] = error

    def read(self, table: t.Any, filtered: bool, asked: t.List[t.Any], connection: t.Any) -> None:
        light = [sa.column(column.name, plain(column.type)) for column in asked]
        query = sa.select(*light).select_from(sa.table(table.name, *light))
        if filtered:
            query = query.where(*[one == value_of(one, 1) for one in light if not isinstance(one.type, sa.JSON)])
        connection.execute(query.limit(1)).fetchall()

    def forgiven(self, table: t.Any, required: Columns) -> t.Dict[str, t.Any]:
        """What the release does not know, and both sides of the migration ask for, as the database has it."""
        named = {column.name for column in table.columns}
        wanted = [name for name in required.get(table.name, ()) if name not in named]
        found = {one["name"]: one["type"] for one in self.real.get_columns(table.name)} if wanted else {}
        return {name: found[name] for name in wanted}

    def write(
        self, table: t.Any, written: t.List[t.Any], missing: t.Dict[str, t.Any], empty: bool, connection: t.Any
    ) -> None:
        unique = unique_columns(table)
        light = [sa.column(column.name, plain(column.type)) for column in written]
        light += [sa.column(name, kind) for name, kind in missing.items()]
        nothing = {column.name for column in written if empty and column.nullable and not column.primary_key}
        rows = []
        for number in (30001, 30002):  # nothing that is there has them
            filled = {one.name: value_of(one, number if one.name in unique else 1) for one in light}
            rows.append({name: None if name in nothing else value for name, value in filled.items()})
        target = sa.table(table.name, *light)
        for row in rows:
            connection.execute(
                target.insert().values({name: sa.null() if value is None else value for name, value in row.items()})
            )


def probe(engine: t.Any, columns: Columns, required: Columns) -> t.Dict[str, str]:
    """Object and deed -> what failed."""
    import models  # type: ignore[import-not-found]

    found: t.Dict[str, str] = {}
    trial = Trial(engine)
    for name in sorted(models.metadata.tables):
        trial.of_table(models.metadata.tables[name], columns, required, found)
    return found


def config_of(path: str) -> t.Any:
    """Alembic's Config; Flask-Migrate makes it from the application, whose context stays."""
    import models  # type: ignore[import-not-found]
    from alembic.config import Config

    if not hasattr(models, "create_app"):
        return Config(path)
    app = models.create_app()
    app.app_context().push()
    return app.extensions["migrate"].migrate.get_config(os.path.dirname(path))


def plan(config: t.Any, engine: t.Any) -> t.List[str]:
    """The pending revisions, in Alembic's order."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with engine.connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    return [step.revision.revision for step in ScriptDirectory.from_config(config)._upgrade_revs("heads", heads)]


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, os.getcwd())
    from alembic import command

    config = config_of(sys.argv[1])
    engine = sa.create_engine(os.environ["DATABASE_URL"], poolclass=sa.pool.NullPool)
    for line in sys.stdin:
        request = json.loads(line)
        answer: t.Any = None
        if request["what"] == "plan":
            answer = plan(config, engine)
        elif request["what"] == "migrate":
            command.upgrade(config, request["revision"])
        else:
            answer = probe(engine, request["columns"], request["required"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
