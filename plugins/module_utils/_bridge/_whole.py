# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All migrations of a plan in one transaction: all of them, or nothing.

Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

import typing as t

from ._protocol import BridgeError
from ._session import Session

#: Deferrable, but checked at once unless somebody defers them.
_IMMEDIATE = """
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.conname)
FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
WHERE c.condeferrable AND NOT c.condeferred ORDER BY 1
"""


class Undone(BridgeError):
    """Raised inside of a transaction. What is to be told of it is known after the rollback only."""

    def __init__(self, tell: t.Callable[[], BridgeError], **detail: t.Any) -> None:
        super().__init__("undone", "the transaction of all migrations is rolled back", **detail)
        self.tell = tell


def refuse_unfit(vendor: str, alone: t.Sequence[str], why: str) -> None:
    """Refuse a plan that one transaction cannot hold. alone: what cannot run in a transaction, and why. Raises BridgeError."""
    if vendor != "postgresql":
        raise BridgeError("one_transaction", f"`one_transaction` needs PostgreSQL, and this is {vendor}")
    if alone:
        raise BridgeError(
            "one_transaction",
            f"`one_transaction` is set, and {', '.join(alone)} cannot run in a transaction ({why}); "
            "leave `one_transaction` out",
        )


def settle(session: Session) -> None:
    """Check what was deferred, as the end of a transaction would, and defer again what the next one would defer."""
    session.rows("SET CONSTRAINTS ALL IMMEDIATE")
    session.rows("SET CONSTRAINTS ALL DEFERRED")
    immediate = [row[0] for row in session.rows(_IMMEDIATE)]
    if immediate:
        session.rows(f"SET CONSTRAINTS {', '.join(immediate)} IMMEDIATE")
