# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PostgreSQL database has beside tables and views: sequences, types, functions and more. Target; PRIVATE to the collection."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import rows, server_major
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_tables import USERS, not_of_extension
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Domain,
    Enum,
    Extension,
    Function,
    Publication,
    Sequence,
)

FUNCTIONS = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window"}

_SEQUENCES = f"""
SELECT n.nspname || '.' || c.relname, pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
       s.seqcycle, (SELECT rn.nspname || '.' || r.relname || '.' || a.attname FROM pg_catalog.pg_depend AS d
                    JOIN pg_catalog.pg_class AS r ON r.oid = d.refobjid JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
                    LIMIT 1),
       CASE WHEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN pg_catalog.pg_sequence_last_value(c.oid) END, c.oid
FROM pg_catalog.pg_sequence AS s JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE {USERS} AND {not_of_extension("pg_class", "c.oid")}
"""
_ENUMS = f"""
SELECT n.nspname || '.' || y.typname, ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e
       WHERE e.enumtypid = y.oid ORDER BY e.enumsortorder), y.oid
FROM pg_catalog.pg_type AS y JOIN pg_catalog.pg_namespace AS n ON n.oid = y.typnamespace
WHERE y.typtype = 'e' AND {USERS} AND {not_of_extension("pg_type", "y.oid")}
"""
_DOMAINS = f"""
SELECT n.nspname || '.' || y.typname, pg_catalog.format_type(y.typbasetype, y.typtypmod), y.typnotnull, COALESCE(y.typdefault, ''),
       ARRAY(SELECT pg_catalog.pg_get_constraintdef(o.oid) FROM pg_catalog.pg_constraint AS o
             WHERE o.contypid = y.oid AND o.contype = 'c' ORDER BY 1), y.oid
FROM pg_catalog.pg_type AS y JOIN pg_catalog.pg_namespace AS n ON n.oid = y.typnamespace
WHERE y.typtype = 'd' AND {USERS} AND {not_of_extension("pg_type", "y.oid")}
"""
#: All that decides what a function does goes into its hash; its costs and its name do not.
_FUNCTIONS = f"""
SELECT n.nspname || '.' || p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid), pg_catalog.pg_get_function_result(p.oid),
       p.prokind, l.lanname, p.oid, p.prosrc, p.probin, {{sql_body}}, p.proconfig, p.provolatile, p.proparallel, p.proisstrict,
       p.prosecdef, p.proleakproof, pg_catalog.pg_get_function_arguments(p.oid), p.prosupport::text,
       g.aggtransfn::text, g.aggfinalfn::text, g.aggcombinefn::text, g.aggtranstype::pg_catalog.regtype::text, g.agginitval
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang LEFT JOIN pg_catalog.pg_aggregate AS g ON g.aggfnoid = p.oid
WHERE {USERS} AND {not_of_extension("pg_proc", "p.oid")}
"""
_EXTENSIONS = """
SELECT e.extname, e.extversion, n.nspname
FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
"""
_PUBLICATIONS = """
SELECT p.pubname, p.puballtables,
       ARRAY(SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_publication_rel AS r
             JOIN pg_catalog.pg_class AS c ON c.oid = r.prrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE r.prpubid = p.oid) || {schemas}, p.oid
FROM pg_catalog.pg_publication AS p
"""
_PUBLISHED_SCHEMAS = """ARRAY(SELECT n.nspname || '.*' FROM pg_catalog.pg_publication_namespace AS s
             JOIN pg_catalog.pg_namespace AS n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid)"""


def others(opened: t.Any) -> dict[str, list[t.Any]]:
    """All but sequences, by the name of their list in a catalog."""
    return {
        "enums": enums(opened),
        "functions": functions(opened),
        "extensions": extensions(opened),
        "publications": publications(opened),
        "domains": domains(opened),
    }


def sequences(opened: t.Any) -> list[Sequence]:
    """Those of identity columns too."""
    found = [
        Sequence(name, kind, start, increment, minimum, maximum, cycle, owned_by or "", last_value, oid)
        for name, kind, start, increment, minimum, maximum, cycle, owned_by, last_value, oid in rows(opened, _SEQUENCES)
    ]
    return sorted(found, key=lambda sequence: sequence.name)


def enums(opened: t.Any) -> list[Enum]:
    return sorted((Enum(*row) for row in rows(opened, _ENUMS)), key=lambda enum: enum.name)


def domains(opened: t.Any) -> list[Domain]:
    return sorted((Domain(*row) for row in rows(opened, _DOMAINS)), key=lambda domain: domain.name)


def functions(opened: t.Any) -> list[Function]:
    sql_body = "pg_catalog.pg_get_function_sqlbody(p.oid)" if server_major(opened) >= 14 else "NULL"
    found = [
        Function(name, arguments or "", returns or "", FUNCTIONS[kind], language, _hash(kind, returns, *deeds), oid)
        for name, arguments, returns, kind, language, oid, *deeds in rows(opened, _FUNCTIONS.format(sql_body=sql_body))
    ]
    return sorted(found, key=lambda function: (function.name, function.arguments))


def _hash(*deeds: t.Any) -> str:
    return hashlib.sha256(json.dumps(deeds).encode()).hexdigest()


def extensions(opened: t.Any) -> list[Extension]:
    return sorted((Extension(*row) for row in rows(opened, _EXTENSIONS)), key=lambda extension: extension.name)


def publications(opened: t.Any) -> list[Publication]:
    schemas = _PUBLISHED_SCHEMAS if server_major(opened) >= 15 else "ARRAY[]::text[]"
    found = [
        Publication(name, all_tables, sorted(tables), oid)
        for name, all_tables, tables, oid in rows(opened, _PUBLICATIONS.format(schemas=schemas))
    ]
    return sorted(found, key=lambda publication: publication.name)
