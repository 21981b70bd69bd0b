# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes that CREATE INDEX CONCURRENTLY left behind. Application's interpreter, PostgreSQL only; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

from ._protocol import BridgeError
from ._session import Session

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_CREATE_INDEX = re.compile(
    rf"^\s*CREATE\s+(?P<unique>UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{_NAME})\s+ON\s+"
    rf"(?:ONLY\s+)?(?P<table>(?:{_NAME}\.)?{_NAME})",
    re.I,
)

# Only an index of that very name on that very table, never finished, that nobody is building at this moment.
_INVALID = """
SELECT i.indexrelid::regclass::text,
       (SELECT max(p.pid) FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid),
       (SELECT max(l.pid) FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.relation = i.indrelid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_backend_pid()
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND coalesce(a.backend_type, 'client backend') = 'client backend')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND i.indrelid = to_regclass(%s) AND c.relname = %s
"""
# All that makes the index what it is, without its name and its table.
_DEFINITION = """
SELECT i.indisunique, substr(pg_get_indexdef(i.indexrelid), strpos(pg_get_indexdef(i.indexrelid), ' USING '))
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indisvalid AND i.indisready AND i.indrelid = to_regclass(%s) AND c.relname = %s
"""
_PROOF = "pg_temp.seamless_proof"


def invalid_indexes(session: Session, text: str) -> list[str]:
    """Indexes that a statement would make, of an earlier attempt. Raises BridgeError when somebody is building one."""
    match = _CREATE_INDEX.match(text)
    if not match:
        return []
    found = session.rows(_INVALID, [match.group("table"), _plain(match.group("name"))])
    for index, builder, other in found:
        if builder or other:
            raise BridgeError(
                "index_busy",
                f"the index {index} is being built by session {builder or other}; wait for it, or end it, and run again",
            )
    return [row[0] for row in found]


def finished_index(session: Session, text: str, arguments: t.Any) -> str:
    """The index that a statement would make, when it is there, valid and the very same; otherwise "".

    Proven by making it on an empty copy of the table, in a transaction that is rolled back.
    """
    match = _CREATE_INDEX.match(text)
    if not match:
        return ""
    table, plain = match.group("table"), _plain(match.group("name"))
    there = session.rows(_DEFINITION, [table, plain])
    if not there:
        return ""
    with session.trial():
        try:
            session.rows(f"CREATE TEMPORARY TABLE seamless_proof (LIKE {table})")
            made = f"CREATE {match.group('unique') or ''}INDEX {match.group('name')} ON {_PROOF}{text[match.end() :]}"
            session.rows(made, arguments)
            same = session.rows(_DEFINITION, [_PROOF, plain]) == there
        except Exception:  # it cannot be proven, and the statement itself says what is wrong
            same = False
    return plain if same else ""


def makes_index(sql: str) -> bool:
    """Whether it is one statement that, run once more, finds the index that it made."""
    return bool(_CREATE_INDEX.match(sql)) and ";" not in sql.rstrip().rstrip(";")


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
