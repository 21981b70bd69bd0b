# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pieces of migrations with the migration helpers, each on a database of its own state; application's interpreter.

Reads {"helpers": folder, "url": URL, "cases": [{"before": [SQL], "run": code, "script": bool, "tables": [names]}]} on its
input and writes, for each case, what was skipped, the error, and the facts of the tables after it.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import sys
import typing as t


class Said(logging.Handler):
    """Keeps what the helpers say."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def empty(connection: t.Any, name: str) -> None:
    if name == "postgresql":
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        return
    kinds = [
        row[0] for row in connection.exec_driver_sql("SELECT type FROM sqlite_master") if row[0] in ("view", "table")
    ]
    for kind in sorted(kinds, reverse=True):
        found = connection.exec_driver_sql(
            f"SELECT name FROM sqlite_master WHERE type = '{kind}' AND name NOT LIKE 'sqlite_%'"
        ).first()
        if found:
            connection.exec_driver_sql(f'DROP {kind.upper()} "{found[0]}"')


def run_script(engine: t.Any, text: str) -> None:
    """As psql and sqlite3 do: statement by statement, and not at all when one fails."""
    raw = engine.raw_connection()
    try:
        if engine.dialect.name == "sqlite":
            raw.driver_connection.executescript(text)
        else:
            with raw.cursor() as cursor:
                cursor.execute(text)
        raw.commit()
    finally:
        raw.close()


def migrate(context: t.Any, code: str, names: dict) -> None:
    """As Alembic runs one revision, without its version table."""
    exec(code, dict(names))
    for callback in context.on_version_apply_callbacks:
        callback(ctx=context, step=None, heads=set(), run_args={})


def run(engine: t.Any, case: dict, said: Said, names: dict) -> dict:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    said.lines = []
    answer: dict = {"error": "", "script": ""}
    with engine.begin() as connection:
        empty(connection, engine.dialect.name)
        for statement in case["before"]:
            connection.exec_driver_sql(statement)
    try:
        if case.get("script"):
            buffer = io.StringIO()
            options = {"as_sql": True, "output_buffer": buffer}
            context = MigrationContext.configure(dialect_name=engine.dialect.name, opts=options)
            with Operations.context(context):
                migrate(context, case["run"], names)
            answer["script"] = buffer.getvalue()
            run_script(engine, answer["script"])
        else:
            with engine.connect() as connection:
                context = MigrationContext.configure(connection)
                with context.begin_transaction(), context.begin_transaction(_per_migration=True):
                    with Operations.context(context):
                        migrate(context, case["run"], names)
    except Exception as exc:
        answer["error"] = str(getattr(exc, "orig", exc))
        answer["kind"] = type(exc).__name__
    answer["skipped"] = said.lines
    with engine.begin() as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            database = names["helpers"]._database()
            answer["tables"] = {
                table: sorted(str(row) for row in rows)
                for table in case["tables"]
                for rows in [database.rows(table, None)]
                if rows is not None
            }
            answer["rows"] = {
                table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
                for table in answer["tables"]
            }
    return answer


def main() -> None:
    request = json.loads(sys.stdin.read())
    sys.path.append(request["helpers"])
    sys.dont_write_bytecode = True
    migration_helpers = importlib.import_module("migration_helpers")
    import sqlalchemy as sa
    from alembic import op

    said = Said()
    logging.getLogger("alembic.migration_helpers").setLevel(logging.INFO)
    logging.getLogger("alembic.migration_helpers").addHandler(said)
    names = {"sa": sa, "op": op, "helpers": migration_helpers}
    names.update({name: getattr(migration_helpers, name) for name in migration_helpers.__all__})
    engine = sa.create_engine(request["url"])
    print(json.dumps([run(engine, case, said, names) for case in request["cases"]]))


main()
