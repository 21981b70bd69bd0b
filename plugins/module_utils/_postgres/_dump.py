# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backup is called, how pg_dump is asked for it, and what it will take. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import urllib.parse

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

STAMP = "%Y%m%dT%H%M%SZ"
LEVELS = {"none": None, "gzip": (1, 9), "lz4": (1, 12), "zstd": (1, 22)}
#: First major whose pg_dump can do it at all.
SINCE = {"lz4": 16, "zstd": 16}
#: Bytes of backup for each byte of database, generously: indexes are left out, text is longer than the binary form.
SPACE_FACTORS = {"none": 1.2, "gzip": 0.5, "lz4": 0.7, "zstd": 0.5}

#: libpq parameters of a URL that programs take from their environment.
_VARIABLES = {
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "krbsrvname": "PGKRBSRVNAME",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


@dataclasses.dataclass(frozen=True)
class DumpFormat:
    """How the archive is to be written."""

    format: str = "custom"
    jobs: int = 1
    compression: str = "gzip"
    level: t.Optional[int] = None

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise DeployError(f"jobs is {self.jobs}; it must be 1 or more")
        if self.jobs > 1 and self.format != "directory":
            raise DeployError(
                f"jobs={self.jobs} needs format=directory: pg_dump writes the {self.format} format with one process only"
            )
        if self.level is None:
            return
        allowed = LEVELS[self.compression]
        if allowed is None:
            raise DeployError(f"compression_level={self.level} has no meaning with compression=none; leave it out")
        if not allowed[0] <= self.level <= allowed[1]:
            raise DeployError(
                f"compression_level={self.level} is not a level of {self.compression}, which has {allowed[0]} to {allowed[1]}"
            )

    def compress_argument(self, client_major: int) -> str:
        """The word for pg_dump --compress; clients before 16 know gzip by its level only. Raises DeployError."""
        if client_major < SINCE.get(self.compression, 0):
            raise DeployError(
                f"compression={self.compression} needs pg_dump {SINCE[self.compression]} or newer, and the one for this server is "
                f"{client_major}; set compression to gzip or none"
            )
        if client_major < 16:
            return "0" if self.compression == "none" else str(self.level or 6)
        return self.compression if self.level is None else f"{self.compression}:{self.level}"


def dump_argv(
    program: str, dump: DumpFormat, client_major: int, lock_wait_timeout: int, target: str, snapshot: str = ""
) -> list[str]:
    """pg_dump into `target`. Connection and database come from the environment: a name with `=` in argv would be a connection string."""
    argv = [
        program,
        f"--format={dump.format}",
        f"--compress={dump.compress_argument(client_major)}",
        f"--lock-wait-timeout={lock_wait_timeout * 1000}",
        "--no-password",
        f"--file={target}",
    ]
    if dump.jobs > 1:
        argv.append(f"--jobs={dump.jobs}")
    if snapshot:
        argv.append(f"--snapshot={snapshot}")
    return argv


def trial_argv(program: str, dump: DumpFormat, client_major: int) -> list[str]:
    """An archive of nothing, thrown away: tells whether this client was built with the compression."""
    compress = f"--compress={dump.compress_argument(client_major)}"
    return [
        program,
        "--format=custom",
        compress,
        "--section=pre-data",
        "--exclude-schema=*",
        "--no-password",
        "--no-sync",
        "--file=/dev/null",
    ]


def read_back_argv(program: str, archive: str) -> list[str]:
    return [program, "--file=/dev/null", archive]


def list_argv(program: str, archive: str) -> list[str]:
    return [program, "--list", archive]


def client_environment(connection: DatabaseConnection) -> dict[str, str]:
    """Environment of a client program: the connection with its password, and messages that can be read here."""
    more = {_VARIABLES[name]: value for name, value in connection.options.items() if name in _VARIABLES}
    return {
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": "seamless.deploy",
        **more,
        **connection.environment(),
        "LC_ALL": "C",
    }


def backup_name(database: str, stamp: str, label: str, archive_format: str) -> str:
    """<database>-<stamp>[-<label>].dump, or without .dump for a directory; safe as a file name for any database name."""
    name = "-".join(part for part in (urllib.parse.quote(database, safe=""), stamp, label) if part)
    return f"{name}.dump" if archive_format == "custom" else name


def check_label(label: str) -> None:
    if label and not re.match(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", label):
        raise DeployError(
            f"label {label!r} cannot be part of a file name; use up to 40 letters, digits, '.', '_' and '-'"
        )


def estimate(database_bytes: int, compression: str, space_factor: t.Optional[float]) -> int:
    """Bytes that a backup will take, rather too many than too few."""
    factor = SPACE_FACTORS[compression] if space_factor is None else space_factor
    return int(database_bytes * factor)


def check_space(dest: str, estimated: int, free: int, min_free: int) -> None:
    """Raises DeployError when the backup would not leave `min_free` bytes."""
    if estimated + min_free <= free:
        return
    raise DeployError(
        f"dest {dest} has {human(free)} free, and the backup is estimated at {human(estimated)}, "
        f"with {human(min_free)} to remain (min_free); "
        "free some space, set dest to a larger file system, or correct the estimate with space_factor",
        estimated_bytes=estimated,
        free_bytes=free,
    )


def human(size: int) -> str:
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"


def tables_in(listing: str) -> int:
    """How many tables a table of contents (pg_restore --list) names."""
    return len(re.findall(r"^\d+; \d+ \d+ TABLE (?!DATA |ATTACH )", listing, re.MULTILINE))


@dataclasses.dataclass(frozen=True)
class Messages:
    """What a client program wrote to stderr, sorted."""

    errors: list[str]
    warnings: list[str]


def messages_of(stderr: str) -> Messages:
    """Errors and warnings of pg_dump or pg_restore; an error with exit code 0 is an error all the same."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"^pg_(dump|restore)\S*: (error|fatal|\[\w+[^\]]*\]):? ", line)]
    return Messages(errors, [line for line in lines if re.match(r"^pg_\w+: warning: ", line)])


def dump_refusal(stderr: str, database: str, lock_wait_timeout: int) -> str:
    """Why pg_dump failed, for a person."""
    if re.search(r"(lock|statement) timeout|could not obtain lock", stderr):
        return (
            f"the backup of {database!r} waited {lock_wait_timeout} seconds for a table that another session keeps locked "
            "(lock_wait_timeout); end that session, or allow more time"
        )
    if re.search(r"No space left on device|Disk quota exceeded|File too large", stderr):
        return (
            f"the file system of dest is full: the backup of {database!r} was not finished and its part is removed; "
            "free some space, or change dest"
        )
    if "permission denied" in stderr:
        return (
            f"the role may not read all of {database!r}, so the backup would have a gap; connect as the owner of its tables "
            "or an admin (login_user), or grant pg_read_all_data"
        )
    return f"pg_dump could not back up {database!r}; its message is in stderr"
