# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring a SQLite file from a backup. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _dump, _files, _store
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _copy, _exchange, _users


@dataclasses.dataclass(frozen=True)
class Request:
    """database: the file that is replaced. backup: what sqlite_backup returned as path. timeout: seconds for everybody to close it."""

    database: str
    backup: str
    any_database: bool = False
    timeout: int = 30
    deploy_id: str = ""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done. replaced: where the former file is kept, "" where there is none."""

    request: Request
    sha256: str
    size: int
    replaced: str

    @property
    def facts(self) -> dict[str, t.Any]:
        return {
            "database": self.request.database,
            "backup": self.request.backup,
            "replaced": self.replaced,
            "sha256": self.sha256,
            "size": self.size,
        }


def plan(request: Request, now: float) -> Plan:
    """Look at the backup, at the room, and at who has the file open; changes nothing. Raises DeployError."""
    request = dataclasses.replace(request, database=os.path.realpath(request.database))
    manifest = _manifest(request)
    folder = os.path.dirname(request.database)
    if not os.path.isdir(folder):
        raise DeployError(f"database {request.database} is to lie in {folder}, which is no directory; correct database")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DeployError(
            f"the directory of database {request.database} cannot be written by this user; run as its owner"
        )
    size, free = os.path.getsize(request.backup), _files.free_bytes(folder)
    if size > free:
        raise DeployError(
            f"database {request.database} needs {_dump.human(size)} beside it until it is exchanged, and {_dump.human(free)} are free; "
            "free some space"
        )
    there = os.path.isfile(request.database)
    if there:
        _users.wait_until_closed(request.database, float(request.timeout))
    stamp = time.strftime(_dump.STAMP, time.gmtime(now))
    return Plan(request, manifest["sha256"], size, f"{request.database}.replaced-{stamp}" if there else "")


def _manifest(request: Request) -> dict[str, t.Any]:
    manifest = _store.read_manifest(f"{request.backup}.json")
    if manifest is None or manifest.get("format") != "sqlite" or not os.path.isfile(request.backup):
        raise DeployError(f"backup {request.backup} is no backup of sqlite_backup; give the path that it returned")
    if manifest.get("database") != request.database and not request.any_database:
        raise DeployError(
            f"backup {request.backup} is one of {manifest.get('database')}, and database is {request.database}; "
            "set any_database to true where that is wanted"
        )
    return manifest


def carry_out(planned: Plan, journal: Journal, step: str) -> dict[str, t.Any]:
    """Put the backup in the place of the file. Raises DeployError, and then the file is what it was."""
    request, clock = planned.request, time.monotonic()
    name = os.path.basename(request.database)
    new = os.path.join(os.path.dirname(request.database), f".{name}.restore-{os.getpid()}")
    detail = {"backup": request.backup, "replaced": planned.replaced}
    with journal.step(request.deploy_id, step, "database.restore", request.database, detail) as outcome:
        try:
            _fetch(planned, new)
            _publish(planned, new)
        except OSError as exc:
            raise DeployError(
                f"database {request.database} was not restored: {exc.strerror}; it is what it was"
            ) from exc
        finally:
            _files.remove_tree(new)
        outcome.update(planned.facts)
    return {"duration": round(time.monotonic() - clock, 3)}


def _fetch(planned: Plan, new: str) -> None:
    """A copy of the backup beside the database, with its owner and mode, proven, on disk."""
    request = planned.request
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    shutil.copyfile(request.backup, new)
    if _files.fingerprint(_files.hash_tree(new)) != planned.sha256:
        raise DeployError(
            f"backup {request.backup} is not what its manifest says any more (sha256); choose another one"
        )
    wrong = _copy.problems(new)
    if wrong:
        raise DeployError(f"backup {request.backup} is damaged: SQLite says {'; '.join(wrong)}; choose another one")
    if planned.replaced:
        _exchange.like(new, os.stat(request.database))
    else:
        _exchange.like(new, os.stat(os.path.dirname(request.database)), 0o600)
    sync(new)


def _publish(planned: Plan, new: str) -> None:
    path = planned.request.database
    if not planned.replaced:
        _without_remains(path, "")
        os.link(new, path)  # not a rename: nobody's file is overwritten
        sync(os.path.dirname(path))
        return
    try:
        _exchange.settle(path)
    except _exchange.Damaged:
        _without_remains(path, planned.replaced)
    _exchange.exchange(path, new, planned.replaced)


def _without_remains(path: str, kept: str) -> None:
    """What lies beside a file that is gone or damaged would be read into the restored one: it is moved aside, or removed."""
    for end in _users.BESIDE:
        with contextlib.suppress(FileNotFoundError):
            os.rename(path + end, f"{kept or path + '.lost'}{end}")
