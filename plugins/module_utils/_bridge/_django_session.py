# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Django's connection as a Session. Application's interpreter, PostgreSQL only; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from . import _exceptions as errors
from ._django_cursor import rows_of
from ._session import Session


class DjangoSession(Session):
    def __init__(self, connection: t.Any) -> None:
        self._connection = connection

    def rows(self, sql: str, arguments: t.Any = None) -> t.List[t.Any]:
        return rows_of(self._connection, sql, arguments)

    def inside(self) -> bool:
        return bool(self._connection.in_atomic_block)

    def usable(self) -> bool:
        return self._connection.connection is not None and self._connection.is_usable()

    def beside(self, name: str) -> Session:
        other = self._connection.copy(self._connection.alias)
        options = {key: value for key, value in other.settings_dict["OPTIONS"].items() if key != "pool"}
        other.settings_dict.update(
            OPTIONS={**options, "application_name": name}, AUTOCOMMIT=True, ATOMIC_REQUESTS=False
        )
        return DjangoSession(other)

    def close(self) -> None:
        self._connection.close()

    def announced(self) -> int:
        self._connection.ensure_connection()
        return int(getattr(getattr(self._connection.connection, "info", None), "backend_pid", 0))

    def refusal(self, exc: BaseException) -> str:
        return errors.connecting(self._connection.alias, self._connection.settings_dict, exc)

    def lock_not_available(self, limit: int) -> Exception:
        from django.db.utils import OperationalError

        return errors.lock_not_available(OperationalError, limit)
