# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python files of a project, read once: revisions, and everything else. Target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import tokenize
import typing as t

from .. import _start_scripts
from . import _chain, _flask, _location
from ._finding import Finding
from ._graph import Chain
from ._location import Location

#: Directories that hold no code of the application's own.
SKIPPED = ("node_modules", "__pycache__", "site-packages", "dist-packages", "build", "dist")
LARGEST = 512 * 1024
MOST = 20_000


@dataclasses.dataclass(frozen=True)
class Project:
    """What the files of a project tell. revisions, sources: path relative to chdir -> text. scripts: below the top of the project."""

    location: Location
    chain: Chain
    revisions: t.Mapping[str, str]
    sources: t.Mapping[str, str]
    chdir: str = ""
    scripts: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def findings(self) -> list[Finding]:
        return [*self.location.findings, *self.chain.findings]


def read_project(chdir: str, config: str = "", section: str = "") -> Project:
    """Read it, without a database and without importing anything of it."""
    code = dict(_sources(chdir))
    location = _location.locate(chdir, config, section, _flask.directories(code))
    paths = [path for folder in location.versions for path in _revision_files(folder, location.recursive)]
    paths = list(dict.fromkeys(os.path.realpath(path) for path in paths))
    known = set(paths)
    sources = {name: text for name, text in code.items() if os.path.realpath(os.path.join(chdir, name)) not in known}
    revisions: dict[str, str] = {}
    unreadable: list[Finding] = []
    for path in paths:
        shown = os.path.relpath(path, os.path.realpath(chdir))
        try:
            revisions[shown] = read_text(path)
        except (OSError, SyntaxError, UnicodeDecodeError) as exc:
            evidence = f"{shown} cannot be read: {getattr(exc, 'strerror', None) or exc}"
            remedy = "correct its encoding or its owner; Alembic loads every file before it does anything"
            unreadable.append(Finding("unreadable", "stop", shown, evidence, remedy, shown))
    own = os.path.relpath(location.script, chdir) if location.script else ""
    chain = _chain.read_chain(
        revisions, _outside(sources, own), _compiled(chdir, location.versions), location.sourceless
    )
    if location.findings and not location.versions:
        chain = dataclasses.replace(chain, findings=())  # no file was looked for
    elif not revisions:
        folders = " and ".join(os.path.relpath(each, chdir) for each in location.versions)
        evidence = f"there is no revision file in {folders}"
        unreadable.append(
            Finding("no_revisions", "note", folders, evidence, "write the first one (alembic revision)", folders)
        )
    chain = dataclasses.replace(chain, findings=(*unreadable, *chain.findings))
    return Project(location, chain, revisions, sources, chdir, _start_scripts.read_scripts(chdir))


def read_text(path: str) -> str:
    """The text of a Python file in the encoding that it names. Raises OSError, SyntaxError or UnicodeDecodeError."""
    with tokenize.open(path) as file:
        return file.read()


def _revision_files(folder: str, recursive: bool) -> t.Iterator[str]:
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name != "__pycache__") if recursive else []
        yield from (os.path.join(place, name) for name in sorted(files) if _chain.loaded(name))


def _compiled(chdir: str, folders: t.Sequence[str]) -> list[str]:
    """Compiled revision files: Python leaves them when the source is removed."""
    found = []
    for folder in (os.path.join(each, "__pycache__") for each in folders):
        if os.path.isdir(folder):
            found += [os.path.relpath(os.path.join(folder, name), chdir) for name in sorted(os.listdir(folder))]
    return found


def _sources(chdir: str) -> t.Iterator[tuple[str, str]]:
    count = 0
    for folder, names, files in os.walk(chdir):
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".")
            and name not in SKIPPED
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        )
        for path in (os.path.join(folder, name) for name in sorted(files) if name.endswith(".py")):
            count += 1
            if count > MOST:
                return
            try:
                if os.path.getsize(path) <= LARGEST:
                    yield os.path.relpath(path, chdir), read_text(path)
            except (OSError, SyntaxError, UnicodeDecodeError):
                continue  # not the application's: it could not import it either


def _outside(sources: t.Mapping[str, str], own: str) -> dict[str, str]:
    """What could be a stray revision file: not in tests, and not in another environment of Alembic than our own."""
    environments = {os.path.dirname(path) for path in sources if os.path.basename(path) == "env.py"} - {own}
    return {
        path: text
        for path, text in sources.items()
        if "down_revision" in text
        and "tests" not in path.split(os.sep)
        and not any(path.startswith(os.path.join(other, "versions", "")) for other in environments)
    }
