# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pg_dump and pg_restore fit a server. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

#: Where packages put clients, beside the PATH: Debian, Red Hat (PGDG), Baota, sources, FreeBSD and Homebrew.
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/www/server/pgsql/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)
PROGRAMS = ("pg_dump", "pg_restore")


@dataclasses.dataclass(frozen=True)
class Client:
    """One directory with a pg_dump and a pg_restore of the same major version."""

    directory: str
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        return os.path.join(self.directory, name)


def choose(clients: t.Sequence[Client], server: str, client_path: str, newer_client: bool) -> Client:
    """The client for a server of version `server`: of its own major, or a newer one where that is allowed.

    Raises DeployError that says what was found where and what to install.
    """
    major = int(server.split(".")[0])
    exact = [client for client in clients if client.major == major]
    if exact:
        return exact[0]
    newer = sorted((client for client in clients if client.major > major), key=lambda client: client.major)
    if newer and newer_client:
        return newer[0]
    raise DeployError(_refusal(clients, server, client_path, bool(newer)))


def _refusal(clients: t.Sequence[Client], server: str, client_path: str, newer: bool) -> str:
    major = server.split(".")[0]
    where = f"in client_path {client_path}" if client_path else "on this host"
    found = ", ".join(f"{client.version} in {client.directory}" for client in clients) or "none at all"
    if newer:
        reason = "a backup made by a newer one may not restore into this server"
    elif clients:
        reason = "pg_dump refuses a server that is newer than itself"
    else:
        reason = "there is nothing to make the backup with"
    way_out = f"install the client programs of PostgreSQL {major} (Debian, Ubuntu: postgresql-client-{major}; Red Hat: postgresql{major})"
    way_out += ", or set client_path to the directory that holds them"
    if newer:
        way_out += ", or set newer_client=true, which proves the newer one by a trial restore"
    return f"the server is PostgreSQL {server}, and of pg_dump {where} there is {found}: {reason}; {way_out}"


def find_clients(run: t.Callable[..., tuple[int, str, str]], client_path: str = "") -> list[Client]:
    """All clients of this host, or the one in `client_path` alone. Raises DeployError when that one cannot be used."""
    if client_path:
        missing = [name for name in PROGRAMS if not os.access(os.path.join(client_path, name), os.X_OK)]
        if missing:
            raise DeployError(
                f"client_path {client_path} holds no {' and no '.join(missing)} that this user may run; "
                "set it to the directory that holds pg_dump and pg_restore"
            )
        client = probe(run, client_path)
        if client is None:
            raise DeployError(
                f"pg_dump and pg_restore in client_path {client_path} do not tell one version; reinstall them"
            )
        return [client]
    probed = [probe(run, directory) for directory in _directories()]
    return [client for client in probed if client is not None]


def _directories() -> list[str]:
    # Packaged places first: Debian's /usr/bin/pg_dump is a wrapper that picks a version of its own.
    places = [found for place in PLACES for found in sorted(glob.glob(place))]
    places += os.environ.get("PATH", "").split(os.pathsep)
    directories: dict[str, str] = {}
    for place in places:
        if place and all(os.access(os.path.join(place, name), os.X_OK) for name in PROGRAMS):
            directories.setdefault(os.path.realpath(place), place)
    return list(directories.values())


def probe(run: t.Callable[..., tuple[int, str, str]], directory: str) -> t.Optional[Client]:
    """What the programs say of themselves; None when one does not run, or they differ in major."""
    versions = []
    for name in PROGRAMS:
        try:
            rc, out, _err = run(
                [os.path.join(directory, name), "--version"], expand_user_and_vars=False, handle_exceptions=False
            )
        except OSError:
            return None
        match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", out)
        if rc != 0 or not match:
            return None
        versions.append(match.group(1))
    if versions[0].split(".")[0] != versions[1].split(".")[0]:
        return None
    return Client(directory, versions[0])
