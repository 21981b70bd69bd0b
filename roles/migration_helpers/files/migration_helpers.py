# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Additional permission under section 7 of that licence: a copy of this file in the migrations of a project may be used,
# changed and passed on with that project under the terms of the project, whatever they are.
"""Alembic operations that may run again: what is there already is skipped when it equals what the migration makes.

A copy of this file lies in the migrations folder of a project; revisions import it from there. Application's interpreter.

- An object that exists is skipped when its definition EQUALS what the migration would create, and is an error that names
  the difference when not. What the migration would create is not guessed: the database itself makes it, as a temporary
  table of the same name (SQLite: in a database in memory), and both are described by its catalog.
- What shall be dropped and is not there is skipped.
- `alembic upgrade --sql` writes the same rule into the script for PostgreSQL. A script for SQLite has no way to compare:
  there, what exists is an error, and is never skipped.
- SQLite: where it cannot alter a table, the table is made anew (batch mode) in one transaction, and nothing of the old one
  may be lost by that.

PostgreSQL 12 and newer and SQLite; Alembic 1.8 and newer with SQLAlchemy 1.4 and newer. It needs nothing else.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import re
import typing as t
import warnings

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from alembic.operations import ops as alembic_ops
from alembic.operations.schemaobj import SchemaObjects
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, DropIndex, DropTable

__all__ = [
    "DifferentDefinition",
    "safe_add_column",
    "safe_batch_alter_table",
    "safe_create_foreign_key",
    "safe_create_index",
    "safe_create_table",
    "safe_create_unique_constraint",
    "safe_drop_column",
    "safe_drop_constraint",
    "safe_drop_index",
    "safe_drop_table",
    "safe_execute",
]

log = logging.getLogger("alembic.migration_helpers")


class DifferentDefinition(CommandError):
    """An object exists, and is not what the migration would create."""


# -- what revisions call, with the arguments of the operation of the same name --


def safe_create_table(table_name: str, *items: t.Any, schema: t.Optional[str] = None, **options: t.Any) -> sa.Table:
    """op.create_table, unless an equal table is there. Types of Enum columns may be there too."""
    database = _database()
    options.pop("if_not_exists", None)  # it would skip what is different too
    items = _share_enums(database, items, schema)
    if database.offline:
        table = _create_table_offline(database, table_name, items, schema, options)
        if database.compares_offline:
            copy, what = _copy_of(table, database), f"table {table_name}"
            migration = _Migration.of(op.get_context())
            migration.open.append(
                lambda: database.compare_offline(
                    what, table_name, schema, copy, _Scope("table"), migration.claims(table_name, schema)
                )
            )
        return table
    found = database.rows(table_name, schema, creating=True)
    if found is None:
        return op.create_table(table_name, *items, schema=schema, **options)
    table = alembic_ops.CreateTableOp(table_name, list(items), schema=schema, **options).to_table(op.get_context())
    database.compare(f"table {table_name}", found, _copy_of(table, database), _Scope("table"), schema)
    return table


def safe_drop_table(table_name: str, *, schema: t.Optional[str] = None) -> None:
    """op.drop_table, unless it is gone."""
    database = _database()
    if not database.offline and database.rows(table_name, schema) is None:
        return _skipped(f"table {table_name} is not there")
    if _knows("drop_table", "if_exists"):
        op.drop_table(table_name, schema=schema, if_exists=True)
    else:
        op.execute(DropTable(sa.Table(table_name, sa.MetaData(), schema=schema), if_exists=True))


def safe_add_column(table_name: str, column: sa.Column, *, schema: t.Optional[str] = None, **options: t.Any) -> None:
    """op.add_column, unless an equal column is there. On PostgreSQL the type of a new Enum column is created too."""
    database = _database()
    options.pop("if_not_exists", None)
    what, scope = f"column {column.name} of table {table_name}", _Scope("column", column.name)
    _claim(table_name, schema, scope)
    (column,) = _share_enums(database, [column], schema)
    if database.offline:
        _add_column_offline(database, table_name, column, schema, options)
        if database.compares_offline:
            database.compare_offline(
                what, table_name, schema, _copy_of_column(database, table_name, column, schema), scope
            )
        return
    found = _required(database, table_name, schema)
    if any(row.what == "column" and row.own == column.name for row in found):
        return database.compare(what, found, _copy_of_column(database, table_name, column, schema), scope, schema)
    if database.alters(column):
        return op.add_column(table_name, column, schema=schema, **options)
    with _rebuilt(database, table_name, schema) as batch:
        batch.add_column(column)


def safe_drop_column(table_name: str, column_name: str, *, schema: t.Optional[str] = None) -> None:
    """op.drop_column, unless it is gone."""
    database = _database()
    if database.offline:
        database.refuse_script("drops a column")
        table = database.quoted(table_name, schema)
        return op.execute(_plain(f"ALTER TABLE {table} DROP COLUMN IF EXISTS {database.quoted(column_name)}"))
    found = database.rows(table_name, schema)
    if found is None or not any(row.what == "column" and row.own == column_name for row in found):
        return _skipped(f"column {column_name} of table {table_name} is not there")
    if database.name == "postgresql":
        return op.drop_column(table_name, column_name, schema=schema)
    with _rebuilt(database, table_name, schema, dropped_column=column_name) as batch:
        batch.drop_column(column_name)


def safe_create_index(
    index_name: str, table_name: str, columns: t.Sequence[t.Any], *, schema: t.Optional[str] = None, **options: t.Any
) -> None:
    """op.create_index, unless an equal index is there. One that a failed CONCURRENTLY left invalid is an error."""
    database = _database()
    options.pop("if_not_exists", None)
    what, scope = f"index {index_name} of table {table_name}", _Scope("index", index_name)
    copied = {name: value for name, value in options.items() if name != "postgresql_concurrently"}
    wanted = alembic_ops.CreateIndexOp(index_name, table_name, columns, **copied).to_index(op.get_context())

    def copy() -> _Copy:
        return _Copy(table_name, [database.empty_copy(table_name, schema), CreateIndex(wanted)])

    if database.offline:
        _create_index_offline(database, index_name, table_name, columns, schema, options)
        if database.compares_offline:
            database.compare_offline(what, table_name, schema, copy(), scope)
        return
    found = _required(database, table_name, schema)
    if any(row.what == "index" and row.own == index_name for row in found):
        return database.compare(what, found, copy(), scope, schema)
    op.create_index(index_name, table_name, columns, schema=schema, **options)


def safe_drop_index(
    index_name: str, table_name: t.Optional[str] = None, *, schema: t.Optional[str] = None, **options: t.Any
) -> None:
    """op.drop_index, unless it is gone."""
    database = _database()
    options.pop("if_exists", None)
    if not database.offline and not database.has_index(index_name, schema):
        return _skipped(f"index {index_name} is not there")
    if _knows("drop_index", "if_exists"):
        return op.drop_index(index_name, table_name=table_name, schema=schema, if_exists=True, **options)
    wanted = alembic_ops.DropIndexOp(index_name, table_name, schema=schema, **options)
    op.execute(DropIndex(wanted.to_index(op.get_context()), if_exists=True))


def safe_create_foreign_key(
    constraint_name: t.Optional[str],
    source_table: str,
    referent_table: str,
    local_cols: t.Sequence[str],
    remote_cols: t.Sequence[str],
    *,
    source_schema: t.Optional[str] = None,
    **options: t.Any,
) -> None:
    """op.create_foreign_key, unless an equal one of this name is there; without a name, unless an equal one is there."""
    wanted = alembic_ops.CreateForeignKeyOp(
        constraint_name, source_table, referent_table, list(local_cols), list(remote_cols),
        source_schema=source_schema, **options,
    )  # fmt: skip
    _create_constraint(wanted, source_table, source_schema, _Scope("foreign key", constraint_name or ""))


def safe_create_unique_constraint(
    constraint_name: str,
    table_name: str,
    columns: t.Sequence[str],
    *,
    schema: t.Optional[str] = None,
    **options: t.Any,
) -> None:
    """op.create_unique_constraint, unless an equal one of this name is there."""
    wanted = alembic_ops.CreateUniqueConstraintOp(constraint_name, table_name, list(columns), schema=schema, **options)
    _create_constraint(wanted, table_name, schema, _Scope("constraint", constraint_name))


def safe_drop_constraint(
    constraint_name: str,
    table_name: str,
    type_: t.Optional[str] = None,
    *,
    schema: t.Optional[str] = None,
    naming_convention: t.Optional[t.Dict[str, str]] = None,
) -> None:
    """op.drop_constraint, unless it is gone. naming_convention names the nameless ones of SQLite, as in batch mode."""
    database = _database()
    if not constraint_name:
        raise CommandError(
            f"the migration drops a constraint of table {table_name} without its name: write the name into it"
        )
    if database.offline:
        database.refuse_script("drops a constraint")
        table, name = database.quoted(table_name, schema), database.quoted(constraint_name)
        return op.execute(_plain(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"))
    if constraint_name not in database.constraint_names(table_name, schema, naming_convention):
        return _skipped(f"constraint {constraint_name} of table {table_name} is not there")
    if database.name == "postgresql":
        return op.drop_constraint(constraint_name, table_name, type_=type_, schema=schema)
    with _rebuilt(database, table_name, schema, constraint_name, naming_convention=naming_convention) as batch:
        batch.drop_constraint(constraint_name, type_=type_)


def safe_execute(statement: str, *, unless: str = "", only_on: t.Sequence[str] = ()) -> None:
    """op.execute, unless the query `unless` has a row: what the statement does is there already.

    A failing statement stays an error. only_on: names of dialects; on the others nothing is done.
    """
    database = _database()
    if only_on and database.name not in only_on:
        return None
    if not unless:
        return op.execute(statement)
    if database.offline:
        database.refuse_script("has a statement with `unless`")
        return op.execute(_block(f"IF NOT EXISTS ({unless}) THEN EXECUTE {_literal(statement)}; END IF;"))
    if database.bind.execute(sa.text(unless)).first() is not None:
        return _skipped(f"statement {' '.join(statement.split())[:60]!r} has been run")
    op.execute(statement)


class safe_batch_alter_table:  # noqa: N801  (it stands where op.batch_alter_table stood)
    """op.batch_alter_table with the operations above; any other runs in a batch of its own."""

    def __init__(self, table_name: str, schema: t.Optional[str] = None, **options: t.Any) -> None:
        self._table, self._schema, self._options = table_name, schema, options

    def __enter__(self) -> safe_batch_alter_table:
        return self

    def __exit__(self, *_exc_info: t.Any) -> None:
        return None

    def f(self, name: str) -> t.Any:
        return op.f(name)

    def add_column(self, column: sa.Column, **_place: t.Any) -> None:
        safe_add_column(self._table, column, schema=self._schema)

    def drop_column(self, column_name: str) -> None:
        safe_drop_column(self._table, column_name, schema=self._schema)

    def create_index(self, index_name: str, columns: t.Sequence[t.Any], **options: t.Any) -> None:
        safe_create_index(index_name, self._table, columns, schema=self._schema, **options)

    def drop_index(self, index_name: str, **options: t.Any) -> None:
        safe_drop_index(index_name, self._table, schema=self._schema, **options)

    def create_foreign_key(
        self, name: t.Optional[str], referent: str, local: t.Sequence[str], remote: t.Sequence[str], **options: t.Any
    ) -> None:
        safe_create_foreign_key(name, self._table, referent, local, remote, source_schema=self._schema, **options)

    def create_unique_constraint(self, name: str, columns: t.Sequence[str], **options: t.Any) -> None:
        safe_create_unique_constraint(name, self._table, columns, schema=self._schema, **options)

    def drop_constraint(self, name: str, type_: t.Optional[str] = None) -> None:
        convention = self._options.get("naming_convention")
        safe_drop_constraint(name, self._table, type_, schema=self._schema, naming_convention=convention)

    def __getattr__(self, operation: str) -> t.Callable[..., None]:
        def run(*args: t.Any, **options: t.Any) -> None:
            database = _database()
            if database.name == "postgresql":
                with op.batch_alter_table(self._table, schema=self._schema, **self._options) as batch:
                    getattr(batch, operation)(*args, **options)
                return
            database.refuse_script("changes a column or a table")
            changed = args[0] if operation == "alter_column" else ""
            with _rebuilt(database, self._table, self._schema, dropped_column=changed) as batch:
                getattr(batch, operation)(*args, **options)

        return run


# -- comparing --


class _Migration:
    """The migration under way. What a table has too much may be what a later operation of the same migration adds."""

    def __init__(self, context: t.Any) -> None:
        self.claimed: t.List[t.Tuple[str, t.Optional[str], _Scope]] = []
        self.open: t.List[t.Callable[[], None]] = []
        self.can_tell_facts = False  # of the script: whether it has the function for that
        context.on_version_apply_callbacks = (*context.on_version_apply_callbacks, self.end)

    @classmethod
    def of(cls, context: t.Any) -> _Migration:
        if not hasattr(context, "_migration_helpers"):
            context._migration_helpers = cls(context)
        return context._migration_helpers

    def claims(self, table_name: str, schema: t.Optional[str]) -> t.List[_Scope]:
        return [scope for table, place, scope in self.claimed if (table, place) == (table_name, schema)]

    def end(self, **_named: t.Any) -> None:
        """Called by Alembic after each migration, in its transaction."""
        to_be_judged, self.open = self.open, []
        try:
            for judge in to_be_judged:
                judge()
        finally:
            self.claimed = []


def _claim(table_name: str, schema: t.Optional[str], scope: _Scope) -> None:
    _Migration.of(op.get_context()).claimed.append((table_name, schema, scope))


class _Row(t.NamedTuple):
    """One fact of a table. `own` is the object's name, and not compared: a nameless constraint matches any name."""

    what: str  # column, constraint, index, foreign key, trigger; name: a foreign key of that name is there
    name: str
    column: str  # the only column that it is about, or empty
    text: str
    own: str

    def fact(self) -> t.Tuple[str, ...]:
        return self[:4]

    def __str__(self) -> str:
        if self.what == "name":
            return f"foreign key of the name {self.name}"
        return " ".join(part for part in (self.what, self.name, self.text) if part)


class _Scope(t.NamedTuple):
    """Which facts of a table decide. Indexes that a table has besides are for other operations of the migration."""

    what: str
    name: str = ""

    def concerns(self, row: _Row) -> bool:
        if self.what == "column":
            return row.column == self.name
        return self.what == "table" or (row.what == self.what and (not self.name or row.own == self.name))

    def forbids(self, row: _Row) -> bool:
        """Whether this one may not be there when the migration does not create it."""
        kinds = {"table": ("column", "constraint", "foreign key"), "foreign key": ("foreign key",) if self.name else ()}
        return row.what in kinds.get(self.what, (self.what,))

    def concerns_sql(self) -> str:
        if self.what == "column":
            return f"col = {_literal(self.name)}"
        if self.what == "table":
            return "true"
        return f"what = {_literal(self.what)}" + (f" AND own = {_literal(self.name)}" if self.name else "")

    def forbids_sql(self) -> str:
        kinds = [
            kind for kind in ("column", "constraint", "foreign key", "index") if self.forbids(_Row(kind, *[""] * 4))
        ]
        return f"what IN ({', '.join(_literal(kind) for kind in kinds) or 'NULL'})"


class _Copy(t.NamedTuple):
    """How the object comes to be on a temporary table; foreign keys are described by their parts, as none may lead out."""

    table_name: str
    statements: t.List[t.Any]
    foreign_keys: t.Sequence[sa.ForeignKeyConstraint] = ()


def _refuse(what: str, has: t.Iterable[t.Any], wants: t.Iterable[t.Any]) -> None:
    parts = [f"it has {fact}" for fact in has] + [f"the migration creates {fact}" for fact in wants]
    if parts:
        raise DifferentDefinition(f"{what} exists, but not as this migration creates it: {'; '.join(parts)}")
    _skipped(f"{what} is there with the same definition")


def _compare(what: str, has: t.List[_Row], wants: t.List[_Row], scope: _Scope) -> t.List[_Row]:
    """The facts that are too much, where they alone are wrong: of a table they may be added by a later operation."""
    has, wants = [row for row in has if scope.concerns(row)], [row for row in wants if scope.concerns(row)]
    facts_of_has, facts_of_wants = {row.fact() for row in has}, {row.fact() for row in wants}
    extra = [row for row in has if scope.forbids(row) and row.fact() not in facts_of_wants]
    missing = [row for row in wants if row.fact() not in facts_of_has]
    if missing or scope.what != "table":
        _refuse(what, extra, missing)
    return extra


class _Database:
    """The database of this run of the migrations: one of the two below."""

    name = ""
    compares_offline = False

    def __init__(self) -> None:
        context = op.get_context()
        self.offline = context.as_sql
        self.dialect = context.dialect
        self.bind: t.Any = None if self.offline else op.get_bind()

    def rows(self, table_name: str, schema: t.Optional[str], creating: bool = False) -> t.Optional[t.List[_Row]]:
        """The facts of a table, or None where there is none."""
        raise NotImplementedError

    def wanted_rows(self, copy: _Copy) -> t.List[_Row]:
        raise NotImplementedError

    def compare(self, what: str, has: t.List[_Row], copy: _Copy, scope: _Scope, schema: t.Optional[str]) -> None:
        extra = _compare(what, has, self.wanted_rows(copy), scope)
        if scope.what == "table" and not extra:
            _skipped(f"{what} is there with the same definition")
        elif scope.what == "table":
            migration = _Migration.of(op.get_context())

            def judge() -> None:
                claims = migration.claims(copy.table_name, schema)
                _refuse(what, [row for row in extra if not any(claim.concerns(row) for claim in claims)], [])

            migration.open.append(judge)

    def quoted(self, name: str, schema: t.Optional[str] = None) -> str:
        quote = self.dialect.identifier_preparer.quote
        return f"{quote(schema)}.{quote(name)}" if schema else quote(name)

    def empty_copy(self, table_name: str, schema: t.Optional[str]) -> t.Any:
        """The statement that makes the copy with the columns that the table has."""
        raise NotImplementedError

    def refuse_script(self, does: str) -> None:
        if self.offline and self.name != "postgresql":
            raise CommandError(
                f"the migration {does}, which a script for SQLite (--sql) cannot do: run the migration on the database"
            )

    def alters(self, column: sa.Column) -> bool:
        return True

    def has_index(self, index_name: str, schema: t.Optional[str]) -> bool:
        raise NotImplementedError

    def compare_offline(
        self,
        what: str,
        table_name: str,
        schema: t.Optional[str],
        copy: _Copy,
        scope: _Scope,
        claims: t.Sequence[_Scope] = (),
    ) -> None:
        raise NotImplementedError

    def constraint_names(
        self, table_name: str, schema: t.Optional[str], convention: t.Optional[t.Dict[str, str]]
    ) -> t.Set[str]:
        rows = self.rows(table_name, schema) or []
        return {row.own for row in rows if row.what in ("constraint", "foreign key")}


# -- PostgreSQL --

_PG_ROWS = """
SELECT 'column' AS what, a.attname::text AS name, a.attname::text AS col, format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attcollation NOT IN (0, y.typcollation)
       THEN ' collate ' || (SELECT o.collname FROM pg_collation o WHERE o.oid = a.attcollation) ELSE '' END
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || CASE WHEN a.attidentity = 'a' THEN ' generated always as identity'
            WHEN a.attidentity = 'd' THEN ' generated by default as identity'
            WHEN a.attgenerated <> '' THEN ' generated as ' || pg_get_expr(d.adbin, d.adrelid)
            WHEN d.oid IS NULL THEN ''
            WHEN left(pg_get_expr(d.adbin, d.adrelid), 8) = 'nextval('
                 AND pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) IS NOT NULL
            THEN ' default from a sequence of its own'
            ELSE ' default ' || pg_get_expr(d.adbin, d.adrelid) END AS line,
    a.attname::text AS own
FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = {relation} AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT CASE c.contype WHEN 'f' THEN k.what ELSE 'constraint' END,
    CASE WHEN k.what = 'foreign key' THEN '' ELSE c.conname::text END,
    CASE WHEN array_length(c.conkey, 1) = 1 THEN
        (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1]) ELSE '' END,
    CASE WHEN c.contype <> 'f' THEN pg_get_constraintdef(c.oid) WHEN k.what = 'name' THEN '' ELSE
        '(' || (SELECT string_agg(a.attname, ', ' ORDER BY u.place) FROM unnest(c.conkey) WITH ORDINALITY AS u(number, place)
                JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.number)
        || ') references ' || (SELECT n.nspname || '.' || g.relname FROM pg_class g JOIN pg_namespace n ON n.oid = g.relnamespace
                             WHERE g.oid = c.confrelid)
        || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY u.place) FROM unnest(c.confkey) WITH ORDINALITY AS u(number, place)
                    JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = u.number) || ')'
        || CASE c.confmatchtype WHEN 'f' THEN ' match full' ELSE '' END
        || CASE c.confupdtype WHEN 'c' THEN ' on update cascade' WHEN 'n' THEN ' on update set null'
                              WHEN 'd' THEN ' on update set default' WHEN 'r' THEN ' on update restrict' ELSE '' END
        || CASE c.confdeltype WHEN 'c' THEN ' on delete cascade' WHEN 'n' THEN ' on delete set null'
                              WHEN 'd' THEN ' on delete set default' WHEN 'r' THEN ' on delete restrict' ELSE '' END
        || CASE WHEN c.condeferrable THEN ' deferrable' ELSE '' END
        || CASE WHEN c.condeferred THEN ' initially deferred' ELSE '' END END,
    c.conname::text
FROM pg_constraint c JOIN (VALUES ('foreign key'), ('name')) AS k(what) ON c.contype = 'f' OR k.what = 'name'
WHERE c.conrelid = {relation} AND c.contype IN ('p', 'u', 'c', 'x', 'f')
UNION ALL
SELECT 'index', r.relname::text,
    coalesce((SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid AND i.indnatts = 1 AND a.attnum = i.indkey[0]
              AND a.attnum > 0), ''),
    CASE WHEN i.indisunique THEN 'unique ' ELSE '' END
    || substr(pg_get_indexdef(i.indexrelid), strpos(pg_get_indexdef(i.indexrelid), ' USING ') + 1)
    || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID: it was left by a failed build, drop it' END,
    r.relname::text
FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
WHERE i.indrelid = {relation}
    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
"""


#: A script asks for the facts of many tables.
_PG_FACTS = (
    "CREATE OR REPLACE FUNCTION pg_temp.migration_facts(relation oid)"
    " RETURNS TABLE (what text, name text, col text, line text, own text) LANGUAGE sql AS $facts$"
    + _PG_ROWS.format(relation="migration_facts.relation")
    + "$facts$"
)


def _facts(relation: str) -> str:
    return f"pg_temp.migration_facts({relation})"


class _PostgreSQL(_Database):
    name = "postgresql"
    compares_offline = True

    def rows(self, table_name: str, schema: t.Optional[str], creating: bool = False) -> t.Optional[t.List[_Row]]:
        relation = _relation(table_name, schema, creating)
        if self.bind.execute(_plain(f"SELECT {relation}")).scalar() is None:
            return None
        return [_Row(*row) for row in self.bind.execute(_plain(_PG_ROWS.format(relation=relation)))]

    def wanted_rows(self, copy: _Copy) -> t.List[_Row]:
        with self.passing(copy):
            for statement in copy.statements:
                op.execute(statement)
            return [_Row(*row) for row in self.bind.execute(_plain(_wanted_sql(copy)))]

    @contextlib.contextmanager
    def passing(self, copy: _Copy) -> t.Iterator[None]:
        """Nothing of what is done inside stays, also outside of a transaction."""
        if self.bind.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            try:
                yield
            finally:
                op.execute(_plain(f"DROP TABLE IF EXISTS {self.quoted(copy.table_name, 'pg_temp')}"))
        else:
            savepoint = self.bind.begin_nested()
            try:
                yield
            finally:
                savepoint.rollback()

    def empty_copy(self, table_name: str, schema: t.Optional[str]) -> t.Any:
        real, copy = self.quoted(table_name, schema), self.quoted(table_name)
        return _plain(f"CREATE TEMPORARY TABLE {copy} AS SELECT * FROM {real} WHERE false")

    def compare_offline(
        self,
        what: str,
        table_name: str,
        schema: t.Optional[str],
        copy: _Copy,
        scope: _Scope,
        claims: t.Sequence[_Scope] = (),
    ) -> None:
        """The same comparison, as statements of the script: it ends there with the difference."""
        for statement in copy.statements:
            op.execute(statement)
        migration = _Migration.of(op.get_context())
        if not migration.can_tell_facts:
            op.execute(_plain(_PG_FACTS))
            migration.can_tell_facts = True
        has = f"SELECT * FROM {_facts(_relation(table_name, schema, False))} h"
        wants = f"SELECT * FROM ({_wanted_sql(copy, in_script=True)}) w"
        has, wants = [f"{rows} WHERE {scope.concerns_sql()}" for rows in (has, wants)]
        fact = "what, name, col, line"
        forbidden = " AND ".join([scope.forbids_sql(), *(f"NOT ({claim.concerns_sql()})" for claim in claims)])
        shown = (
            "CASE what WHEN 'name' THEN 'foreign key of the name ' || name"
            " ELSE concat_ws(' ', what, nullif(name, ''), nullif(line, '')) END"
        )
        op.execute(
            _block(f"""
SELECT string_agg(difference, '; ') INTO wrong FROM (
    SELECT 'it has ' || {shown} AS difference FROM ({has}) x WHERE {forbidden}
        AND ({fact}) NOT IN (SELECT {fact} FROM ({wants}) y)
    UNION ALL
    SELECT 'the migration creates ' || {shown} FROM ({wants}) x WHERE ({fact}) NOT IN (SELECT {fact} FROM ({has}) y)
) differences;
IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING MESSAGE = {_literal(what + " exists, but not as this migration creates it: ")} || wrong;
END IF;""")
        )
        if copy.statements:
            op.execute(_plain(f"DROP TABLE {self.quoted(copy.table_name, 'pg_temp')}"))

    def has_index(self, index_name: str, schema: t.Optional[str]) -> bool:
        found = self.bind.execute(_plain(f"SELECT {_relation(index_name, schema, False, 'iI')}")).scalar()
        return found is not None

    def enum_labels(self, name: str) -> t.List[str]:
        query = f"SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = {name} ORDER BY e.enumsortorder"
        return [row[0] for row in self.bind.execute(_plain(query))]


def _relation(name: str, schema: t.Optional[str], creating: bool, kinds: str = "rpf") -> str:
    """The number of a relation. One without a schema is created in the first of the search path, and found in any of it."""
    place = f"n.nspname = {_literal(schema)}" if schema else "n.nspname = ANY (current_schemas(false))"
    if schema == "pg_temp":
        place = "n.oid = pg_my_temp_schema()"
    elif creating and not schema:
        place = "n.nspname = current_schema()"
    return (
        f"(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = {_literal(name)}"
        f" AND c.relkind = ANY ('{{{','.join(kinds)}}}') AND {place}"
        " ORDER BY array_position(current_schemas(false), n.nspname) LIMIT 1)"
    )


def _wanted_sql(copy: _Copy, in_script: bool = False) -> str:
    """The facts of the temporary table, and of the foreign keys that it could not have."""
    relation = _relation(copy.table_name, "pg_temp", False)
    rows = f"SELECT * FROM {_facts(relation)} f" if in_script else _PG_ROWS.format(relation=relation)
    parts = [rows] if copy.statements else []
    for constraint in copy.foreign_keys:
        local, (schema, table), remote, rules = _parts(constraint)
        number, known = _relation(table, schema, False), "pg_class g JOIN pg_namespace n ON n.oid = g.relnamespace"
        referent = (
            f"coalesce((SELECT n.nspname || '.' || g.relname FROM {known} WHERE g.oid = {number}), {_literal(table)})"
        )
        line = f"{_literal(f'({local}) references ')} || {referent} || {_literal(f' ({remote}){rules}')}"
        column = _literal(local if "," not in local else "")
        name = _literal(str(constraint.name or ""))
        parts.append(f"SELECT 'foreign key', '', {column}, {line}, {name}")
        if constraint.name:
            parts.append(f"SELECT 'name', {name}, {column}, '', {name}")
    select = "SELECT ''::text AS what, ''::text AS name, ''::text AS col, ''::text AS line, ''::text AS own WHERE false"
    return "\nUNION ALL\n".join([select, *parts])


def _share_enums(database: _Database, items: t.Iterable[t.Any], schema: t.Optional[str]) -> t.List[t.Any]:
    """The items with their Enum types made, or found to be there with the same labels: Alembic would fail on one that is."""
    shared = []
    for item in items:
        kind = item.type if isinstance(item, sa.Column) else None
        if database.name == "postgresql" and isinstance(kind, sa.Enum) and kind.native_enum and kind.name:
            place = kind.schema or (schema if kind.inherit_schema else None)
            _make_enum(t.cast(_PostgreSQL, database), kind, place)
            item.type = sa.Integer()
            item = _copied(item)  # a copy without the Enum does not listen to what that wants to be created
            item.type = postgresql.ENUM(*kind.enums, name=kind.name, schema=place, create_type=False)
        shared.append(item)
    return shared


def _make_enum(database: _PostgreSQL, kind: sa.Enum, schema: t.Optional[str]) -> None:
    quoted = database.quoted(str(kind.name), schema)
    number = f"to_regtype({_literal(quoted)})"
    labels = ", ".join(_literal(label) for label in kind.enums)
    create = f"CREATE TYPE {quoted} AS ENUM ({labels})"
    if database.offline:
        same = f"(SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = {number})"
        message = _literal(
            f"type {kind.name} exists, but not as this migration creates it: the migration creates {labels}"
        )
        return op.execute(_block(
            f"IF {number} IS NULL THEN {create}; ELSIF {same} IS DISTINCT FROM ARRAY[{labels}]::text[] THEN "
            f"RAISE EXCEPTION USING MESSAGE = {message}; END IF;"
        ))  # fmt: skip
    if database.bind.execute(_plain(f"SELECT {number}")).scalar() is None:
        return op.execute(_plain(create))
    found = database.enum_labels(number)
    if found != list(kind.enums):
        _refuse(f"type {kind.name}", [", ".join(map(repr, found)) or "no labels"], [labels])


# -- SQLite --


class _SQLite(_Database):
    name = "sqlite"

    def rows(self, table_name: str, schema: t.Optional[str], creating: bool = False) -> t.Optional[t.List[_Row]]:
        return self._rows(self.bind, table_name, schema)

    def wanted_rows(self, copy: _Copy) -> t.List[_Row]:
        rows: t.List[_Row] = []
        if copy.statements:
            with sa.create_engine("sqlite://").connect() as memory:
                for statement in copy.statements:
                    memory.execute(statement)
                rows = self._rows(memory, copy.table_name, None) or []
        rows = [row for row in rows if row.what not in ("foreign key", "name")]
        for constraint in copy.foreign_keys:
            local, (_schema, table), remote, rules = _parts(constraint)
            column, name = (local if "," not in local else ""), str(constraint.name or "")
            rows.append(_Row("foreign key", "", column, f"({local}) references {table} ({remote}){rules}", name))
            rows += [_Row("name", name, column, "", name)] if name else []
        return rows

    def empty_copy(self, table_name: str, schema: t.Optional[str]) -> t.Any:
        return _plain(next(text for kind, _name, text in self._texts(self.bind, table_name, schema) if kind == "table"))

    def _rows(self, bind: t.Any, table_name: str, schema: t.Optional[str]) -> t.Optional[t.List[_Row]]:
        texts = self._texts(bind, table_name, schema)
        if not any(kind == "table" for kind, _name, _text in texts):
            return None
        with warnings.catch_warnings():  # it says which indexes it leaves out: they are read below
            warnings.simplefilter("ignore", sa.exc.SAWarning)
            rows = _sqlite_table(sa.inspect(bind), table_name, schema, self.dialect)
        for kind, name, text in texts:
            words = " ".join((text or "").split())
            if kind == "table" and re.search(r"\bAUTOINCREMENT\b", words, re.IGNORECASE):
                rows.append(_Row("constraint", "", "", "AUTOINCREMENT", ""))
            if kind == "table":
                for check, condition in _checks(text):
                    said = _unquoted(" ".join(condition.split()))
                    rows.append(_Row("constraint", check, "", f"CHECK ({said})", check))
            elif kind == "index" and text:
                columns = [row[2] for row in bind.execute(_plain(f"PRAGMA index_info({self.quoted(name)})"))]
                unique = "unique " if re.match(r"CREATE UNIQUE", words, re.IGNORECASE) else ""
                only = (columns[0] or "") if len(columns) == 1 else ""
                rows.append(_Row("index", name, only, unique + _unquoted(words[words.index("(") :]), name))
            elif kind == "trigger":
                rows.append(_Row("trigger", name, "", words, name))
        return rows

    def _texts(self, bind: t.Any, table_name: str, schema: t.Optional[str]) -> t.List[t.Tuple[str, str, str]]:
        master = f"{self.quoted(schema or 'main')}.sqlite_master"
        query = f"SELECT type, name, sql FROM {master} WHERE tbl_name = {_literal(table_name)} COLLATE NOCASE"
        return [(row[0], row[1], row[2]) for row in bind.execute(_plain(query))]

    def has_index(self, index_name: str, schema: t.Optional[str]) -> bool:
        query = f"SELECT 1 FROM {self.quoted(schema or 'main')}.sqlite_master WHERE type = 'index' AND name = {_literal(index_name)}"
        return self.bind.execute(_plain(query)).first() is not None

    def constraint_names(
        self, table_name: str, schema: t.Optional[str], convention: t.Optional[t.Dict[str, str]]
    ) -> t.Set[str]:
        if self.rows(table_name, schema) is None:
            return set()
        constraints = self.reflected(table_name, schema, convention).constraints
        return {str(constraint.name) for constraint in constraints if constraint.name}

    def reflected(
        self, table_name: str, schema: t.Optional[str], convention: t.Optional[t.Dict[str, str]] = None
    ) -> sa.Table:
        metadata = sa.MetaData(naming_convention=convention) if convention else sa.MetaData()
        rows = self.rows(table_name, schema) or []
        counting = {"sqlite_autoincrement": True} if any(row.text == "AUTOINCREMENT" for row in rows) else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)
            table = sa.Table(
                table_name, metadata, schema=schema, autoload_with=self.bind, resolve_fks=False, **counting
            )
        for constraint in [found for found in table.constraints if isinstance(found, sa.CheckConstraint)]:
            table.constraints.discard(constraint)  # SQLAlchemy 1.4 reads only the simplest ones rightly
        for kind, _name, text in self._texts(self.bind, table_name, schema):
            for check, condition in _checks(text) if kind == "table" else []:
                table.append_constraint(sa.CheckConstraint(_plain(condition), name=check or None))
        return table

    def alters(self, column: sa.Column) -> bool:
        """Whether ALTER TABLE ADD COLUMN can do it: no constraint with it, and a value for the rows that are there."""
        default = column.server_default
        constant = isinstance(default, sa.DefaultClause) and (
            isinstance(default.arg, str) or _is_constant(str(default.arg))
        )
        bound = column.foreign_keys or column.unique or column.primary_key or column.computed is not None
        checked = getattr(column.type, "create_constraint", False)
        return not bound and not checked and (constant if default is not None else bool(column.nullable))

    def kept_texts(self, table_name: str, schema: t.Optional[str]) -> t.List[t.Tuple[str, str]]:
        """(name, statement) of the indexes and triggers, which a rebuild takes away."""
        found = self._texts(self.bind, table_name, schema)
        return [(name, text) for kind, name, text in found if kind in ("index", "trigger") and text]

    def refuse_rebuild(self, table_name: str, schema: t.Optional[str]) -> None:
        """Batch mode drops the table: what hangs on it would break, or lose its rows."""
        master = f"{self.quoted(schema or 'main')}.sqlite_master"
        views = [row[0] for row in self.bind.execute(_plain(f"SELECT name, sql FROM {master} WHERE type = 'view'")) if re.search(
            rf"\b{re.escape(table_name)}\b", row[1], re.IGNORECASE)]  # fmt: skip
        if views:
            raise CommandError(
                f"table {table_name} has to be made anew, and view {views[0]} reads it: drop the view before and create it after"
            )
        enforced = self.bind.execute(_plain("PRAGMA foreign_keys")).scalar()
        others = [name for name in sa.inspect(self.bind).get_table_names(schema=schema) if name != table_name]
        pointing = [name for name in others for key in sa.inspect(self.bind).get_foreign_keys(name, schema=schema)
                    if key["referred_table"].lower() == table_name.lower()]  # fmt: skip
        if enforced and pointing:
            raise CommandError(
                f"table {table_name} has to be made anew, and the rows of {pointing[0]} that point at it would be lost or refused: "
                "switch PRAGMA foreign_keys off in env.py while migrations run"
            )


def _sqlite_table(inspector: t.Any, table: str, schema: t.Optional[str], dialect: t.Any) -> t.List[_Row]:
    rows = []
    for column in inspector.get_columns(table, schema=schema):
        text = column["type"].compile(dialect=dialect) if not isinstance(column["type"], sa.types.NullType) else ""
        text += "" if column["nullable"] else " not null"
        text += f" default {column['default']}" if column["default"] is not None else ""
        text += f" generated as {column['computed']['sqltext']}" if "computed" in column else ""
        rows.append(_Row("column", column["name"], column["name"], text, column["name"]))
    keys = [("PRIMARY KEY", inspector.get_pk_constraint(table, schema=schema))]
    keys += [("UNIQUE", found) for found in inspector.get_unique_constraints(table, schema=schema)]
    for word, found in keys:
        columns, name = found.get("column_names", found.get("constrained_columns")) or [], found.get("name") or ""
        if columns:
            rows.append(
                _Row(
                    "constraint", name, columns[0] if len(columns) == 1 else "", f"{word} ({', '.join(columns)})", name
                )
            )
    for found in inspector.get_foreign_keys(table, schema=schema):
        local, remote, name = (
            ", ".join(found["constrained_columns"]),
            ", ".join(found["referred_columns"]),
            found.get("name") or "",
        )
        column = local if len(found["constrained_columns"]) == 1 else ""
        text = f"({local}) references {found['referred_table']} ({remote}){_rules(found.get('options') or {})}"
        rows.append(_Row("foreign key", "", column, text, name))
        rows += [_Row("name", name, column, "", name)] if name else []
    return rows


@contextlib.contextmanager
def _rebuilt(
    database: _Database,
    table_name: str,
    schema: t.Optional[str],
    dropped_constraint: str = "",
    dropped_column: str = "",
    naming_convention: t.Optional[t.Dict[str, str]] = None,
) -> t.Iterator[t.Any]:
    """Batch mode in one transaction. What SQLAlchemy does not read of a table is made again, and nothing may be missing."""
    sqlite = t.cast(_SQLite, database)
    sqlite.refuse_rebuild(table_name, schema)
    before, kept = sqlite.rows(table_name, schema) or [], sqlite.kept_texts(table_name, schema)
    table = sqlite.reflected(table_name, schema, naming_convention)
    counting = (
        {"table_kwargs": {"sqlite_autoincrement": True}} if table.dialect_options["sqlite"]["autoincrement"] else {}
    )
    with sqlite.bind.begin_nested():
        # "always": batch mode would take ALTER TABLE for a new column, whatever else it needs.
        with op.batch_alter_table(table_name, schema=schema, copy_from=table, recreate="always", **counting) as batch:
            yield batch
        there = {name for name, _text in sqlite.kept_texts(table_name, schema)}
        for name, text in kept:
            if name not in there:
                op.execute(_plain(text))
        after = {row.fact() for row in sqlite.rows(table_name, schema) or []}
        lost = [row for row in before if row.fact() not in after]
        lost = [row for row in lost if not (dropped_column and row.column == dropped_column)]
        lost = [row for row in lost if not (dropped_constraint and dropped_constraint in (row.own, _named(table, row)))]
        if lost:
            raise CommandError(
                f"table {table_name} cannot be made anew without losing {lost[0]}: alter it in SQL of your own"
            )


def _named(table: sa.Table, row: _Row) -> str:
    """The name that a naming convention gives to a nameless constraint."""
    for constraint in table.constraints:
        if isinstance(constraint, sa.ForeignKeyConstraint):
            local, (_schema, referent), remote, rules = _parts(constraint)
            text = f"({local}) references {referent} ({remote}){rules}"
        else:
            text = f"UNIQUE ({', '.join(column.name for column in constraint.columns)})"
        if constraint.name and text == row.text:
            return str(constraint.name)
    return ""


def _checks(statement: str) -> t.List[t.Tuple[str, str]]:
    """(name, condition) of the CHECK constraints in the text of a table."""
    found, words, opened, name = [], [], [], ""
    for match in re.finditer(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|[(),]|\w+", statement):
        word = match.group()
        if word == "(":
            opened.append((match.end(), words[-1:] == ["CHECK"], name))
        elif word == ")" and opened:
            start, is_check, its_name = opened.pop()
            if is_check:
                found.append((its_name, statement[start : match.start()].strip()))
        if words[-1:] == ["CONSTRAINT"]:
            name = _unquoted(word)
        elif word == "," or words[-1:] == [")"]:
            name = ""
        words.append(word.upper())
    return found


def _is_constant(text: str) -> bool:
    return re.fullmatch(r"\s*(-?\d+(\.\d+)?|'[^']*'|null|true|false)\s*", text, re.IGNORECASE) is not None


def _unquoted(text: str) -> str:
    return re.sub(r'["`\[\]]', "", text)


# -- small parts of both --


def _database() -> _Database:
    name = op.get_context().dialect.name
    for kind in (_PostgreSQL, _SQLite):
        if kind.name == name:
            return kind()
    raise CommandError(
        f"the migration helpers know PostgreSQL and SQLite, not {name}: use the operations of Alembic there"
    )


def _required(database: _Database, table_name: str, schema: t.Optional[str]) -> t.List[_Row]:
    found = database.rows(table_name, schema)
    if found is None:
        raise CommandError(
            f"table {table_name} is not there, and the migration changes it: create it in a revision before"
        )
    return found


def _copy_of(table: sa.Table, database: _Database) -> _Copy:
    copy = _to_metadata(table, database)
    indexes = [CreateIndex(index) for index in sorted(copy.indexes, key=lambda index: str(index.name))]
    return _Copy(
        table.name, [CreateTable(copy, include_foreign_key_constraints=[]), *indexes], sorted(
            table.foreign_key_constraints, key=lambda constraint: str(constraint.column_keys))
    )  # fmt: skip


def _copy_of_column(database: _Database, table_name: str, column: sa.Column, schema: t.Optional[str]) -> _Copy:
    """A table with this column alone; and with the others where it is computed of them."""
    others = []
    if column.computed is not None and database.offline:
        raise CommandError(
            f"column {column.name} is computed of others, which a script (--sql) does not know: run the migration"
        )
    if column.computed is not None:
        known = sa.inspect(database.bind).get_columns(table_name, schema=schema)
        others = [sa.Column(found["name"], found["type"]) for found in known if found["name"] != column.name]
    metadata = SchemaObjects(op.get_context()).metadata()  # with the naming convention of the project
    table = sa.Table(table_name, metadata, *others, _copied(column), schema=schema)
    return _copy_of(table, database)


def _to_metadata(table: sa.Table, database: _Database) -> sa.Table:
    copy = table.to_metadata(sa.MetaData(), schema=None)
    copy._prefixes = ["TEMPORARY"] if database.name == "postgresql" else []
    names = {tuple(index.columns.keys()): index.name for index in table.indexes}
    for index in copy.indexes:  # a name that was made out of the table's would be made out of the copy's
        index.name = names[tuple(index.columns.keys())]
    return copy


def _copied(column: sa.Column) -> sa.Column:
    return (getattr(column, "_copy", None) or column.copy)()


def _create_constraint(wanted: t.Any, table_name: str, schema: t.Optional[str], scope: _Scope) -> None:
    database = _database()
    constraint = wanted.to_constraint(op.get_context())
    if not scope.name and isinstance(constraint.name, str):
        scope = scope._replace(name=str(constraint.name))  # by the naming convention of the project
    _claim(table_name, schema, scope)
    what = f"{scope.what} {scope.name} of table {table_name}".replace("  ", " ")
    if isinstance(constraint, sa.ForeignKeyConstraint):
        copy = _Copy(table_name, [], [constraint])
    else:
        columns = [sa.Column(name, sa.Integer()) for name in wanted.columns]
        table = sa.Table(table_name, sa.MetaData(), *columns)
        table.append_constraint(sa.UniqueConstraint(*columns, name=scope.name or None, **wanted.kw))
        copy = _Copy(table_name, [CreateTable(_to_metadata(table, database))])
    if database.offline:
        database.refuse_script("creates a constraint")
        return _create_constraint_offline(t.cast(_PostgreSQL, database), wanted, table_name, schema, what, copy, scope)
    found = _required(database, table_name, schema)
    if scope.name and any(scope.concerns(row) for row in found):
        return database.compare(what, found, copy, scope, schema)
    if not scope.name and {row.fact() for row in database.wanted_rows(copy)} <= {row.fact() for row in found}:
        return _skipped(f"{what} is there with the same definition")
    if database.name == "postgresql":
        return op.invoke(wanted)
    if not scope.name:
        raise CommandError(f"the {what} needs a name on SQLite: batch mode knows it by that")
    for row in database.wanted_rows(copy):
        same = [
            other
            for other in found
            if other.what == row.what == "foreign key" and other.text.split(")")[:2] == row.text.split(")")[:2]
        ]
        if same:
            raise CommandError(
                f"table {table_name} has {same[0]} already, named {same[0].own or 'nothing'}, and SQLite cannot tell two apart"
            )
    with _rebuilt(database, table_name, schema) as batch:
        if isinstance(wanted, alembic_ops.CreateForeignKeyOp):
            options = {
                name: value for name, value in wanted.kw.items() if value is not None and name != "source_schema"
            }
            batch.create_foreign_key(
                scope.name, wanted.referent_table, wanted.local_cols, wanted.remote_cols, **options
            )
        else:
            batch.create_unique_constraint(scope.name, wanted.columns)


def _parts(constraint: sa.ForeignKeyConstraint) -> t.Tuple[str, t.Tuple[t.Optional[str], str], str, str]:
    """Columns, (schema, table), columns there, rules."""
    targets = [element.target_fullname.rsplit(".", 1) for element in constraint.elements]
    schema, _dot, table = targets[0][0].rpartition(".")
    rules = {name: getattr(constraint, name) for name in ("match", "onupdate", "ondelete", "deferrable", "initially")}
    return (
        ", ".join(constraint.column_keys),
        (schema or None, table),
        ", ".join(column for _table, column in targets),
        _rules(rules),
    )


def _rules(given: t.Dict[str, t.Any]) -> str:
    match, update, delete = [str(given.get(name) or "").lower() for name in ("match", "onupdate", "ondelete")]
    deferred = str(given.get("initially") or "").lower() == "deferred"
    text = " match full" if match == "full" else ""
    text += f" on update {update}" if update not in ("", "no action") else ""
    text += f" on delete {delete}" if delete not in ("", "no action") else ""
    text += " deferrable" if given.get("deferrable") or deferred else ""
    return text + (" initially deferred" if deferred else "")


# -- what a script (--sql) gets --


def _create_table_offline(
    database: _Database, table_name: str, items: t.List[t.Any], schema: t.Optional[str], options: t.Dict[str, t.Any]
) -> sa.Table:
    if not database.compares_offline:
        return op.create_table(table_name, *items, schema=schema, **options)
    indexed = any(isinstance(item, sa.Index) or getattr(item, "index", None) for item in items)
    if _knows("create_table", "if_not_exists") and not indexed:
        return op.create_table(table_name, *items, schema=schema, if_not_exists=True, **options)
    table = alembic_ops.CreateTableOp(table_name, list(items), schema=schema, **options).to_table(op.get_context())
    op.execute(CreateTable(table, if_not_exists=True))
    for index in sorted(table.indexes, key=lambda found: str(found.name)):
        op.execute(CreateIndex(index, if_not_exists=True))
    return table


def _add_column_offline(
    database: _Database, table_name: str, column: sa.Column, schema: t.Optional[str], options: t.Dict[str, t.Any]
) -> None:
    plain = not (column.foreign_keys or column.unique or column.index)
    if not database.compares_offline:
        op.add_column(table_name, column, schema=schema, **options)
    elif plain and _knows("add_column", "if_not_exists"):
        op.add_column(table_name, column, schema=schema, if_not_exists=True, **options)
    else:
        statements = _statements(lambda: op.add_column(table_name, _copied(column), schema=schema, **options))
        there = (
            f"SELECT 1 FROM pg_attribute WHERE attrelid = {_relation(table_name, schema, False)}"
            f" AND attname = {_literal(column.name)} AND NOT attisdropped"
        )
        op.execute(_block(f"IF NOT EXISTS ({there}) THEN\n{statements}\nEND IF;"))


def _create_index_offline(
    database: _Database, index_name: str, table_name: str, columns: t.Sequence[t.Any], schema: t.Optional[str], options: t.Dict[str, t.Any]
) -> None:  # fmt: skip
    if not database.compares_offline:
        op.create_index(index_name, table_name, columns, schema=schema, **options)
    elif _knows("create_index", "if_not_exists"):
        op.create_index(index_name, table_name, columns, schema=schema, if_not_exists=True, **options)
    else:
        wanted = alembic_ops.CreateIndexOp(index_name, table_name, columns, schema=schema, **options)
        op.execute(CreateIndex(wanted.to_index(op.get_context()), if_not_exists=True))


def _create_constraint_offline(
    database: _PostgreSQL, wanted: t.Any, table_name: str, schema: t.Optional[str], what: str, copy: _Copy, scope: _Scope
) -> None:  # fmt: skip
    """PostgreSQL has no IF NOT EXISTS for constraints."""
    if not scope.name:
        raise CommandError(f"the {what} needs a name in a script (--sql), which knows it by that")
    there = f"SELECT 1 FROM pg_constraint WHERE conrelid = {_relation(table_name, schema, False)} AND conname = {_literal(scope.name)}"
    op.execute(_block(f"IF NOT EXISTS ({there}) THEN\n{_statements(lambda: op.invoke(wanted))}\nEND IF;"))
    database.compare_offline(what, table_name, schema, copy, scope)


def _statements(run: t.Callable[[], t.Any]) -> str:
    """What Alembic writes into the script for this operation, taken out of the script."""
    impl = op.get_context().impl
    said: t.List[str] = []
    impl.static_output = said.append  # type: ignore[method-assign]
    try:
        run()
    finally:
        del impl.static_output
    return "\n".join(said)


def _block(body: str) -> t.Any:
    return _plain(f"DO $migration$\nDECLARE wrong text;\nBEGIN\n{body}\nEND $migration$")


def _plain(statement: str) -> t.Any:
    """Text in which a colon is a colon, and not a parameter."""
    return sa.text(re.sub(r"(?<![:\\]):(?=\w)", r"\\:", statement))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _knows(operation: str, option: str) -> bool:
    return option in inspect.signature(getattr(Operations, operation)).parameters


def _skipped(why: str) -> None:
    log.info("skipped: %s", why)
