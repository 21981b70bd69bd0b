# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broken histories of the visitors' book are really broken, and in the way that they say (control node)."""

from __future__ import annotations

import re
import secrets
import typing as t

import pytest

from tests.support import paths, visits, visits_broken
from tests.support.sample_run import Application
from tests.support.visits_broken import History

# Of the sample itself; whole deploys use it in every run.
pytestmark = pytest.mark.long

#: What is the same on both, and is shown on SQLite.
LONG = ("three-heads", "deleted-revision-file", "applied-halfway", "stamped-too-far")
ALL = [
    pytest.param(
        history,
        kind,
        id=f"{history.name}-{kind}",
        marks=[pytest.mark.long] if kind == "postgresql" and history.name in LONG else [],
    )
    for history in visits_broken.histories()
    for kind in history.databases
]


@pytest.fixture(scope="module")
def application() -> t.Iterator[Application]:
    """Make the application once."""
    with paths.short_directory() as base:
        yield Application(visits, visits.VisitsRepository(base))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, postgres: t.Any) -> t.Callable[[str], str]:
    """Make empty databases of either kind."""

    def make(kind: str) -> str:
        name = f"visits_{secrets.token_hex(4)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('visits')}/{name}.db"
        return str(postgres.create_database(name, name, "secret"))

    return make


Clean = t.Callable[[str, str], t.Dict[str, t.Tuple[t.Any, ...]]]


@pytest.fixture(scope="module")
def clean(application: Application, made: t.Callable[[str], str]) -> Clean:
    """Know what an orderly upgrade to a revision builds, from the code that has this revision."""
    known: dict[tuple[str, str], dict[str, tuple[t.Any, ...]]] = {}

    def columns(kind: str, revision: str) -> dict[str, tuple[t.Any, ...]]:
        if (kind, revision) not in known:
            url = made(kind)
            code: int | str = 2
            if revision == "a10f6c28d7b3":
                repository = t.cast("visits.VisitsRepository", application.repository)
                code = visits_broken.commit(repository, visits_broken.history("two-heads"))
            done = application.run(code, url, "flask", "db", "upgrade", revision)
            assert done.returncode == 0, done.stderr
            known[kind, revision] = visits.columns(url)
        return known[kind, revision]

    return columns


@pytest.mark.parametrize(("history", "kind"), ALL)
def test_history_is_broken_as_it_says(
    application: Application, made: t.Callable[[str], str], clean: Clean, history: History, kind: str
) -> None:
    url = made(kind)
    visits_broken.produce(application, history, url)
    assert visits.recorded(url) == history.recorded
    there, should_be = visits.columns(url), clean(kind, history.really)
    differing = sorted(n for n in there.keys() | should_be.keys() if there.get(n) != should_be.get(n))
    assert differing == history.differs

    upgraded = application.run(history.tag, url, *visits.MIGRATE)
    assert (upgraded.returncode != 0) == bool(history.says), upgraded.stderr
    assert re.search(history.says, upgraded.stderr), upgraded.stderr
    assert visits.recorded(url) == history.recorded and visits.columns(url) == there
    with visits.connect(url) as cursor:
        cursor.execute("SELECT count(*) FROM visit")
        assert cursor.fetchone() == (200,)


def test_every_folder_says_what_it_is() -> None:
    folders = {path.name for path in visits_broken.BROKEN.iterdir() if path.is_dir()}
    assert folders == {history.name for history in visits_broken.histories()}
