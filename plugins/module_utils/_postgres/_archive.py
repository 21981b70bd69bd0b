# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making one proven backup, and what lies beside it in its directory. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _dump, _files, _retention, _store
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clients import Client
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows, without_secret

Run = t.Callable[..., "tuple[int, str, str]"]
#: Tables that pg_dump writes: neither of the system, nor temporary, nor of an extension.
_TABLES = """
SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d
                WHERE d.deptype = 'e' AND ((d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid)
                                        OR (d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid = n.oid)))
"""


@dataclasses.dataclass(frozen=True)
class Job:
    """One database to back up, and everything that is the same for all of a call."""

    connection: DatabaseConnection
    server_version: str
    client: Client
    dump: _dump.DumpFormat
    dest: str
    stamp: str
    label: str = ""
    deploy_id: str = ""
    lock_wait_timeout: int = 60

    @property
    def database(self) -> str:
        return self.connection.database

    @property
    def path(self) -> str:
        return os.path.join(self.dest, _dump.backup_name(self.database, self.stamp, self.label, self.dump.format))

    @property
    def manifest_path(self) -> str:
        return f"{self.path}.json"

    @property
    def partial(self) -> str:
        return os.path.join(self.dest, _retention.partial_name(os.path.basename(self.path), os.getpid()))


def call(
    run: Run, argv: list[str], connection: t.Optional[DatabaseConnection] = None, umask: t.Optional[int] = 0o077
) -> tuple[int, str, str]:
    """Run a client program: private files, the password in its environment only, and out of what it says.

    umask: None beside other threads, since it is the whole process's meanwhile.
    """
    environment = _dump.client_environment(connection) if connection else {"LC_ALL": "C"}
    try:
        rc, out, err = run(
            argv, environ_update=environment, expand_user_and_vars=False, handle_exceptions=False, umask=umask
        )
    except OSError as exc:
        raise DeployError(
            f"{argv[0]} cannot be run: {exc.strerror}; set client_path to a directory with working programs"
        ) from exc
    if connection:
        out, err = without_secret(out, connection), without_secret(err, connection)
    return rc, out, err


def make(run: Run, job: Job) -> dict[str, t.Any]:
    """Dump, read back, sync, publish. Whatever fails, nothing but complete backups is left. Raises DeployError."""
    started, clock = _now(), time.monotonic()
    try:
        tables, warnings = _write(run, job)
        warnings += _verify(run, job, tables)
        _files.sync_tree(job.partial)
        files = _files.hash_tree(job.partial)
        size = _files.size_of(job.partial)
        if os.path.lexists(job.path):
            raise DeployError(f"the backup {job.path} exists already and is never overwritten; run again")
        os.rename(job.partial, job.path)
        sync(job.dest)
    except OSError as exc:
        raise DeployError(
            f"the backup of {job.database!r} in dest {job.dest} was not finished: {exc.strerror}; its part is removed"
        ) from exc
    finally:
        _files.remove_tree(job.partial)
    made = {
        "database": job.database,
        "path": job.path,
        "size": size,
        "sha256": _files.fingerprint(files),
        "manifest_path": job.manifest_path,
        "duration": round(time.monotonic() - clock, 3),
        "server_version": job.server_version,
        "client_version": job.client.version,
    }
    _write_manifest(job, {**made, "started": started, "finished": _now(), "files": files, "tables": tables})
    return {**made, "warnings": warnings}


def _write(run: Run, job: Job) -> tuple[int, list[str]]:
    """Run pg_dump on a snapshot whose tables are counted in the catalog; that count, and its warnings."""
    with connected(job.connection, "databases") as opened:
        rows(opened, "SET idle_in_transaction_session_timeout = 0")
        rows(opened, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        tables = int(rows(opened, _TABLES)[0][0])
        snapshot = str(rows(opened, "SELECT pg_catalog.pg_export_snapshot()")[0][0])
        program = job.client.program("pg_dump")
        argv = _dump.dump_argv(program, job.dump, job.client.major, job.lock_wait_timeout, job.partial, snapshot)
        rc, out, err = call(run, argv, job.connection)
    said = _dump.messages_of(err)
    if rc < 0:
        raise DeployError(
            f"pg_dump of {job.database!r} was ended by signal {-rc}; its part is removed", rc=rc, stdout=out, stderr=err
        )
    if rc != 0 or said.errors:
        raise DeployError(_dump.dump_refusal(err, job.database, job.lock_wait_timeout), rc=rc, stdout=out, stderr=err)
    return tables, said.warnings


def _verify(run: Run, job: Job, tables: int) -> list[str]:
    """Read the whole archive as a restore would. A table of contents alone survives a truncated file."""
    warnings = read_back(run, job.client, job.partial, f"the backup of {job.database!r}")
    rc, listing, err = call(run, _dump.list_argv(job.client.program("pg_restore"), job.partial))
    found = _dump.tables_in(listing)
    if rc != 0 or found < tables:
        raise DeployError(
            f"the backup of {job.database!r} names {found} tables and the database has {tables}; it is not kept",
            rc=rc,
            stdout="",
            stderr=err,
        )
    return warnings


def read_back(run: Run, client: Client, archive: str, what: str) -> list[str]:
    """Read an archive to its last byte; warnings. Raises DeployError when it could not be restored."""
    rc, _out, err = call(run, _dump.read_back_argv(client.program("pg_restore"), archive))
    said = _dump.messages_of(err)
    if rc != 0 or said.errors:
        reason = said.errors[0] if said.errors else f"exit code {rc}"
        raise DeployError(f"{what} cannot be read back ({reason}); it is not kept", rc=rc, stdout="", stderr=err)
    return said.warnings


def _write_manifest(job: Job, facts: dict[str, t.Any]) -> None:
    manifest = {
        "kind": _store.KIND,
        "version": _store.VERSION,
        "label": job.label,
        "deploy_id": job.deploy_id,
        "format": job.dump.format,
        "compression": job.dump.compression,
        **{name: value for name, value in facts.items() if name not in ("path", "manifest_path")},
        "name": os.path.basename(job.path),
    }
    partial = os.path.join(job.dest, _retention.partial_name(os.path.basename(job.manifest_path), os.getpid()))
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(partial, job.manifest_path)
        sync(job.dest)
    except OSError as exc:
        _files.remove_tree(partial)
        raise DeployError(
            f"the backup {job.path} is complete, but its manifest cannot be written ({exc.strerror}), so it does not count; "
            "free some space in dest"
        ) from exc


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
