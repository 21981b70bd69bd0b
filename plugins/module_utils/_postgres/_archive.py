# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making one proven backup, and what lies beside it in its directory. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import getpass
import hashlib
import json
import os
import shutil
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _dump, _retention
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clients import Client
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows, without_secret

Run = t.Callable[..., "tuple[int, str, str]"]
KIND = "seamless.deploy backup"
VERSION = 1

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


def call(run: Run, argv: list[str], connection: t.Optional[DatabaseConnection] = None) -> tuple[int, str, str]:
    """Run a client program: private files, the password in its environment only, and out of what it says."""
    environment = _dump.client_environment(connection) if connection else {"LC_ALL": "C"}
    try:
        rc, out, err = run(
            argv, environ_update=environment, expand_user_and_vars=False, handle_exceptions=False, umask=0o077
        )
    except OSError as exc:
        raise DeployError(
            f"{argv[0]} cannot be run: {exc.strerror}; set client_path to a directory with working programs"
        ) from exc
    if connection:
        out, err = without_secret(out, connection), without_secret(err, connection)
    return rc, out, err


def check_directory(dest: str) -> None:
    """dest can be written, or made. Changes nothing. Raises DeployError."""
    place = os.path.abspath(dest)
    while not os.path.lexists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise DeployError(f"dest {dest} cannot be a directory: {place} is a file; change dest")
    if not os.access(place, os.W_OK | os.X_OK):
        raise DeployError(
            f"dest {dest} cannot be written by the user {_user()}; give {place} to that user, or change dest"
        )


def prepare_directory(dest: str) -> None:
    """dest exists, private when made here. Raises DeployError."""
    try:
        os.makedirs(dest, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise DeployError(
            f"dest {dest} cannot be made by the user {_user()}: {exc.strerror}; create it for that user, or change dest"
        ) from exc


def free_bytes(dest: str) -> int:
    """Free for this user on the file system that dest is, or will be, on."""
    place = os.path.abspath(dest)
    while not os.path.exists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    state = os.statvfs(place)
    return state.f_bavail * state.f_frsize


def make(run: Run, job: Job) -> dict[str, t.Any]:
    """Dump, read back, sync, publish. Whatever fails, nothing but complete backups is left. Raises DeployError."""
    started, clock = _now(), time.monotonic()
    try:
        tables, warnings = _write(run, job)
        warnings += _verify(run, job, tables)
        _sync_tree(job.partial)
        files = hash_tree(job.partial)
        size = _size(job.partial)
        os.rename(job.partial, job.path)
        _sync(job.dest)
    except OSError as exc:
        raise DeployError(
            f"the backup of {job.database!r} in dest {job.dest} was not finished: {exc.strerror}; its part is removed"
        ) from exc
    finally:
        remove_tree(job.partial)
    made = {
        "database": job.database,
        "path": job.path,
        "size": size,
        "sha256": _fingerprint(files),
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


def hash_tree(path: str) -> dict[str, str]:
    """sha256 of the file, or of each file of the directory, by relative name ("" for the file itself)."""
    return {os.path.relpath(name, path) if name != path else "": _sha256(name) for name in _files(path)}


def _fingerprint(files: dict[str, str]) -> str:
    """The file's own sha256; of a directory, that of its `sha256sum` list."""
    if list(files) == [""]:
        return files[""]
    listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def _write_manifest(job: Job, facts: dict[str, t.Any]) -> None:
    manifest = {
        "kind": KIND,
        "version": VERSION,
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
        _sync(job.dest)
    except OSError as exc:
        remove_tree(partial)
        raise DeployError(
            f"the backup {job.path} is complete, but its manifest cannot be written ({exc.strerror}), so it does not count; "
            "free some space in dest"
        ) from exc


def stored(dest: str) -> list[_retention.StoredBackup]:
    """The backups of this collection in a directory: those with a manifest."""
    found = []
    for name in sorted(os.listdir(dest)) if os.path.isdir(dest) else []:
        manifest = _manifest(os.path.join(dest, name)) if name.endswith(".json") else None
        if manifest and manifest.get("name") == name[: -len(".json")]:
            found.append(
                _retention.StoredBackup(
                    manifest["name"],
                    str(manifest.get("database")),
                    str(manifest.get("label") or ""),
                    str(manifest.get("started")),
                )
            )
    return found


def _manifest(path: str) -> t.Optional[dict[str, t.Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("kind") == KIND else None


def remove_backup(dest: str, name: str) -> None:
    """Remove one backup: it vanishes under its name first, and its manifest goes last."""
    gone = os.path.join(dest, _retention.partial_name(name, os.getpid()))
    with contextlib.suppress(FileNotFoundError):
        os.rename(os.path.join(dest, name), gone)
    remove_tree(gone)
    os.unlink(os.path.join(dest, f"{name}.json"))
    _sync(dest)


def remove_stale(dest: str, now: float) -> list[str]:
    """Remove what killed runs left unfinished; their names."""
    removed = []
    for name in os.listdir(dest) if os.path.isdir(dest) else []:
        owner = _retention.partial_owner(name)
        path = os.path.join(dest, name)
        if owner is None or not os.path.lexists(path):
            continue
        newest = max([os.lstat(path).st_mtime] + [os.lstat(file).st_mtime for file in _files(path)])
        if _retention.is_stale(now - newest, os.path.exists(f"/proc/{owner}")):
            remove_tree(path)
            removed.append(name)
    return sorted(removed)


def remove_tree(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return sorted(os.path.join(parent, name) for parent, _directories, names in os.walk(path) for name in names)


def _size(path: str) -> int:
    return sum(os.path.getsize(name) for name in _files(path))


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _sync_tree(path: str) -> None:
    """Modes narrowed, contents and names on disk."""
    for name in _files(path):
        os.chmod(name, 0o600)
        _sync(name)
    if os.path.isdir(path):
        os.chmod(path, 0o700)
        _sync(path)


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())
