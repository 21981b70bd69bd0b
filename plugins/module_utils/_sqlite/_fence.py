# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fence around a SQLite file is made of: names, marks, what is in the file. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import write_file
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _copy
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._snapshot import sqlite3

#: How the file begins that stands in the place of a fenced database. SQLite refuses it: it is no database.
MARK = b"This SQLite database is fenced"
#: In the header of a file, what changes without a change of the content: format versions, change counter, and who wrote last.
HEADER = ((18, 20), (24, 28), (92, 100))
_LEFT = re.compile(r"\.(copy|failed|replaced)-[\w.-]+$")


@dataclasses.dataclass(frozen=True)
class Names:
    """Files of one fence, all in one directory. path: where the application looks."""

    path: str
    fenced: str
    copy: str
    failed: str

    @property
    def record(self) -> str:
        return f"{self.copy}.json"


def names_of(path: str, fence_id: str) -> Names:
    """Raises DeployError."""
    if not re.match(r"^[A-Za-z0-9][\w.-]{0,63}$", fence_id):
        raise DeployError(f"fence_id {fence_id!r} cannot be part of a file name; use letters, digits, '.', '_' and '-'")
    path = os.path.realpath(path)
    return Names(path, f"{path}.fenced-{fence_id}", f"{path}.copy-{fence_id}", f"{path}.failed-{fence_id}")


def mark_text(fence_id: str) -> str:
    return (
        f"{MARK.decode()} by {fence_id}: a deploy of seamless.deploy migrates it, or was cut off while it did.\n"
        "Run recover.yml, which puts the database back.\n"
    )


def fenced_by(path: str) -> str:
    """The id of the fence whose mark stands here; "" where there is a database, or nothing."""
    try:
        with open(path, "rb") as file:
            head = file.read(200)
    except FileNotFoundError:
        return ""
    if not head.startswith(MARK):
        return ""
    found = re.search(rb" by ([\w.-]+): ", head)
    return found.group(1).decode() if found else "unknown"


def content(path: str) -> dict[str, t.Any]:
    """What tells whether something was written: `sha256` of a settled file, but for its counters, and `rows` by table."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        head = bytearray(file.read(100))
        for begin, end in HEADER:
            head[begin:end] = bytes(len(head[begin:end]))
        digest.update(head)
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return {"sha256": digest.hexdigest(), "rows": _rows(path)}


def _rows(path: str) -> dict[str, int]:
    found = {}
    with _copy.still(path) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall():
            quoted = '"{}"'.format(name.replace('"', '""'))
            try:
                found[name] = int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])
            except sqlite3.OperationalError:  # of a module that is not here
                continue
    return found


def changes(before: t.Optional[dict[str, t.Any]], now: dict[str, t.Any]) -> dict[str, t.Any]:
    """What differs between two contents: `unchanged`, `reason`, and rows more or less by table. before: None where not known."""
    if before is None:
        return {"unchanged": False, "reason": "what the file held when it was opened is not on record", "tables": {}}
    if before["sha256"] == now["sha256"]:
        return {"unchanged": True, "reason": "", "tables": {}}
    rows, then = now["rows"], before["rows"]
    tables = {
        name: rows.get(name, 0) - then.get(name, 0)
        for name in sorted({*rows, *then})
        if rows.get(name, 0) != then.get(name, 0)
    }
    return {"unchanged": False, "reason": "" if tables else "rows that were there were changed", "tables": tables}


def write_record(names: Names, fence_id: str, found: dict[str, t.Any], now: str) -> None:
    facts = {"kind": "seamless.deploy safety copy", "version": 1, "fence_id": fence_id, "opened": now, "content": found}
    write_file(names.record, json.dumps(facts, indent=2, sort_keys=True) + "\n", 0o600)


def read_record(names: Names) -> t.Optional[dict[str, t.Any]]:
    """The content when it was opened with the copy kept, if it ever was."""
    try:
        with open(names.record, encoding="utf-8") as file:
            return dict(json.load(file)["content"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def left(path: str) -> list[str]:
    """Copies and exchanged files of this database, the newest first."""
    folder, name = os.path.split(os.path.realpath(path))
    found = [
        os.path.join(folder, each)
        for each in os.listdir(folder)
        if each.startswith(f"{name}.")
        and _LEFT.match(each[len(name) :])
        and not each.endswith((".json", "-wal", "-shm", "-journal"))
    ]
    return sorted(found, key=lambda each: os.lstat(each).st_mtime, reverse=True)
