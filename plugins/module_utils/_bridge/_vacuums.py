# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an autovacuum give way. Application's interpreter, PostgreSQL only; PRIVATE to the collection.

The server ends one that somebody has waited for as long as deadlock_timeout, usually one second. The lock budget is shorter,
so that a migration would never get past the vacuum of a large table.
"""

from __future__ import annotations

import typing as t

from ._session import Session

#: Of one run and one table: a vacuum against wraparound does not give way.
_ATTEMPTS = 3
_LONGEST = 10000


class Vacuums:
    """Waits for autovacuum in a lock mode that stands in the way of no query."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._attempts: dict[str, int] = {}

    def end(self, relations: t.Iterable[str]) -> None:
        """Of these tables; outside of a transaction."""
        for relation in sorted(relations):
            self._attempts[relation] = self._attempts.get(relation, 0) + 1
            if self._attempts[relation] <= _ATTEMPTS:
                self._wait(relation)

    def _wait(self, relation: str) -> None:
        found = self._session.rows("SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'")
        with self._session.trial():
            try:
                self._session.rows(f"SET LOCAL lock_timeout = {min(found[0][0], _LONGEST) + 1000}")
                self._session.rows(f"LOCK TABLE {relation} IN SHARE UPDATE EXCLUSIVE MODE")
            except Exception:  # it did not give way, or the role may not: the next attempt shows who is in the way
                pass
