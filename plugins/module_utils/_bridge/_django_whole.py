# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All migrations of a plan in one transaction: all of them, or nothing.

Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

import typing as t

from ._django_cursor import rows_of
from ._protocol import BridgeError

#: Deferrable, but checked at once unless somebody defers them.
_IMMEDIATE = """
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.conname)
FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
WHERE c.condeferrable AND NOT c.condeferred ORDER BY 1
"""


class Undone(BridgeError):
    """Raised inside of the one transaction. What is to be told of it is known after the rollback only."""

    def __init__(self, tell: t.Callable[[], BridgeError], **detail: t.Any) -> None:
        super().__init__("undone", "the transaction of all migrations is rolled back", **detail)
        self.tell = tell


def refuse_unfit(connection: t.Any, steps: t.Any, arguments: dict[str, t.Any]) -> None:
    """Refuse a plan that one transaction cannot hold. Raises BridgeError."""
    if not arguments.get("one_transaction"):
        return
    if connection.vendor != "postgresql":
        raise BridgeError("one_transaction", f"`one_transaction` needs PostgreSQL, and this is {connection.vendor}")
    alone = [f"{migration.app_label}.{migration.name}" for migration, _backwards in steps if not migration.atomic]
    if alone:
        raise BridgeError(
            "one_transaction",
            f"`one_transaction` is set, and {', '.join(alone)} cannot run in a transaction (atomic = False); "
            "leave `one_transaction` out",
        )


def settle(connection: t.Any) -> None:
    """Check what was deferred, as the end of a transaction would, and defer again what the next one would defer."""
    rows_of(connection, "SET CONSTRAINTS ALL IMMEDIATE")
    rows_of(connection, "SET CONSTRAINTS ALL DEFERRED")
    immediate = [row[0] for row in rows_of(connection, _IMMEDIATE)]
    if immediate:
        rows_of(connection, f"SET CONSTRAINTS {', '.join(immediate)} IMMEDIATE")
