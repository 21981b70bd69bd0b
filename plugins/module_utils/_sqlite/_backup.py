# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of SQLite files at one time stamp: checked first, then made, proven and thinned out. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import json
import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync, write_file
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _dump, _files, _retention, _store
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _copy
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._snapshot import sqlite3


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for. databases: paths of files. keep: None removes nothing. min_free: bytes that must remain free in dest."""

    databases: t.Sequence[str]
    dest: str
    label: str = ""
    keep: t.Optional[int] = None
    min_free: int = 0
    deploy_id: str = ""

    def __post_init__(self) -> None:
        if not self.databases:
            raise DeployError("databases is empty; name at least one SQLite file")
        names = [os.path.basename(path) for path in self.databases]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DeployError(
                f"databases has several files called {twice[0]}, whose backups could not be told apart; give each a dest of its own"
            )
        if self.keep is not None and self.keep < 1:
            raise DeployError(f"keep is {self.keep}; it must be 1 or more, or be left out to keep all backups")
        _dump.check_label(self.label)


@dataclasses.dataclass(frozen=True)
class Job:
    """One file to back up."""

    database: str
    dest: str
    stamp: str
    label: str
    deploy_id: str
    bytes: int

    @property
    def path(self) -> str:
        return os.path.join(self.dest, backup_name(self.database, self.stamp, self.label))

    @property
    def manifest_path(self) -> str:
        return f"{self.path}.json"

    @property
    def partial(self) -> str:
        return os.path.join(self.dest, _retention.partial_name(os.path.basename(self.path), os.getpid()))


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done, with everything that could be checked before found in order."""

    request: Request
    jobs: list[Job]
    free: int

    @property
    def facts(self) -> dict[str, t.Any]:
        return {
            "timestamp": self.jobs[0].stamp,
            "estimated_bytes": sum(job.bytes for job in self.jobs),
            "free_bytes": self.free,
        }


def backup_name(database: str, stamp: str, label: str) -> str:
    """<file>-<stamp>[-<label>].sqlite"""
    return f"{'-'.join(part for part in (os.path.basename(database), stamp, label) if part)}.sqlite"


def plan(request: Request, now: float) -> Plan:
    """Look at the files and the room; changes nothing. Raises DeployError."""
    _files.check_directory(request.dest)
    sizes = {path: size_of(path, "databases") for path in request.databases}
    free = _files.free_bytes(request.dest)
    _dump.check_space(request.dest, sum(sizes.values()), free, request.min_free)
    while True:
        stamp = time.strftime(_dump.STAMP, time.gmtime(now))
        same = (request.dest, stamp, request.label, request.deploy_id)
        jobs = [Job(os.path.realpath(path), *same, sizes[path]) for path in request.databases]
        if not any(os.path.lexists(job.path) for job in jobs):
            return Plan(request, jobs, free)
        now += 1  # a backup made just now has this one


def size_of(path: str, option: str) -> int:
    """Bytes of the database with what its write-ahead log adds. Raises DeployError where it is none."""
    with _copy.in_use(path, option) as connection:
        try:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])
        except sqlite3.Error as exc:
            raise DeployError(
                f"{option} {path!r} is no SQLite database that can be read ({exc}); correct {option}"
            ) from exc


def announced(planned: Plan) -> dict[str, t.Any]:
    """What carry_out would return."""
    backups = [_told(job, job.bytes, "", 0.0, "") for job in planned.jobs]
    return {"backups": backups, "removed": _removable(planned), "warnings": []}


def _told(job: Job, size: int, digest: str, duration: float, mode: str) -> dict[str, t.Any]:
    return {
        "database": job.database,
        "path": job.path,
        "size": size,
        "sha256": digest,
        "manifest_path": job.manifest_path,
        "duration": duration,
        "journal_mode": mode,
        "sqlite_version": sqlite3.sqlite_version,
    }


def carry_out(planned: Plan, journal: Journal, step: str, now: float) -> dict[str, t.Any]:
    """Make the backups, then remove what retention no longer wants. Raises DeployError, with those that were made."""
    dest = planned.request.dest
    _files.prepare_directory(dest)
    _store.remove_stale(dest, now)
    backups: list[dict[str, t.Any]] = []
    for job in planned.jobs:
        try:
            with journal.step(job.deploy_id, step, "database.backup", job.database, {"path": job.path}) as outcome:
                made = make(job)
                outcome.update(made)
        except DeployError as exc:
            raise DeployError(exc.msg, **{"backups": backups, **exc.result}) from exc
        backups.append(made)
    removed, warnings = [], []
    for name in _removable(planned):
        try:
            _store.remove_backup(dest, name)
            removed.append(name)
        except OSError as exc:
            warnings.append(f"the old backup {name} in dest {dest} cannot be removed: {exc.strerror}")
    return {"backups": backups, "removed": removed, "warnings": warnings}


def make(job: Job) -> dict[str, t.Any]:
    """Copy, prove, publish. Whatever fails, nothing but complete backups is left. Raises DeployError."""
    started, clock = utc_now(), time.monotonic()
    try:
        copied = _copy.copy(job.database, job.partial, "databases")
        wrong = _copy.problems(job.partial)
        if wrong:
            raise DeployError(
                f"the backup of {job.database!r} is not whole, and not kept, since the database itself is damaged: "
                f"SQLite says {'; '.join(wrong)}",
                integrity=wrong,
            )
        digest = _files.fingerprint(_files.hash_tree(job.partial))
        size = os.path.getsize(job.partial)
        if os.path.lexists(job.path):
            raise DeployError(f"the backup {job.path} exists already and is never overwritten; run again")
        os.rename(job.partial, job.path)
        sync(job.dest)
        made = _told(job, size, digest, round(time.monotonic() - clock, 3), copied["journal_mode"])
        write_file(job.manifest_path, _manifest(job, made, started), 0o600)
    except OSError as exc:
        raise DeployError(
            f"the backup of {job.database!r} in dest {job.dest} was not finished: {exc.strerror}; it does not count"
        ) from exc
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            _files.remove_tree(job.partial + end)
    return made


def _manifest(job: Job, made: dict[str, t.Any], started: str) -> str:
    facts = {
        "kind": _store.KIND,
        "version": _store.VERSION,
        "label": job.label,
        "deploy_id": job.deploy_id,
        "format": "sqlite",
        "compression": "none",
        **{name: value for name, value in made.items() if name not in ("path", "manifest_path")},
        "name": os.path.basename(job.path),
        "started": started,
        "finished": utc_now(),
        "integrity": "ok",
    }
    return json.dumps(facts, indent=2, sort_keys=True) + "\n"


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
