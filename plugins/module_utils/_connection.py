# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two database connections, never mixed up. Pure; target; PRIVATE to the collection.

The **application** connection is what the application and its migrations run as. The **admin** connection
makes scratch databases, fences and restores. Both are the same kind of value with another `role`, so that
a function which needs one can refuse the other.
"""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

VERSION = 1
ROLES = ("application", "admin")
#: How the directory of a socket begins that was opened for one deploy, by the module pg_admin_login.
LENT = "seamless-login-"
POSTGRESQL_SCHEMES = ("postgres", "postgresql", "psql", "pgsql", "postgis")


@dataclasses.dataclass(frozen=True)
class DatabaseConnection:
    """Where a PostgreSQL server is and who connects. host may be a socket directory. The password is never shown."""

    role: str
    host: str = ""
    port: int = 5432
    user: str = ""
    database: str = ""
    password: str = dataclasses.field(default="", repr=False)
    options: dict[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"connection role {self.role!r} is none of {', '.join(ROLES)}")

    def to_database(self, database: str) -> DatabaseConnection:
        return dataclasses.replace(self, database=database)

    def to_json(self) -> dict[str, t.Any]:
        """For records and reports: everything but the password."""
        public = {name: value for name, value in dataclasses.asdict(self).items() if name != "password"}
        return {"version": VERSION, **public}

    @classmethod
    def from_json(cls, data: dict[str, t.Any], password: str = "") -> DatabaseConnection:
        if data.get("version") != VERSION:
            raise DeployError(f"a database connection has format version {data.get('version')!r}, expected {VERSION}")
        names = {field.name for field in dataclasses.fields(cls)} - {"password"}
        return cls(password=password, **{name: value for name, value in data.items() if name in names})

    def psycopg2_arguments(self) -> dict[str, t.Any]:
        """Keyword arguments for psycopg2.connect."""
        named = {
            "host": self.host or None,
            "port": self.port,
            "user": self.user or None,
            "dbname": self.database or None,
            "password": self.password or None,
        }
        return {**self.options, **{name: value for name, value in named.items() if value is not None}}

    def environment(self) -> dict[str, str]:
        """The connection for a PostgreSQL client program, password included: for its environment only, never argv."""
        named = {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.database,
            "PGPASSWORD": self.password,
            "PGSSLMODE": self.options.get("sslmode", ""),
            "PGREQUIREPEER": self.options.get("requirepeer", ""),
        }
        return {name: value for name, value in named.items() if value}

    def where(self) -> str:
        """For messages: user@host:port/database."""
        place = self.host if self.host.startswith("/") else f"{self.host or 'the local socket'}:{self.port}"
        return f"{self.user or 'the default user'}@{place}/{self.database}"


def parse_url(url: str, role: str, option: str) -> DatabaseConnection:
    """A connection from `postgres://user:password@host:port/name?sslmode=…`; `host=` may name a socket directory.

    `option` is the option that a message names. The URL itself is never repeated: it holds a password.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise DeployError(
            f"{option} is not a URL that can be read ({_trouble(url)}); write it as "
            "postgres://USER:PASSWORD@HOST:PORT/DATABASE and percent-encode special characters in the password"
        ) from None
    scheme = parts.scheme.split("+")[0]
    if scheme not in POSTGRESQL_SCHEMES:
        raise DeployError(_wrong_scheme(scheme, option))
    query = dict(urllib.parse.parse_qsl(parts.query))
    unquote = urllib.parse.unquote
    host = unquote(query.pop("host", "") or parts.hostname or "")
    database = unquote(parts.path.lstrip("/"))
    if not database and role == "application":
        raise DeployError(f"{option} names no database; write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE")
    return DatabaseConnection(
        role,
        host,
        int(query.pop("port", port)),
        unquote(parts.username or ""),
        database or "postgres",
        unquote(parts.password or ""),
        query,
    )


def _wrong_scheme(scheme: str, option: str) -> str:
    if scheme in ("mysql", "mariadb"):
        return f"{option} names a MySQL database, which is not supported; supported is PostgreSQL 13 or newer"
    if scheme in ("sqlite", "sqlite3", "spatialite"):
        return f"{option} names a SQLite database, and a PostgreSQL server is wanted here"
    shown = f"begins with {scheme!r}" if scheme else "has no scheme"
    return f"{option} {shown}; write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE"


def _trouble(url: str) -> str:
    """Why a URL cannot be read, without the words of the exception: they quote the URL, and differ between Pythons."""
    port = url.rpartition("@")[2].partition("/")[0].rpartition(":")[2]
    return "its port is not a number" if not port.isdigit() else "it cannot be split into its parts"
