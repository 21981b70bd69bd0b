# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repairs of revision files in a working copy: a merge of heads, a parent for a broken chain. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _revision
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._diagnosis import named
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._graph import Chain
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import write_file

_DOWN = re.compile(r"^(down_revision\b[^=\n]*=[ \t]*)([^\n#]+?)([ \t]*(?:#[^\n]*)?)$", re.MULTILINE)
_REVISES = re.compile(r"^(Revises:)[^\n]*$", re.MULTILINE)
#: What a copy of a project does not need.
_LARGEST = 5 * 1024 * 1024
_SKIPPED = (".git", "node_modules", "__pycache__")


def refuse_release(chdir: str) -> None:
    """Raises DeployError where this is a release: its files never change, and the next one would not have the repair."""
    folder = os.path.abspath(chdir)
    while True:
        if os.path.isfile(os.path.join(folder, ".release.json")):
            raise DeployError(
                f"chdir {chdir} is part of the release {folder}, whose files never change; repair a working copy of the "
                "repository, commit it, and deploy that"
            )
        if os.path.dirname(folder) == folder:
            return
        folder = os.path.dirname(folder)


def clashes(history: History, heads: t.Sequence[str]) -> t.List[str]:
    """Objects that more than one of these heads changes on its own: then their order decides what comes out. Pure."""
    sets = [history.up_to([head]) or frozenset() for head in heads]
    touched: t.Dict[t.Any, int] = {}
    for place, chosen in enumerate(sets):
        others = frozenset().union(*(each for number, each in enumerate(sets) if number != place))
        paths = {path for number in chosen - others for path in history.steps[number].changes}
        for path in paths:
            touched[path] = touched.get(path, 0) + 1
    return sorted(
        f"{kind} {owner + '.' if owner else ''}{name}" for (kind, owner, name), count in touched.items() if count > 1
    )


def refuse_merge(history: History, heads: t.Sequence[str]) -> None:
    """Raises DeployError where nothing proves that the heads fit together."""
    if history.stopped:
        raise DeployError(
            f"merge_heads is not proven: {history.stopped}; correct that revision first, since a merge would not help it",
            kind="not_proven",
        )
    both = clashes(history, heads)
    if both:
        raise DeployError(
            f"merge_heads is not proven: more than one of {named(heads)} changes {', '.join(both)}, and their order would decide what "
            "comes out; put one behind the other by its down_revision",
            kind="not_proven",
        )


def broken(chain: Chain, child: str) -> str:
    """The revision whose parent is missing; "" where there is none. Raises DeployError where several are and none is named."""
    found = [one.revision for one in chain.findings if one.kind == "unknown_parent"]
    if child:
        if child not in chain.revisions:
            raise DeployError(
                f"child is {child!r}, and no revision file has that id; name one of {named(chain.revisions)}"
            )
        return child if child in found else ""
    if len(found) > 1:
        raise DeployError(f"several revisions name a parent that is missing: {named(found)}; name one of them in child")
    return found[0] if found else ""


def parent_of(chain: Chain, child: str, parent: str) -> str:
    """Whom it is to come after. Raises DeployError where that is not clear."""
    possible = chain.possible_parents(child)
    if parent:
        if parent not in chain.revisions or parent in chain.descendants(child):
            raise DeployError(
                f"parent is {parent!r}, and {child} cannot come after that; name one of {named(possible)}"
            )
        return parent
    if len(possible) != 1:
        raise DeployError(
            f"{child} could come after {named(possible)}; name the proper one in parent"
            if possible
            else f"there is no revision that {child} could come after; bring the file of its parent back"
        )
    return possible[0]


def reparented(text: str, parent: str) -> str:
    """The file with another parent. Pure; raises DeployError where it cannot be written so that it says just that."""
    changed, count = _DOWN.subn(lambda found: f"{found.group(1)}{parent!r}{found.group(3)}", text)
    changed = _REVISES.sub(lambda found: f"{found.group(1)} {parent}", changed, count=1)
    revision, _findings = _revision.read("", changed)
    if count != 1 or revision is None or list(revision.parents) != [parent]:
        raise DeployError(f"down_revision of the file cannot be replaced by a program; write {parent!r} there by hand")
    return changed


@contextlib.contextmanager
def copy_of(chdir: str) -> t.Iterator[str]:
    """A copy of a project, without environments and without what is large, gone at the end. Raises DeployError."""

    def skipped(folder: str, names: t.List[str]) -> t.List[str]:
        paths = {name: os.path.join(folder, name) for name in names}
        return [
            name
            for name, path in paths.items()
            if name in _SKIPPED or os.path.exists(os.path.join(path, "pyvenv.cfg")) or not _copied(path)
        ]

    with tempfile.TemporaryDirectory(prefix="seamless-repair-") as base:
        target = os.path.join(base, "project")
        try:
            shutil.copytree(chdir, target, symlinks=True, ignore=skipped)
        except (OSError, shutil.Error) as exc:
            raise DeployError(
                f"chdir {chdir} cannot be copied to try the repair: {exc}; run as a user that may read it"
            ) from exc
        yield target


def _copied(path: str) -> bool:
    found = os.lstat(path)
    return (
        stat.S_ISDIR(found.st_mode)
        or stat.S_ISLNK(found.st_mode)
        or (stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST)
    )


def write(path: str, text: str) -> None:
    """In place of what is there, with its owner and its rights. Raises DeployError."""
    try:
        there = os.stat(path)
        owner = (there.st_uid, there.st_gid)
        write_file(path, text, stat.S_IMODE(there.st_mode), owner)
    except OSError as exc:
        raise DeployError(f"{path} cannot be written: {exc.strerror}; run as its owner") from exc


def keep_copy(path: str, folder: str, stamp: str) -> str:
    """A copy of a file as it was; its path. Raises DeployError."""
    name = f"{os.path.basename(path)}.{stamp}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        shutil.copyfile(path, os.path.join(folder, name))
    except OSError as exc:
        raise DeployError(f"backup_dest {folder} cannot be written: {exc.strerror}; name another directory") from exc
    return os.path.join(folder, name)
