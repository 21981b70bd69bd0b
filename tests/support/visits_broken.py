# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broken histories of the visitors' book: their code in the repository, their database made (control node)."""

from __future__ import annotations

import dataclasses
import tomllib
import typing as t

from tests.support import visits
from tests.support.sample_run import Application

BROKEN = visits.APP / "broken"


@dataclasses.dataclass(frozen=True)
class History:
    """One of them, as its state.toml says; `files/` beside it is what its code has more than the release."""

    name: str
    about: str
    #: The release on which the files are laid.
    code: int
    #: What was done to an empty database. `run`: a program with the code of `release`, else with the broken code;
    #: `fails` where that is the point. `sql`: a statement, `on` one kind of database. `fill`: so many visits.
    steps: list[dict[str, t.Any]]
    #: The revisions that the database says it is at; none: it has no table for that.
    recorded: list[str]
    #: The revision whose chain builds this database, but for the columns in `differs`.
    really: str
    differs: list[str]
    #: What plain `flask db upgrade` says of it, as a regular expression; empty: nothing, and it changes nothing.
    says: str
    #: Files that the code has lost.
    removed: list[str] = dataclasses.field(default_factory=list)
    #: Where it can happen.
    databases: list[str] = dataclasses.field(default_factory=lambda: ["postgresql", "sqlite"])

    @property
    def tag(self) -> str:
        """Name the tag of its code."""
        return f"broken-{self.name}"


def histories() -> list[History]:
    """Read all of them."""
    found = sorted(BROKEN.glob("*/state.toml"))
    return [History(path.parent.name, **tomllib.loads(path.read_text())) for path in found]


def history(name: str) -> History:
    """Read one of them."""
    return next(each for each in histories() if each.name == name)


def commit(repository: visits.VisitsRepository, broken: History) -> str:
    """Have the code of a broken history in the repository, and checked out; give its tag."""
    if broken.tag not in repository.git("tag").split():
        repository.git("checkout", "--quiet", repository.tag(broken.code))
        files = BROKEN / broken.name / "files"
        if files.exists():
            repository.lay_over(files)
        for name in broken.removed:
            (repository.path / name).unlink()
        repository.change({}, broken.about, broken.tag)
    repository.git("checkout", "--quiet", broken.tag)
    return broken.tag


def produce(application: Application, broken: History, url: str) -> None:
    """Bring an empty database into this state, and leave the broken code checked out."""
    tag = commit(t.cast("visits.VisitsRepository", application.repository), broken)
    for step in broken.steps:
        if "fill" in step:
            visits.fill(url, visits=step["fill"], visitors=20)
        elif "sql" in step:
            if step.get("on", visits.kind(url)) == visits.kind(url):
                with visits.connect(url) as cursor:
                    cursor.execute(step["sql"])
        else:
            done = application.run(step.get("release", tag), url, *step["run"])
            if (done.returncode != 0) != step.get("fails", False):
                raise RuntimeError(f"{broken.name}: {step['run']} ended with {done.returncode}: {done.stderr[-1500:]}")
    application.checkout(tag)
