# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What replays have shown, kept by the content of the files that were replayed. Target; PRIVATE to the collection.

What a revision makes of a catalog depends on all that ran before it, and on nothing that came later. So each step has a key
made of its own file and of the key before it, and a longer chain begins with what is known of the shorter one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History, Step
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import write_file

#: Another one for every change of what is kept.
VERSION = 1
KEPT = 6
_SUFFIX = ".replay.json"


def keys(revisions: t.Sequence[t.Dict[str, t.Any]], surroundings: t.Sequence[str]) -> t.List[str]:
    """One for each revision. surroundings: what else decides what it makes, such as the version of the server. Pure."""
    key = _hashed([VERSION, *surroundings])
    found = []
    for revision in revisions:
        key = _hashed([key, revision["id"], revision["parents"], revision["sha256"]])
        found.append(key)
    return found


def _hashed(parts: t.Sequence[t.Any]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:32]


class Cache:
    """A directory of files, one for each chain; nothing is kept where there is none. Its content is only a schema."""

    def __init__(self, path: str) -> None:
        self._path = path

    def longest(self, wanted: t.Sequence[str]) -> t.Tuple[t.Optional[History], t.List[str]]:
        """(the beginning of the chain as far as it is known, what goes with it): None where nothing is."""
        best: t.Tuple[int, t.Dict[str, t.Any]] = (0, {})
        for name in self._names():
            data = self._read(name)
            there = data.get("keys") or []
            common = sum(1 for _same in _common(there, wanted))
            if common > best[0]:
                best = (common, data)
        count, data = best
        if not count:
            return None, []
        history = _history(data)
        return History(history.base, history.steps[:count]), list(data.get("versions") or [])

    def _names(self) -> t.List[str]:
        try:
            return sorted(name for name in os.listdir(self._path) if name.endswith(_SUFFIX)) if self._path else []
        except OSError:
            return []

    def _read(self, name: str) -> t.Dict[str, t.Any]:
        """{} where it is damaged: then the chain is replayed."""
        with contextlib.suppress(OSError, ValueError):
            with open(os.path.join(self._path, name), encoding="utf-8") as file:
                data = json.load(file)
            if isinstance(data, dict) and data.get("version") == VERSION:
                return data
        return {}

    def keep(self, own: t.Sequence[str], history: History, versions: t.Sequence[str]) -> None:
        """Raises DeployError. own: the keys of the steps."""
        if not self._path or not own:
            return
        data = {"version": VERSION, "keys": list(own), "versions": list(versions), **_plain(history)}
        try:
            os.makedirs(self._path, mode=0o700, exist_ok=True)
            write_file(os.path.join(self._path, own[-1] + _SUFFIX), json.dumps(data), 0o600)
            paths = [os.path.join(self._path, name) for name in self._names()]
            for path in sorted(paths, key=os.path.getmtime)[:-KEPT]:
                os.unlink(path)
        except OSError as exc:
            raise DeployError(
                f"cache_path {self._path} cannot be written: {exc.strerror}; name a directory that the task's user may write"
            ) from exc


def _common(one: t.Sequence[str], other: t.Sequence[str]) -> t.Iterator[str]:
    for left, right in zip(one, other):
        if left != right:
            return
        yield left


def _plain(history: History) -> t.Dict[str, t.Any]:
    steps = [
        {
            "id": step.id,
            "parents": step.parents,
            "statements": step.statements,
            "writes": step.writes,
            "changes": [[*path, value] for path, value in step.changes.items()],
        }
        for step in history.steps
    ]
    return {"base": [[*path, value] for path, value in history.base.items()], "steps": steps}


def _history(data: t.Dict[str, t.Any]) -> History:
    return History(
        {(kind, owner, name): value for kind, owner, name, value in data["base"]},
        [
            Step(
                step["id"],
                step["parents"],
                {(kind, owner, name): value for kind, owner, name, value in step["changes"]},
                step["statements"],
                step["writes"],
            )
            for step in data["steps"]
        ],
    )
