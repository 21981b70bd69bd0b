# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of units: from the release to where the service manager reads them, and away again. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _units

MODE = 0o644


def pending(units: t.Sequence[_units.Record], always: bool) -> list[tuple[_units.Record, str]]:
    """The units whose definition must be written, each with its text; without `always` those that have none. Raises DeployError."""
    found = []
    for record in units:
        source, definition = _units.rendered(record), str(record.get("definition") or "")
        if not definition or not (always or (not os.path.lexists(definition) and os.path.exists(source))):
            continue
        text = _read(source, record)
        if _present(definition) != text:
            found.append((record, text))
    return found


def _read(source: str, record: _units.Record) -> str:
    """The rendered text. The release's user may write there, so that no link is followed to what only root may read."""
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, encoding="utf-8", errors="surrogateescape", newline="") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise DeployError(f"the rendered definition {source} of {record['name']} is no regular file")
            return file.read()
    except OSError as exc:
        raise DeployError(
            f"define is true, but the rendered definition {source} of {record['name']} cannot be read: {exc.strerror}; "
            "render it there first, or name it in the unit's source"
        ) from exc


def _present(definition: str) -> t.Optional[str]:
    try:
        with open(definition, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError:
        return None


def write(units: t.Sequence[tuple[_units.Record, str]]) -> None:
    """Write them where the service manager reads them. Raises DeployError."""
    for record, text in units:
        definition = str(record["definition"])
        try:
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
