# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup in a scratch database, and what its rows say to a migration that failed there. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _archive, _clients, _dump, _store
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clients import Client
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import (
    StatementFailed,
    connected,
    rows,
    sql,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _violations
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Violation
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

#: Processes that restore at the same time, at most: the server has its own work to do.
JOBS = 4


@dataclasses.dataclass(frozen=True)
class Backup:
    """One backup of pg_backup. client_version: of the pg_dump that wrote it."""

    path: str
    client_version: str

    @property
    def major(self) -> int:
        return int(self.client_version.split(".")[0])


def backup_at(path: str, database: str) -> Backup:
    """The backup that pg_backup returned as `path`. Raises DeployError."""
    path = path.rstrip("/")
    manifest = _store.read_manifest(f"{path}.json")
    if manifest is None or not os.path.exists(path):
        missing = f"there is no {path}" if manifest else f"{path}.json is no manifest of it"
        raise DeployError(
            f"backup {path} is no backup of pg_backup: {missing}; give the path that pg_backup returned", kind="backup"
        )
    if manifest.get("database") != database:
        raise DeployError(
            f"backup {path} is one of the database {manifest.get('database')!r}, and the migrations are for {database!r}; "
            "give the path of a backup of that one",
            kind="backup",
        )
    return Backup(path, str(manifest["client_version"]))


def client_for(backup: Backup, clients: t.Sequence[Client], server: str, client_path: str) -> Client:
    """Of the server's own major, unless a newer one wrote the backup: an older one cannot read it. Raises DeployError."""
    if backup.major <= int(server.split(".")[0]):
        return _clients.choose(clients, server, client_path, False)
    newer = sorted((client for client in clients if client.major >= backup.major), key=lambda client: client.major)
    if not newer:
        raise DeployError(
            f"backup {backup.path} was written by pg_dump {backup.client_version}, and no pg_restore of that version is here; "
            "install it, or set client_path to its directory",
            kind="backup",
        )
    return newer[0]


@dataclasses.dataclass(frozen=True)
class Restored:
    """A backup and where it goes, as admin. role: who owns everything there where admin is no superuser."""

    backup: Backup
    target: DatabaseConnection
    client: Client
    superuser: bool
    role: str

    def make(self, run: _archive.Run) -> None:
        """Restore, then analyse. Raises DeployError."""
        with connected(self.target, "database_name") as opened:
            # A scratch database need not outlive a power cut.
            name = sql.Identifier(self.target.database)
            rows(opened, sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
        argv = [self.client.program("pg_restore"), "--exit-on-error", "--no-password", f"--jobs={_jobs()}"]
        # A subscription would keep the scratch database from being removed.
        argv += ["--no-subscriptions", *self._foreign(), f"--dbname={self.target.database}", self.backup.path]
        rc, out, err = _archive.call(run, argv, self.target)
        errors = _dump.messages_of(err).errors
        if rc != 0 or errors:
            said = errors[0] if errors else f"exit code {rc}"
            raise DeployError(
                f"backup {self.backup.path} cannot be restored for a rehearsal: pg_restore says {said}",
                kind="backup",
                rc=rc,
                stdout=out,
                stderr=err,
            )
        with self.opened() as opened:
            rows(opened, "ANALYZE")

    def _foreign(self) -> list[str]:
        """Whoever is no superuser cannot give objects to their owners, nor comment on extensions."""
        return [] if self.superuser else ["--no-owner", "--no-privileges", "--no-comments", f"--role={self.role}"]

    def opened(self) -> t.Any:
        return as_owner(self.target, self.superuser, self.role)

    def violations(self, found: t.Sequence[_violations.Query], left: t.Callable[[], float]) -> list[Violation]:
        """The answers of the rows. A question that cannot be put, or takes too long, stays open. left: seconds."""
        answers = []
        with self.opened() as opened:
            rows(opened, "SET search_path = ''")
            for query in found:
                try:
                    count = int(_limited(opened, query.count, left())[0][0])
                    keys = _limited(opened, query.samples, left()) if count and query.samples else []
                except StatementFailed:
                    continue
                if count:
                    answers.append(Violation(query.object, query.kind, count, [str(key) for (key,) in keys]))
        return answers


def blamed(event: t.Mapping[str, t.Any], data: bool, around: t.Sequence[Snapshot]) -> list[_violations.Query]:
    """What to ask after a migration failed. around: the catalogs before and after it, where it did not fail."""
    failure = event.get("failure")
    if not failure or len(around) < 2:
        return []
    statements = [one["sql"] for one in event["statements"]]
    return _violations.relevant(_violations.queries(*around), failure["sqlstate"], statements, data)


def _limited(opened: t.Any, statement: str, left: float) -> list[tuple[t.Any, ...]]:
    """Half of the time that is left is for this statement, so that the next one has some too."""
    rows(opened, f"SET statement_timeout = {max(1, int(left * 500))}")
    return rows(opened, statement)


def _jobs() -> int:
    return max(1, min(JOBS, (os.cpu_count() or 1) // 2))


@contextlib.contextmanager
def as_owner(target: DatabaseConnection, superuser: bool, role: str) -> t.Iterator[t.Any]:
    """A connection that may do there what the owner may."""
    with connected(target, "database_name") as opened:
        if not superuser:
            rows(opened, sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        yield opened
