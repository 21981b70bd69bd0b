# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes that CREATE INDEX CONCURRENTLY left behind. Application's interpreter, PostgreSQL only; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

from ._django_cursor import rows_of
from ._protocol import BridgeError

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_CREATE_INDEX = re.compile(
    rf"^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?({_NAME})\s+ON\s+"
    rf"(?:ONLY\s+)?((?:{_NAME}\.)?{_NAME})",
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


def invalid_indexes(connection: t.Any, text: str) -> list[str]:
    """Indexes that a statement would make, of an earlier attempt. Raises BridgeError when somebody is building one."""
    match = _CREATE_INDEX.match(text)
    if not match:
        return []
    name = match.group(1)
    plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    found = rows_of(connection, _INVALID, [match.group(2), plain])
    for index, builder, other in found:
        if builder or other:
            raise BridgeError(
                "index_busy",
                f"the index {index} is being built by session {builder or other}; wait for it, or end it, and run again",
            )
    return [row[0] for row in found]
