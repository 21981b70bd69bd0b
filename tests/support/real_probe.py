# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a release's own models works on a database as it is; one JSON line for each line that is read (application's interpreter).

Each table of the models is read and written through the ORM in a transaction that is taken back, without foreign keys.
"""

from __future__ import annotations

import datetime
import decimal
import functools
import json
import os
import sys
import typing as t
import uuid

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)  # noqa: UP017
VALUES = {
    "BooleanField": True,
    "DateField": MOMENT.date(),
    "DateTimeField": MOMENT,
    "TimeField": MOMENT.time(),
    "DurationField": datetime.timedelta(seconds=1),
    "UUIDField": uuid.UUID(int=1),
    "JSONField": {"a": 1},
    "GenericIPAddressField": "127.0.0.1",
    "BinaryField": b"x",
}
#: Names of columns by table.
Columns = t.Dict[str, t.List[str]]
NUMBERS = ("IntegerField", "AutoField", "FloatField", "ForeignKey", "OneToOneField")


def value_of(field: t.Any, number: int) -> t.Any:
    """A value that the field may hold, another one for each number."""
    kind = field.target_field.get_internal_type() if field.remote_field else field.get_internal_type()
    if kind == "DecimalField":
        return decimal.Decimal(number)
    if kind == "UUIDField":
        return uuid.UUID(int=number)
    if kind.endswith("BigIntegerField"):
        return 2**40 + number
    if kind.endswith(NUMBERS):
        return number
    if kind in VALUES:
        return VALUES[kind]
    if hasattr(field, "max_length"):
        text = f"{number % 10}{number}" + "x" * 300
        return text[: min(field.max_length or 20, 300)]
    return None


def unique_fields(meta: t.Any) -> set[str]:
    """Fields that the release knows to be unique, alone or together."""
    from django.db.models import UniqueConstraint

    names = {field.name for field in meta.local_concrete_fields if field.unique}
    for together in meta.unique_together:
        names.update(together)
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            names.update(constraint.fields or [field.name for field in meta.local_concrete_fields])
    return names


def row(model: t.Any, fields: list[t.Any], number: int, empty: bool) -> t.Any:
    """One row; rows with different numbers differ in what is unique only."""
    unique = unique_fields(model._meta)
    values = {}
    for field in fields:
        filled = value_of(field, number if field.name in unique else 7)
        nothing = empty and field.null and not field.primary_key
        values[field.attname] = None if nothing else filled
    return model(**values)


def attempt(work: t.Callable[[], None], table: str = "", forgiven: t.Sequence[str] = ()) -> str:
    """What the database or Django said, "" when it worked; nothing of it stays. forgiven: columns that may be left out."""
    from django.db import connection, transaction

    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                for column in forgiven:
                    cursor.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" DROP NOT NULL')
            work()
            transaction.set_rollback(True)
    except Exception as exc:
        said = str(exc).partition("DETAIL")[0].partition("LINE 1")[0]
        return f"{type(exc).__name__}: {' '.join(said.split())[:200]}"
    return ""


def read(manager: t.Any, fields: list[t.Any]) -> None:
    list(manager.values_list(*[field.attname for field in fields])[:1])


def matched(manager: t.Any, fields: list[t.Any]) -> None:
    values = {field.attname: value_of(field, 7) for field in fields}
    list(manager.filter(**{name: value for name, value in values.items() if value is not None}).values_list("pk")[:1])


def of_model(model: t.Any, columns: Columns, required: Columns, found: dict[str, str]) -> None:
    """Add what fails for one model. columns, required: those that both sides of a migration have, and ask of an INSERT."""
    manager, table = model._base_manager, model._meta.db_table
    fields = [field for field in model._meta.local_concrete_fields if field.column]
    there = [field for field in fields if field.column in columns.get(table, ())]
    for deed, work in (("read", read), ("filter", matched)):
        asked = fields if deed == "read" else there
        # Each column is asked for only where not all of them work together.
        if attempt(functools.partial(work, manager, asked)):
            for field in asked:
                error = attempt(functools.partial(work, manager, [field]))
                if error:
                    found[f"{table}.{field.column} {deed}"] = error
    written = [field for field in there if not type(field).__name__.endswith("AutoField")]
    if not written:
        return

    named = {field.column for field in fields}
    forgiven = [column for column in required.get(table, ()) if column not in named]

    def write(empty: bool) -> None:
        for number in (30001, 30002):  # nothing that is there has them
            manager._insert([row(model, written, number, empty)], fields=written, using="default")
        list(manager.values_list(*[field.attname for field in there]))

    for name, empty in (("write", False), ("write NULL", True)):
        error = attempt(functools.partial(write, empty), table, forgiven)
        if error:
            found[f"{table} {name}"] = error


def probe(columns: Columns, required: Columns) -> dict[str, str]:
    """Object and deed -> what failed."""
    from django.apps import apps

    found: dict[str, str] = {}
    for model in apps.get_models(include_auto_created=True):
        if not (model._meta.proxy or model._meta.swapped) and model._meta.managed:
            of_model(model, columns, required, found)
    return found


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, os.getcwd())
    os.environ["DJANGO_SETTINGS_MODULE"] = "site1.settings"
    import django

    django.setup()
    for line in sys.stdin:
        request = json.loads(line)
        answer: t.Any = None
        if request["what"] == "plan":
            answer = plan()
        elif request["what"] == "migrate":
            from django.core.management import call_command

            call_command("migrate", request["app"], request["name"], verbosity=0)
        else:
            answer = probe(request["columns"], request["required"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def plan() -> list[list[str]]:
    """[app, name] of each pending migration, in order."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [[migration.app_label, migration.name] for migration, _backwards in steps]


if __name__ == "__main__":
    main()
