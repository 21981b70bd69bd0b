# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a pooler gives the sessions of the server to several connections in turn.

Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

from ._protocol import BridgeError
from ._session import Session

_ROUNDS = 10


def refuse_shared_sessions(first: Session, second: Session) -> None:
    """Refuse two connections, in autocommit, that do not have a session of the server each. Raises BridgeError."""
    if first.announced() == session_of(first) and second.announced() == session_of(second):
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


def session_of(session: Session) -> int:
    """The process of the server that answers now."""
    return int(session.rows("SELECT pg_backend_pid()")[0][0])
