# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark of a database that was lent for rehearsals, and removing all that came after it. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import rows, sql

#: The schema that is the mark. Its table holds the database's oid, so that a copy of a marked database is not marked.
MARK = "seamless_rehearsal"
_COMMENT = (
    "Made by seamless.deploy: everything in this database that is not listed here is removed by the next rehearsal."
)

_MARKED = "SELECT pg_catalog.to_regclass('seamless_rehearsal.found') IS NOT NULL"
_SCHEMAS = """
SELECT n.nspname FROM pg_catalog.pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'seamless_rehearsal')
"""
#: What depends on a schema is what lies in it. Indexes, row types and identity sequences go with what they belong to.
_OBJECTS = """
SELECT o.type, o.identity
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_namespace AS n ON d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = n.oid
CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS o
WHERE d.deptype = 'n' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'seamless_rehearsal')
  AND d.classid NOT IN ('pg_catalog.pg_extension'::regclass, 'pg_catalog.pg_default_acl'::regclass)
  AND o.type NOT LIKE 'publication%'
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS e
                  WHERE e.classid = d.classid AND e.objid = d.objid AND e.objsubid = 0 AND e.deptype IN ('e', 'i'))
ORDER BY o.type NOT IN ('table', 'foreign table', 'view', 'materialized view'), o.type, o.identity
"""
#: What lies in no schema.
_BARE = """
SELECT o.type, o.identity
FROM (SELECT 'pg_catalog.pg_publication'::regclass, oid FROM pg_catalog.pg_publication
      UNION ALL SELECT 'pg_catalog.pg_event_trigger'::regclass, oid FROM pg_catalog.pg_event_trigger
      UNION ALL SELECT 'pg_catalog.pg_foreign_server'::regclass, oid FROM pg_catalog.pg_foreign_server
      UNION ALL SELECT 'pg_catalog.pg_foreign_data_wrapper'::regclass, oid FROM pg_catalog.pg_foreign_data_wrapper
      UNION ALL SELECT 'pg_catalog.pg_largeobject'::regclass, oid FROM pg_catalog.pg_largeobject_metadata
     ) AS found (class, id)
CROSS JOIN LATERAL pg_catalog.pg_identify_object(found.class, found.id, 0) AS o
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS e
                  WHERE e.classid = found.class AND e.objid = found.id AND e.deptype = 'e')
ORDER BY o.type = 'foreign-data wrapper', o.type, o.identity
"""
#: How DROP calls a type of object, where it is not what pg_identify_object() says.
_WORDS = {
    "statistics object": "STATISTICS",
    "composite type": "TYPE",
    "server": "SERVER",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER",
}


def marked(opened: t.Any, oid: int) -> bool:
    """Whether a rehearsal was here and did not end."""
    if not rows(opened, _MARKED)[0][0]:
        return False
    return bool(
        rows(opened, "SELECT 1 FROM seamless_rehearsal.found WHERE kind = 'database' AND name = %s", (str(oid),))
    )


def first_object(opened: t.Any) -> str:
    """One thing that somebody keeps here, "" for nothing; a mark that does not count is one too."""
    if rows(opened, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", (MARK,)):
        return f"schema {MARK}, which is not of this database"
    return next((f"{kind} {identity}" for kind, identity in [*rows(opened, _OBJECTS), *rows(opened, _BARE)]), "")


def mark(opened: t.Any, oid: int) -> None:
    """Note what is here before the rehearsal."""
    rows(
        opened,
        f"""
        BEGIN;
        CREATE SCHEMA {MARK};
        CREATE TABLE {MARK}.found (kind text, name text);
        COMMENT ON TABLE {MARK}.found IS '{_COMMENT}';
        INSERT INTO {MARK}.found SELECT 'schema', s.nspname FROM ({_SCHEMAS}) AS s;
        INSERT INTO {MARK}.found SELECT 'extension', e.extname FROM pg_catalog.pg_extension AS e;
        INSERT INTO {MARK}.found VALUES ('database', '{oid}');
        COMMIT
        """,
    )


def unmark(opened: t.Any) -> None:
    rows(opened, f"DROP SCHEMA IF EXISTS {MARK} CASCADE")


def empty(opened: t.Any) -> None:
    """Remove all that the mark does not name. One statement after the other: together they might want too many locks."""
    found = rows(opened, f"SELECT kind, name FROM {MARK}.found")
    kept = {kind: {name for each, name in found if each == kind} for kind in ("schema", "extension")}
    _drop_all(opened, _BARE)  # event triggers first: they might object to what follows
    for (name,) in rows(opened, _SCHEMAS):
        if name not in kept["schema"]:
            _drop(opened, "SCHEMA", sql.Identifier(name))
    _drop_all(opened, _OBJECTS)
    for (name,) in rows(opened, "SELECT extname FROM pg_catalog.pg_extension"):
        if name not in kept["extension"]:
            _drop(opened, "EXTENSION", sql.Identifier(name))


def _drop_all(opened: t.Any, query: str) -> None:
    for kind, identity in rows(opened, query):
        if kind == "large object":
            rows(opened, "SELECT pg_catalog.lo_unlink(%s::oid)", (identity,))
        else:
            _drop(opened, _WORDS.get(kind, kind.upper()), sql.SQL(identity))


def _drop(opened: t.Any, kind: str, name: t.Any) -> None:
    rows(opened, sql.SQL("DROP {} IF EXISTS {} CASCADE").format(sql.SQL(kind), name))
