# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of several databases at one time stamp: checked first, then made, then thinned out. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import (
    _archive,
    _clients,
    _dump,
    _files,
    _retention,
    _store,
    _trial,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows, server_version


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for. keep: None removes nothing. min_free: bytes that must remain free in dest."""

    databases: t.Sequence[str]
    dest: str
    dump: _dump.DumpFormat
    label: str = ""
    keep: t.Optional[int] = None
    client_path: str = ""
    newer_client: bool = False
    lock_wait_timeout: int = 60
    space_factor: t.Optional[float] = None
    min_free: int = 0
    deploy_id: str = ""

    def __post_init__(self) -> None:
        if not self.databases:
            raise DeployError("databases is empty; name at least one database")
        if self.keep is not None and self.keep < 1:
            raise DeployError(f"keep is {self.keep}; it must be 1 or more, or be left out to keep all backups")
        if self.lock_wait_timeout < 1:
            raise DeployError(f"lock_wait_timeout is {self.lock_wait_timeout}; it must be 1 second or more")
        _dump.check_label(self.label)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done, with everything that could be checked before found in order."""

    request: Request
    jobs: list[_archive.Job]
    estimates: dict[str, int]
    free: int

    @property
    def facts(self) -> dict[str, t.Any]:
        return {
            "timestamp": self.jobs[0].stamp,
            "client": self.jobs[0].client.directory,
            "estimated_bytes": sum(self.estimates.values()),
            "free_bytes": self.free,
        }


def plan(request: Request, connection: DatabaseConnection, run: _archive.Run, now: float) -> Plan:
    """Look at server, client programs and room; changes nothing. Raises DeployError."""
    dest, dump = request.dest, request.dump
    _files.check_directory(dest)
    sizes, version = {}, ""
    for database in request.databases:
        with connected(connection.to_database(database), "databases") as opened:
            sizes[database] = int(rows(opened, "SELECT pg_catalog.pg_database_size(current_database())")[0][0])
            version = server_version(opened)
    clients = _clients.find_clients(run, request.client_path)
    client = _clients.choose(clients, version, request.client_path, request.newer_client)
    _trial.try_compression(run, client, dump, connection.to_database(request.databases[0]))
    estimates = {name: _dump.estimate(size, dump.compression, request.space_factor) for name, size in sizes.items()}
    free = _files.free_bytes(dest)
    _dump.check_space(dest, sum(estimates.values()), free, request.min_free)
    same = (version, client, dump, dest, _free_stamp(request, now))
    more = (request.label, request.deploy_id, request.lock_wait_timeout)
    jobs = [_archive.Job(connection.to_database(name), *same, *more) for name in request.databases]
    return Plan(request, jobs, estimates, free)


def announced(planned: Plan) -> dict[str, t.Any]:
    """What carry_out would return."""
    backups = [
        {
            "database": job.database,
            "path": job.path,
            "size": planned.estimates[job.database],
            "sha256": "",
            "manifest_path": job.manifest_path,
            "duration": 0.0,
            "server_version": job.server_version,
            "client_version": job.client.version,
        }
        for job in planned.jobs
    ]
    return {"backups": backups, "removed": _removable(planned), "warnings": []}


def carry_out(planned: Plan, run: _archive.Run, journal: Journal, step: str, now: float) -> dict[str, t.Any]:
    """Make the backups, then remove what retention no longer wants. Raises DeployError, with those that were made."""
    dest, first = planned.request.dest, planned.jobs[0]
    _files.prepare_directory(dest)
    _store.remove_stale(dest, now)
    if first.client.major > int(first.server_version.split(".")[0]):
        _trial.try_restore(run, first.client, first.connection, dest)
    backups: list[dict[str, t.Any]] = []
    warnings: list[str] = []
    for job in planned.jobs:
        try:
            with journal.step(job.deploy_id, step, "database.backup", job.database, {"path": job.path}) as outcome:
                made = _archive.make(run, job)
                warnings += made.pop("warnings")
                outcome.update(made)
        except DeployError as exc:
            raise DeployError(exc.msg, **{"backups": backups, **exc.result}) from exc
        backups.append(made)
    removed = []
    for name in _removable(planned):
        try:
            _store.remove_backup(dest, name)
            removed.append(name)
        except OSError as exc:
            warnings.append(f"the old backup {name} in dest {dest} cannot be removed: {exc.strerror}")
    return {"backups": backups, "removed": removed, "warnings": warnings}


def _removable(planned: Plan) -> list[str]:
    """What retention removes once the planned backups exist."""
    if planned.request.keep is None:
        return []
    stored = {backup.name: backup for backup in _store.stored(planned.request.dest)}
    names = []
    for job in planned.jobs:
        own = os.path.basename(job.path)
        stored.setdefault(own, _retention.StoredBackup(own, job.database, job.label, "9999"))
        names += _retention.expired(stored.values(), job.database, job.label, planned.request.keep, {own})
    return names


def _free_stamp(request: Request, now: float) -> str:
    """The time stamp, a second later where a backup made just now has it."""
    while True:
        stamp = time.strftime(_dump.STAMP, time.gmtime(now))
        names = [_dump.backup_name(name, stamp, request.label, request.dump.format) for name in request.databases]
        if not any(os.path.lexists(os.path.join(request.dest, name)) for name in names):
            return stamp
        now += 1
