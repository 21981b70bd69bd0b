# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a pooler gives the sessions of the server to several connections in turn.

Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

import typing as t

from ._django_cursor import rows_of
from ._protocol import BridgeError

_ROUNDS = 10


def refuse_shared_sessions(first: t.Any, second: t.Any) -> None:
    """Refuse two connections, in autocommit, that do not have a session of the server each. Raises BridgeError."""
    if announced(first) == session_of(first) and announced(second) == session_of(second):
        return  # a pooler makes up what it announces
    own, other = session_of(first), session_of(second)
    for _round in range(_ROUNDS):
        # Twice the same one: a pooler that goes around two sessions would give each connection its own otherwise.
        if own == other or [session_of(first), session_of(first), session_of(second)] != [own, own, other]:
            raise BridgeError(
                "pooler",
                "the database is reached through a pooler in transaction mode, where neither the migration lock nor the time "
                "limits hold; give the migration a direct connection to the server",
            )


def announced(connection: t.Any) -> int:
    """The process of the server, as told when the connection was made; 0 when the driver does not say."""
    connection.ensure_connection()
    return int(getattr(getattr(connection.connection, "info", None), "backend_pid", 0))


def session_of(connection: t.Any) -> int:
    """The process of the server that answers now."""
    return int(rows_of(connection, "SELECT pg_backend_pid()")[0][0])
