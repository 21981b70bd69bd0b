# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a statement of a migration is to a catalog: it shows there, only looks at it, or changes rows. Pure; PRIVATE to the collection."""

from __future__ import annotations

import re

#: Alembic's batch mode and Django's schema editor on SQLite move rows into a table that takes the place of another one.
_SHOWN = re.compile(
    r"\s*((ALTER|CREATE|DROP|COMMENT|GRANT|REVOKE|SET|RESET|LOCK|ANALYZE|VACUUM|REINDEX|REFRESH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b"
    r"|INSERT\s+INTO\s+(\w+\.)?\"?(_alembic_tmp_|new__))",
    re.IGNORECASE,
)
_LOOKS = re.compile(
    r"\s*(PRAGMA|SHOW|(SELECT|WITH)\b.*\b(pg_catalog|information_schema|pg_class|pg_type|pg_constraint|pg_index|sqlite_master|sqlite_schema)\b)",
    re.IGNORECASE | re.DOTALL,
)


class Count:
    """Statements of one migration, without those that only look, and those that record it in `versions`."""

    def __init__(self, versions: str) -> None:
        self.versions = versions
        self._statements = self._writes = 0

    def add(self, statement: str) -> None:
        if self.versions not in statement and not _LOOKS.match(statement):
            self._statements += 1
            self._writes += not _SHOWN.match(statement)

    def taken(self) -> dict[str, int]:
        """What was counted since the last time. writes: whether some of it changes rows, of which no catalog tells."""
        told = {"statements": self._statements, "writes": bool(self._writes)}
        self._statements = self._writes = 0
        return told
