# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three applications with histories of Alembic from the package index, each in an old release and in a new one (control node).

CKAN has a long chain on PostgreSQL, Keystone two branches with batches there, and pgAdmin is Flask-Migrate on SQLite.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess
import typing as t

from tests.support.paths import CHECKOUT
from tests.support.real_applications import Probe, Release, environment

CASES = CHECKOUT / "tests" / "cases" / "real_applications"
PROBE = CHECKOUT / "tests" / "support" / "real_alembic_probe.py"
OLD, NEW = ("3.10", "3.9", "3.11"), ("3.11", "3.12", "3.13")
INI = """\
[alembic]
{location}
prepend_sys_path = .
sqlalchemy.url = {url}

[loggers]
keys = root
[handlers]
keys =
[formatters]
keys =
[logger_root]
handlers =
"""


@dataclasses.dataclass(frozen=True)
class Kind:
    """location: what its alembic.ini says of the revisions. Flask-Migrate finds them by the application in `models`."""

    old: str
    new: str
    location: str = ""
    engine: str = "postgresql"


KINDS = {
    "ckan": Kind("2.10.0", "2.12.0", "script_location = ckan:migration"),
    "keystone": Kind(
        "23.0.0",
        "30.0.0",
        "script_location = migrations\n"
        "version_locations = keystone:common/sql/migrations/versions\nrecursive_version_locations = true",
    ),
    "pgadmin": Kind("6.21", "9.18", engine="sqlite"),
}


def releases(name: str) -> tuple[Release, Release]:
    """The old and the new release, each with everything that it needs."""
    kind = KINDS[name]

    def release(version: str, pythons: tuple[str, ...]) -> Release:
        lines = (CASES / f"{name}_{version}.txt").read_text().splitlines()
        # The lists are complete: the rest of what such a package asks for has nothing to do with its database.
        return Release(version, ("--no-deps", *(line for line in lines if not line.startswith("#"))), pythons, "")

    return release(kind.old, OLD), release(kind.new, NEW)


class Application:
    """One release as a project on disk."""

    def __init__(self, name: str, release: Release, path: pathlib.Path) -> None:
        self.name, self.kind, self.path, self.python = name, KINDS[name], path, environment(release)
        shutil.copytree(CASES / name, path)

    def params(self, url: str) -> dict[str, t.Any]:
        """Options of the modules that use the bridge."""
        own = {"chdir": str(self.path), "python": self.python, "environment": self.environment(url)}
        return {**own, "config": self.config(url)}

    def environment(self, url: str) -> dict[str, str]:
        """What the process needs to know."""
        asked = {"PGADMIN_SETUP_EMAIL": "owner@example.org", "PGADMIN_SETUP_PASSWORD": "secret12"}
        return {"DATABASE_URL": url, **({"FLASK_APP": "models", **asked} if self.name == "pgadmin" else {})}

    def config(self, url: str) -> str:
        """An alembic.ini of this database; that of the package, where Flask knows the database."""
        if not self.kind.location:
            library = pathlib.Path(self.python).parent.parent / "lib"
            return str(next(library.glob("python3*/site-packages/pgadmin4/migrations/alembic.ini")))
        path = self.path / f"{url.rpartition('/')[2]}.ini"
        path.touch(mode=0o600)
        path.write_text(INI.format(location=self.kind.location, url=url.replace("%", "%%")))
        return path.name

    def upgrade(self, url: str) -> None:
        """Do what `alembic upgrade heads` or `flask db upgrade` does."""
        config = self.config(url)
        if self.kind.location:
            self.run(url, "-m", "alembic", "-c", config, "upgrade", "heads")
        else:
            self.run(url, "-m", "flask", "db", "upgrade", "--directory", str(pathlib.Path(config).parent))

    def run(self, url: str, *arguments: str) -> str:
        """Run the release's Python; give what it prints."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.path,
            env={**os.environ, **self.environment(url)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)[:80]} failed: {done.stderr[-2000:]}")
        return done.stdout

    def probe(self, url: str) -> Probe:
        """A process that says what of the release's models works on the database."""
        return Probe([self.python, str(PROBE), self.config(url)], self.path, self.environment(url))
