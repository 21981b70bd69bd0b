# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stored catalogs are called, and which of them go. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import calendar
import re
import time
import typing as t
import urllib.parse

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

SUFFIX = ".schema.json"
STAMP = "%Y%m%dT%H%M%SZ"
SECONDS_OF_A_DAY = 86400

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_STAMP = re.compile(r"(\d{8}T\d{6}Z)(?:_(\d+))?")


def check_label(label: str) -> None:
    if label and not _LABEL.fullmatch(label):
        raise DeployError(
            f"label {label!r} cannot be part of a file name; use up to 40 letters, digits, '.', '_' and '-'"
        )


def moment(now: float) -> str:
    """UTC, ISO 8601, as in a catalog."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))


def file_name(database: str, label: str, now: float, there: t.Container[str]) -> str:
    """<database>-<stamp>[-<label>].schema.json; a number tells apart what is stored within one second."""
    stamp = time.strftime(STAMP, time.gmtime(now))
    number = 1
    while True:
        numbered = stamp if number == 1 else f"{stamp}_{number}"
        name = f"{'-'.join(part for part in (_written(database), numbered, label) if part)}{SUFFIX}"
        if name not in there:
            return name
        number += 1


def newest_first(names: t.Iterable[str], database: str, label: str) -> list[str]:
    """The stored catalogs of one database and label."""
    dated = [(moment_of, name) for name in names for moment_of in [_moment_of(name, database, label)] if moment_of]
    return [name for dummy, name in sorted(dated, reverse=True)]


def expired(names: list[str], database: str, label: str, keep_days: int, now: float) -> list[str]:
    """Those of `newest_first` that are older than this; never the newest, which says what the schema is."""
    oldest = now - keep_days * SECONDS_OF_A_DAY
    dated = [(_moment_of(name, database, label), name) for name in names[1:]]
    return [name for found, name in dated if found and found[0] < oldest]


def _written(database: str) -> str:
    return urllib.parse.quote(database, safe="")


def _moment_of(name: str, database: str, label: str) -> t.Optional[tuple[int, int]]:
    """When it was stored, and its number within that second; None when it is of something else."""
    start, end = f"{_written(database)}-", f"-{label}{SUFFIX}" if label else SUFFIX
    if not name.startswith(start) or not name.endswith(end):
        return None
    match = _STAMP.fullmatch(name[len(start) : -len(end)])
    if not match:
        return None
    try:
        return calendar.timegm(time.strptime(match.group(1), STAMP)), int(match.group(2) or 1)
    except ValueError:
        return None
