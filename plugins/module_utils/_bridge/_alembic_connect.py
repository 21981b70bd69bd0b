# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every connection that SQLAlchemy makes in this process: led to another database, or refused.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import os
import typing as t
from urllib.parse import quote, quote_plus

from ._protocol import BridgeError

_KEY = "seamless_deploy_target"
_ARGUMENTS = "seamless_deploy_arguments"
_MEMORY = ("", ":memory:")


class Target(t.NamedTuple):
    """What a connection leads to, as the application means it."""

    engine: str
    name: str
    host: str = ""
    port: str = ""
    user: str = ""

    def same(self, other: t.Optional[Target]) -> bool:
        """Whether both are one database, whoever connects."""
        return other is not None and self[:4] == other[:4]


class Connections:
    """Listens to `do_connect` of all engines. `meant` is the database that is migrated.

    It is taken from the first connection, and corrected by what env.py hands to Alembic.
    """

    def __init__(self, arguments: t.Dict[str, t.Any], answer: t.Any) -> None:
        self._name = arguments.get("database_name") or ""
        self._refuse = (arguments.get("other_databases") or "keep") != "keep"
        self._answer = answer
        self._seen: t.List[t.Tuple[t.Any, Target]] = []
        self.meant: t.Optional[Target] = None
        self.reading = False
        self.stepping = False  # whether a migration runs: what it reaches for besides is its own doing
        self.connecting: t.Optional[Target] = None

    def listen(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
        from sqlalchemy.pool import Pool

        event.listen(Engine, "do_connect", self._lead)
        event.listen(Pool, "connect", self._connected)

    def of(self, connection: t.Any) -> t.Optional[Target]:
        """What an open connection was meant to lead to."""
        found = connection.info.get(_KEY)
        return found if isinstance(found, Target) else None

    def _connected(self, _connection: t.Any, _record: t.Any) -> None:
        self.connecting = None

    def _lead(self, dialect: t.Any, record: t.Any, arguments: t.List[t.Any], named: t.Dict[str, t.Any]) -> None:
        """Change the arguments of the driver in place, before it connects. Raises BridgeError."""
        target = self._target(dialect, arguments, named)
        if self.meant is None:
            self.meant = target
        self.connecting = target
        if record is not None:
            record.info[_KEY] = target
            record.info[_ARGUMENTS] = (arguments, named)
        if named.get("password"):
            secret = str(named["password"])
            self._answer.progress("secrets", values=sorted({secret, quote(secret, safe=""), quote_plus(secret)}))
        if target.same(self.meant):
            self._replace(target, self._name or target.name, arguments, named)
        elif self._refuse:
            self._stand_in(target, arguments, named)

    def _target(self, dialect: t.Any, arguments: t.List[t.Any], named: t.Dict[str, t.Any]) -> Target:
        """SQLAlchemy may hand the same arguments out again, as they were left."""
        for known, target in self._seen:
            if known is named:
                return target
        target = target_of(dialect.name, arguments, named)
        self._seen.append((named, target))
        return target

    def _stand_in(self, target: Target, arguments: t.List[t.Any], named: t.Dict[str, t.Any]) -> None:
        """env.py may open all databases of a project before it migrates one: the others get a connection that shows them nothing."""
        same_server = self.meant is not None and self.meant.engine == target.engine and self._name
        if not self.stepping and target.engine == "sqlite":
            arguments[:1] = [":memory:"]
        elif not self.stepping and same_server:
            self._replace(target, self._name, arguments, named)
        else:
            raise BridgeError(
                "alias_refused", f"a migration reached for the database {target.name!r}, which is out of bounds here"
            )

    def _replace(self, target: Target, name: str, arguments: t.List[t.Any], named: t.Dict[str, t.Any]) -> None:
        if target.engine == "sqlite":
            nothing = self.reading and name not in _MEMORY and not os.path.exists(name)
            arguments[:1] = [":memory:" if nothing else name]  # connecting would create the file
        elif name != target.name:
            named["dbname" if "dbname" in named else "database"] = name


def arguments_of(connection: t.Any) -> t.Optional[t.Tuple[t.List[t.Any], t.Dict[str, t.Any]]]:
    """What the driver was called with; None for an engine that connects in a way of its own."""
    found = connection.info.get(_ARGUMENTS)
    return (list(found[0]), dict(found[1])) if found else None


def target_of(engine: str, arguments: t.Sequence[t.Any], named: t.Mapping[str, t.Any]) -> Target:
    """From the arguments that a driver is called with."""
    if engine == "sqlite":
        name = str((arguments or [named.get("database", "")])[0])
        return Target(engine, name if name in _MEMORY or name.startswith("file:") else os.path.abspath(name))
    name = named.get("dbname") or named.get("database") or named.get("user") or ""
    return Target(
        engine, str(name), str(named.get("host") or ""), str(named.get("port") or ""), str(named.get("user") or "")
    )
