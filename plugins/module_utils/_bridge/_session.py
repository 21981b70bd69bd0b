# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection that migrates, as locks and limits see it, whatever the framework. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import typing as t


class Session:
    """A connection to PostgreSQL for statements of our own, which the framework neither counts nor limits."""

    def rows(self, sql: str, arguments: t.Any = None) -> t.List[t.Any]:
        """Run a statement with %s in place of each argument; its rows."""
        raise NotImplementedError

    def inside(self) -> bool:
        """Whether a transaction of the migration is open."""
        raise NotImplementedError

    def usable(self) -> bool:
        """Whether the server still answers."""
        raise NotImplementedError

    @contextlib.contextmanager
    def trial(self) -> t.Iterator[None]:
        """A transaction of our own outside of the migration's, which is always rolled back."""
        self.rows("BEGIN")
        try:
            yield
        finally:
            self.rows("ROLLBACK")

    def beside(self, name: str) -> Session:
        """A second one to the same database, in autocommit. Belongs to the thread that makes it."""
        raise NotImplementedError

    def close(self) -> None:
        """Only of one that came from beside()."""
        raise NotImplementedError

    def announced(self) -> int:
        """The process of the server, as told when the connection was made; 0 when the driver does not say."""
        raise NotImplementedError

    def refusal(self, exc: BaseException) -> str:
        """Why the server cannot be reached, in one sentence without the password."""
        raise NotImplementedError

    def lock_not_available(self, limit: int) -> Exception:
        """What the server says when one lock takes too long, for all locks of a statement together."""
        raise NotImplementedError
