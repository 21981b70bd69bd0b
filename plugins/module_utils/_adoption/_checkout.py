# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in an existing checkout: git, virtual environment, environment files, migrations. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _findings
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._findings import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import without_password

Run = t.Callable[..., t.Tuple[int, str, str]]

#: Directories that hold no code of the application's own.
SKIPPED = (".git", "node_modules", "__pycache__", "site-packages", ".tox", ".mypy_cache")
LARGEST_SOURCE = 512 * 1024
MOST_FILES = 20_000
_MIGRATION = re.compile(r"(^|/)(migrations|alembic/versions|versions)/[^/]+\.py$")
_ENVIRONMENT_FILES = (".env", ".env.production", ".env.prod", "env")


@dataclasses.dataclass(frozen=True)
class Git:
    """What git knows of a checkout. changed: tracked files that differ; unpushed: commits that no remote has."""

    commit: str = ""
    branch: str = ""
    remote: str = ""
    changed: tuple[str, ...] = ()
    unpushed: int = 0


@dataclasses.dataclass(frozen=True)
class Checkout:
    """An existing installation's directory. project: where manage.py is, relative to it."""

    path: str
    project: str = "."
    owner: str = "root"
    venv: str = ""
    git: t.Optional[Git] = None
    environment_files: tuple[str, ...] = ()
    reads_environment_file: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def project_path(self) -> str:
        return os.path.normpath(os.path.join(self.path, self.project))


def root_of(directory: str) -> str:
    """The checkout that a directory belongs to: the nearest one above it with .git, else with manage.py, else itself."""
    for name in (".git", "manage.py"):
        folder = directory
        while folder not in ("/", ""):
            if os.path.lexists(os.path.join(folder, name)):
                return folder
            folder = os.path.dirname(folder)
    return directory


def project_of(path: str, working_directory: str) -> str:
    """The directory of manage.py, relative to the checkout: where the unit works, else the one place that has it."""
    places = [working_directory] if working_directory.startswith(path) else []
    places += [path] + sorted(entry.path for entry in os.scandir(path) if entry.is_dir() and entry.name not in SKIPPED)
    for place in places:
        if os.path.isfile(os.path.join(place, "manage.py")):
            return os.path.relpath(place, path)
    return os.path.relpath(places[0], path)


def venv_of(program: str, path: str) -> str:
    """The virtual environment that a program lies in, else the one in the checkout, else ""."""
    home = os.path.dirname(os.path.dirname(program))
    names = ("venv", ".venv", "env", "virtualenv")
    for place in [home, *(os.path.join(folder, name) for folder in (path, os.path.dirname(path)) for name in names)]:
        if os.path.isfile(os.path.join(place, "pyvenv.cfg")):
            return place
    return ""


def owner_of(path: str) -> str:
    try:
        return pwd.getpwuid(os.stat(path).st_uid).pw_name
    except (KeyError, OSError):
        return str(os.stat(path).st_uid)


def sources(path: str, venv: str) -> t.Iterator[str]:
    """Relative paths of the files that belong to the application; at most some thousand."""
    count = 0
    for folder, names, files in os.walk(path):
        names[:] = sorted(
            name
            for name in names
            if name not in SKIPPED
            and os.path.join(folder, name) != venv
            and not os.path.isfile(os.path.join(folder, name, "pyvenv.cfg"))
        )
        for name in sorted(files):
            count += 1
            if count > MOST_FILES:
                return
            yield os.path.relpath(os.path.join(folder, name), path)


def as_owner(run: Run, owner: str) -> Run:
    """The same, done as the owner: git runs programs that a repository's configuration names."""
    if os.geteuid() or owner == "root":
        return run
    return lambda argv, **options: run(["runuser", "-u", owner, "--", *argv], **options)


def look_at_git(run: Run, path: str) -> tuple[t.Optional[Git], set[str]]:
    """(what git says, all files it knows); (None, set()) where there is no git."""
    base = ["git", "--no-optional-locks", "-c", f"safe.directory={path}", "-c", "core.fsmonitor=false", "-C", path]

    def git(*arguments: str) -> str:
        try:
            rc, out, _err = run([*base, *arguments], handle_exceptions=False)
        except OSError:
            return ""
        return out if rc == 0 else ""

    commit = git("rev-parse", "HEAD").strip()
    if not commit:
        return None, set()
    branch = git("symbolic-ref", "--short", "-q", "HEAD").strip()
    remote = git("config", "--get", f"branch.{branch}.remote").strip() or "origin"
    changed = [line[3:] for line in git("status", "--porcelain", "--untracked-files=no").splitlines() if line]
    unpushed = git("rev-list", "--count", "HEAD", "--not", "--remotes").strip() if git("remote").strip() else "0"
    address = without_password(git("remote", "get-url", remote).strip())
    known = set(git("ls-files", "-z").split("\0"))
    return Git(commit, branch, address, tuple(changed), int(unpushed or 0)), known


def read(path: str) -> str:
    """The text of a source file, "" when it is none or cannot be read."""
    with contextlib.suppress(OSError):
        if os.path.isfile(path) and os.path.getsize(path) <= LARGEST_SOURCE:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            return "" if "\0" in text else text
    return ""


def examine(run: Run, path: str, working_directory: str, program: str) -> Checkout:
    """Everything that the files of a checkout tell."""
    owner, venv = owner_of(path), venv_of(program, path)
    git, known = look_at_git(as_owner(run, owner), path)
    findings: list[Finding] = list(_git_findings(git))
    own_migrations = []
    reads_file = False
    for name in sources(path, venv):
        if git and _MIGRATION.search(name) and name not in known and not name.endswith("__init__.py"):
            own_migrations.append(name)
        if name.endswith(".py") and _findings.is_application(name):
            text = read(os.path.join(path, name))
            reads_file = reads_file or _findings.reads_environment_file(text)
            findings += _text_findings(name, text)
    if own_migrations:
        findings.append(_findings.only_on_server(own_migrations))
    project = project_of(path, working_directory)
    folders = dict.fromkeys((path, os.path.normpath(os.path.join(path, project))))
    files = [os.path.join(folder, name) for folder in folders for name in _ENVIRONMENT_FILES]
    files = [file for file in files if os.path.isfile(file)]
    return Checkout(path, project, owner, venv, git, tuple(files), reads_file, tuple(findings))


def _git_findings(git: t.Optional[Git]) -> t.Iterator[Finding]:
    if not git:
        yield Finding(
            "not_in_git",
            "warning",
            "the checkout is no git repository, or git cannot read it",
            "compare its migration files with those of the repository that is deployed: what exists only here would be missing",
        )
        return
    if git.changed:
        yield Finding(
            "changed_on_server",
            "warning",
            f"{len(git.changed)} files were changed on this server and not committed: {', '.join(git.changed[:8])}",
            "commit them or give them up: releases are made from the repository",
        )
    if git.unpushed:
        yield Finding(
            "unpushed",
            "warning",
            f"{git.unpushed} commits exist on this server only",
            "push them: releases are made from the repository",
        )


def _text_findings(name: str, text: str) -> t.Iterator[Finding]:
    for line in _findings.migrating_lines(text, True)[:1]:
        yield _findings.migration_at_start(f"{name}:{line}", _findings.at_start(name))
    if _findings.asks_for_migrations(name, text):
        yield _findings.health_by_migrations(name)
