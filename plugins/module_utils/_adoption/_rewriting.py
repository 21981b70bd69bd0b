# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's files exchanged, tested and read again, and put back as they were. Target; PRIVATE to the collection."""

from __future__ import annotations

import hashlib
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _edits
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._edits import Edit
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control, words_of


class Rewriting:
    """The change of some files. `record` remembers each before it is changed, so that a later run can put it back."""

    def __init__(self, control: Control, backups: str, record: t.Callable[[dict[str, t.Any]], None]) -> None:
        self._control = control
        self._backups = backups
        self._record = record

    def do(self, edits: t.Sequence[Edit]) -> None:
        """Exchange the lines, and have nginx read them; what it refuses is put back. Raises DeployError."""
        if not edits:
            return
        changed: list[dict[str, t.Any]] = []
        try:
            for number, file in enumerate(dict.fromkeys(edit.file for edit in edits)):
                path = os.path.realpath(file)
                before = _read(path)
                after = _edits.apply(before, [edit for edit in edits if edit.file == file])
                backup = os.path.join(self._backups, f"{number}-{os.path.basename(path)}")
                _files.write_file(backup, before, 0o600)
                entry = {"path": path, "backup": backup, "before": _digest(before), "after": _digest(after)}
                self._record(entry)
                _replace(path, after)
                changed.append(entry)
            self._take_up()
        except (DeployError, OSError) as exc:
            for entry in changed:
                _replace(entry["path"], _read(entry["backup"]))
            if changed:
                self._control.test()
            reason = exc.msg if isinstance(exc, DeployError) else str(exc)
            raise DeployError(f"{reason}. Its files are as they were before, and nginx serves by them") from exc

    def _take_up(self) -> None:
        good, said = self._control.test()
        if not good:
            words = "; ".join(words_of(said)) or " ".join(said.split())
            raise DeployError(f"nginx refuses the lines that lead to the entrance: {words}")
        self._control.reload()

    def undo(self, entries: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
        """Put files back that are as this collection left them; sentences about those that are not. Raises DeployError."""
        told, restored = [], []
        for entry in entries:
            path = str(entry["path"])
            now = _digest(_read(path))
            if now == entry["after"]:
                _replace(path, _read(str(entry["backup"])))
                restored.append(path)
            elif now != entry["before"]:
                told.append(f"{path} was edited since; what it was before the adoption is in {entry['backup']}")
        if restored:
            self._take_up()
        return told


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError as exc:
        raise DeployError(f"{path} cannot be read: {exc.strerror}") from exc


def _replace(path: str, text: str) -> None:
    facts = os.stat(path)
    _files.write_file(path, text, facts.st_mode & 0o7777, (facts.st_uid, facts.st_gid))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
