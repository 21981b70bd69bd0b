# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogs as files in a directory. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync, write_file
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _json, _stored
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot


def read(path: str, option: str) -> Snapshot:
    """One stored catalog. `option` is what a message calls it. Raises DeployError."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError as exc:
        raise DeployError(
            f"{option} {path!r} does not exist; name a file that schema_snapshot has stored, or store one with state=taken"
        ) from exc
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
        raise DeployError(
            f"{option} {path!r} cannot be read: {reason}; let the task's user read it, or name another file"
        ) from exc
    return _json.loads(text, f"{option} {path!r}")


@dataclasses.dataclass(frozen=True)
class Stored:
    """What storing a catalog comes to. path: of the file that has this schema. former: the newest one before, if any.

    doubt: why that cannot be read, or "".
    """

    path: str
    new: bool
    former: t.Optional[Snapshot]
    expired: list[str]
    doubt: str = ""


def plan(snapshot: Snapshot, dest: str, label: str, keep_days: int, now: float) -> Stored:
    """A schema that the newest file has already needs no other one. Raises DeployError."""
    try:
        there = os.listdir(dest)
    except FileNotFoundError:
        there = []
    except OSError as exc:
        raise DeployError(f"dest {dest!r} cannot be read: {exc.strerror}; name a directory of the task's user") from exc
    names = _stored.newest_first(there, snapshot.database, label)
    former, doubt = _newest(dest, names)
    new = former is None or _json.fingerprint(former) != _json.fingerprint(snapshot)
    name = _stored.file_name(snapshot.database, label, now, there) if new else names[0]
    kept = [name, *names] if new else names
    gone = _stored.expired(kept, snapshot.database, label, keep_days, now)
    return Stored(os.path.join(dest, name), new, former, [os.path.join(dest, one) for one in gone], doubt)


def _newest(dest: str, names: list[str]) -> tuple[t.Optional[Snapshot], str]:
    """The newest file, or why it cannot be read: a damaged one is no reason to store no other."""
    try:
        return (read(os.path.join(dest, names[0]), "the newest file of dest"), "") if names else (None, "")
    except DeployError as exc:
        return None, exc.msg


def carry_out(stored: Stored, snapshot: Snapshot) -> None:
    """Write what is new, then remove what is expired. Raises DeployError."""
    folder = os.path.dirname(stored.path)
    try:
        if stored.new:
            if not os.path.isdir(folder):
                os.makedirs(folder, 0o700)
            write_file(stored.path, _json.dumps(snapshot), 0o600)
        for path in stored.expired:
            os.unlink(path)
        if stored.expired:
            sync(folder)
    except OSError as exc:
        raise DeployError(
            f"dest {folder!r} cannot be written: {exc.strerror}; make room there, or name a directory of the task's user"
        ) from exc
