# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of units: written where the service manager reads them, kept in the release, and taken away again. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _units

MODE = 0o644


def check(units: t.Sequence[_units.Record], reads: t.Callable[[str], bool]) -> None:
    """Refuse places that are no unit's. Records come from releases, where their user may write. Raises DeployError."""
    for record in units:
        definition, entrance = str(record.get("definition") or ""), str(record.get("entrance") or "")
        if definition and not reads(os.path.normpath(definition)):
            raise DeployError(
                f"the definition of {record['name']} is {definition}, which is no file that the service manager reads; "
                "give a place in one of its directories"
            )
        if entrance and (record.get("entrance_kind") or "link") == "link" and not entrance.endswith(".sock"):
            raise DeployError(f"the entrance of {record['name']} is {entrance}; a link to a socket ends in .sock")


def pending(units: t.Sequence[_units.Record], always: bool) -> list[tuple[_units.Record, str]]:
    """The units whose definition must be written, each with its text; without `always` those that have none. Raises DeployError."""
    found = []
    for record in units:
        kept, definition = _units.kept(record), str(record.get("definition") or "")
        if not definition or not (always or (not os.path.lexists(definition) and os.path.exists(kept))):
            continue
        text = str(record.get("text") or "") or _read(kept, record)
        if _present(definition) != text:
            found.append((record, text))
    return found


def _read(kept: str, record: _units.Record) -> str:
    """What a release keeps of a definition. Its user may write there, so only a file of whoever defines units is believed."""
    try:
        handle = os.open(kept, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, encoding="utf-8", errors="surrogateescape", newline="") as file:
            problem = distrust(os.fstat(handle), os.geteuid())
            if problem:
                raise DeployError(
                    f"the definition {kept} of {record['name']} {problem}, and is not installed; deploy that version anew"
                )
            return file.read()
    except OSError as exc:
        raise DeployError(
            f"define is true, but {record['name']} has no text, and its definition {kept} cannot be read: {exc.strerror}; "
            "give the template, or the unit's text"
        ) from exc


def distrust(found: os.stat_result, user: int) -> str:
    """Why a kept definition may not be what this user wrote, "" when it is. Pure."""
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    if found.st_uid != user:
        return f"belongs to user {found.st_uid} and not to user {user}, who defines the units"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be written by others than its owner"
    # A definition is for everybody to read: what is not may be a secret that a link leads to.
    return "" if found.st_mode & stat.S_IROTH else "is a private file"


def _present(definition: str) -> t.Optional[str]:
    try:
        with open(definition, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError:
        return None


def write(units: t.Sequence[tuple[_units.Record, str]]) -> None:
    """Write them where the service manager reads them, and keep them in the release for a way back. Raises DeployError."""
    for record, text in units:
        definition, kept = str(record["definition"]), _units.kept(record)
        try:
            folder = os.path.dirname(kept)
            if kept and os.path.isdir(folder) and not os.path.islink(folder):
                _files.write_file(kept, text, MODE)
            _files.write_file(definition, text, MODE)
        except OSError as exc:
            raise DeployError(
                f"the definition {definition} of {record['name']} cannot be written: {exc.strerror}; it belongs into a "
                "directory that exists, that the service manager reads, and that this user may write in"
            ) from exc


def remove(record: _units.Record) -> bool:
    """Take the definition of a unit away; whether there was one. Raises DeployError."""
    definition = str(record.get("definition") or "")
    try:
        os.unlink(definition)
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise DeployError(f"definition {definition} cannot be removed: {exc.strerror}") from exc
    with contextlib.suppress(OSError):
        _files.sync(os.path.dirname(definition))
    return True
