# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proving a client against a server before it is relied on. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import secrets
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _archive, _dump, _files, _retention
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clients import Client
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows, sql


def try_compression(run: _archive.Run, client: Client, dump: _dump.DumpFormat, connection: DatabaseConnection) -> None:
    """Raises DeployError when this build of the client cannot write the compression."""
    if dump.compression == "none":
        return
    rc, out, err = _archive.call(run, _dump.trial_argv(client.program("pg_dump"), dump, client.major), connection)
    if rc == 0 and "compression" not in err:
        return
    if "compress" in err:
        raise DeployError(
            f"compression={dump.compression} is not built into pg_dump {client.version} in {client.directory}; "
            "set compression to another method, or client_path to a build that has it",
            rc=rc,
            stdout=out,
            stderr=err,
        )
    raise DeployError(
        f"pg_dump {client.version} in {client.directory} cannot work with the database {connection.database!r}; its message is in stderr",
        rc=rc,
        stdout=out,
        stderr=err,
    )


def try_restore(run: _archive.Run, client: Client, connection: DatabaseConnection, dest: str) -> None:
    """Restore the schema that a newer client dumps into a scratch database of the same server. Raises DeployError."""
    scratch = f"seamless_trial_{secrets.token_hex(6)}"
    archive = os.path.join(dest, _retention.partial_name(scratch, os.getpid()))
    with connected(connection, "databases") as opened:
        allowed = rows(opened, "SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user")[
            0
        ][0]
        if not allowed:
            raise DeployError(
                f"newer_client=true needs a trial restore, and the role may not create the scratch database for it; "
                "grant CREATEDB, connect as an admin, "
                f"or install the client programs of the server's own version instead of {client.version}"
            )
        rows(opened, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(scratch)))
        try:
            _restore_schema(run, client, connection, scratch, archive)
        finally:
            _files.remove_tree(archive)
            rows(opened, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(scratch)))


def _restore_schema(
    run: _archive.Run, client: Client, connection: DatabaseConnection, scratch: str, archive: str
) -> None:
    dump = [client.program("pg_dump"), "--format=custom", "--schema-only", "--no-password", f"--file={archive}"]
    restore = [client.program("pg_restore"), "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
    restore += [f"--dbname={scratch}", archive]
    trials: list[tuple[list[str], DatabaseConnection]] = [
        (dump, connection),
        (restore, connection.to_database(scratch)),
    ]
    for argv, target in trials:
        rc, out, err = _archive.call(run, argv, target)
        if rc != 0 or _dump.messages_of(err).errors:
            name: t.Any = os.path.basename(argv[0])
            raise DeployError(
                f"{name} {client.version} in {client.directory} failed the trial restore into this server, "
                "so its backups could not be relied on; "
                "install the client programs of the server's own version, or set client_path to them",
                rc=rc,
                stdout=out,
                stderr=err,
            )
