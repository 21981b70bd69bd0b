# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real histories of Alembic from an old release to a new one: read, replayed, rehearsed, tried and upgraded (control node).

What is true of a revision is tried with the models of both releases, on a database before it and on one after it.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import typing as t

import psycopg2
import pytest

from tests.support.module import finish_module, start_module
from tests.support.postgres import EmbeddedPostgres
from tests.support.real_alembic import CASES, KINDS, Application, releases
from tests.support.real_alembic_stage import PostgresStage, SqliteStage, Stage
from tests.support.real_applications import interpreter
from tests.support.rehearsals import live_release

WORDS = {(True, True): "either", (True, False): "expand", (False, True): "contract", (False, False): "blocking"}


def only(there: dict[str, str], at_home: dict[str, str]) -> dict[str, str]:
    return {deed: error for deed, error in there.items() if deed not in at_home}


def truths(stage: Stage, expected: dict[str, t.Any]) -> dict[str, tuple[str, t.Any]]:
    """Upgrade one database a step ahead of the other, and have both releases work on both.

    Of each revision the word, and what fails on the other side of it: for the old release, and for the new one.
    """
    told: dict[str, tuple[str, t.Any]] = {}
    with contextlib.ExitStack() as stack:
        urls = [stage.trial_url(name) for name in ("before", "after")]
        probes = [stack.enter_context(each.probe(url)) for each in (stage.old, stage.new) for url in urls]
        for revision in probes[3].ask("plan"):
            probes[3].ask("migrate", revision=revision)
            asked = {"columns": stage.shared(), "required": stage.shared(required=True)}
            found = [probe.ask("probe", **asked) for probe in probes]
            old, new = only(found[1], found[0]), only(found[2], found[3])
            told[revision] = WORDS[not old, not new], (old, new)
            if "refused" in expected[revision]:
                must_refuse(stage, **expected[revision]["refused"])
            probes[2].ask("migrate", revision=revision)
    return told


def must_refuse(stage: Stage, side: str, statements: list[str]) -> None:
    """Deletes, and rows that only look different, are no part of the trial: these statements fail on this side of the revision."""
    script = "; ".join(["BEGIN", *statements, "SET CONSTRAINTS ALL IMMEDIATE", "ROLLBACK"])
    stage.script("before" if side == "after" else "after", script)
    with pytest.raises(psycopg2.IntegrityError):
        stage.script(side, script)


@pytest.fixture(params=sorted(KINDS))
def stage(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    """Install both releases, and upgrade with the old one."""
    name = request.param
    for release in releases(name):
        if not interpreter(release.pythons):
            pytest.skip(f"{name} {release.version} needs Python {' or '.join(release.pythons)}")
    made: Stage
    if KINDS[name].engine == "sqlite":
        made = SqliteStage(name, tmp_path)
    else:
        server: EmbeddedPostgres = request.getfixturevalue("postgres")
        made = PostgresStage(name, tmp_path, server)
    try:
        made.make()
        yield made
    finally:
        made.drop()


def call(name: str, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Run a module that must succeed; a chain of a hundred revisions is built in it."""
    result = finish_module(start_module(name, params), timeout=900)
    assert not result.get("failed"), result["_output"]
    return result


@pytest.mark.long
def test_from_an_old_release_to_a_new_one(stage: Stage) -> None:
    expected = json.loads((CASES / f"{stage.name}.json").read_text())
    reads_and_finds(stage, expected)
    verdicts = rehearses(stage)
    assert {name: verdict["compatibility"] for name, verdict in verdicts.items()} == {
        name: case["verdict"] for name, case in expected["revisions"].items()
    }
    tried = truths(stage, expected["revisions"])
    (stage.path / "truths.json").write_text(json.dumps(tried, indent=1))
    assert list(tried) == list(verdicts)
    assert {name: word for name, (word, _why) in tried.items()} == {
        name: case["truth"] for name, case in expected["revisions"].items()
    }
    wrong = {
        name for name, verdict in verdicts.items() if verdict["compatibility"] not in ("inconclusive", tried[name][0])
    }
    assert wrong == {name for name, case in expected["revisions"].items() if "refused" in case}, (
        "what the trial leaves out is shown"
    )
    upgrades(stage, list(tried))


def reads_and_finds(stage: Stage, expected: dict[str, t.Any]) -> None:
    """The chain, without false alarms; and the revision of a database, also of one that has nothing on record."""
    info = proven(stage, stage.new, "live")
    assert info["usable"] and info["current"] == expected["current"] and info["heads"] == expected["heads"]
    assert len(info["history"]) == expected["count"] and info["branches"] == expected["branches"]
    assert [finding["kind"] for finding in info["findings"]] == expected["findings"]
    assert info["pending"] == list(expected["revisions"]) and info["starts"] == [] and info["missing"] == []

    # What revisions of the past make in the new release is not always what they made in the old one.
    rewritten = expected["rewritten"]
    assert [one["object"] for one in info["differences"]] == rewritten
    stage.script("lost", "DROP TABLE alembic_version")
    lost = proven(stage, stage.new, "lost")
    if rewritten:
        assert [each["diagnosis"]["cause"] for each in (info, lost)] == ["differs", "differs"]
        assert not info["diagnosis"]["proven"] and sorted(lost["diagnosis"]["heads"]) == expected["current"]
        info, lost = (proven(stage, stage.old, copy) for copy in ("live", "lost"))
    assert [each["diagnosis"]["cause"] for each in (info, lost)] == ["none", "not_recorded"]
    for each in (info, lost):
        assert each["diagnosis"]["proven"] and sorted(each["diagnosis"]["heads"]) == expected["current"]


def proven(stage: Stage, release: Application, copy: str) -> dict[str, t.Any]:
    """What alembic_info says, with the whole chain built on a scratch database."""
    proof = {
        "history": "proven",
        "cache_path": str(stage.path / "replays"),
        "login_url": stage.admin(copy)["login_url"],
    }
    return call("alembic_info", {**stage.params(release, copy), **proof})


def rehearses(stage: Stage) -> dict[str, dict[str, t.Any]]:
    """Give the verdicts; what the old release demands is what its bridge told."""
    live_release(stage.path / "srv", stage.params(stage.old, "live"), "alembic_info")
    before = stage.facts("live"), stage.everything("live")
    params = {**stage.params(stage.new, "live"), **stage.admin("live"), "path": str(stage.path / "srv")}
    result = call("migration_rehearse", {**params, "framework": "alembic"})
    assert (stage.facts("live"), stage.everything("live")) == before, "production was touched"
    (stage.path / "rehearsal.json").write_text(json.dumps(result, indent=1))
    return {verdict["migration"]: verdict for verdict in result["verdicts"]}


def upgrades(stage: Stage, revisions: list[str]) -> None:
    """Ends as Alembic's own upgrade does, in catalog and rows."""
    done = call("alembic_upgrade", {**stage.params(stage.new, "live"), "revision": "heads"})
    assert [one["id"] for one in done["applied"]] == revisions and done["pending"] == []
    stage.new.upgrade(stage.url("twin"))
    assert stage.facts("live") == stage.facts("twin")
    assert stage.everything("live") == stage.everything("twin")
    again = call("alembic_upgrade", {**stage.params(stage.new, "live"), "revision": "heads"})
    assert not again["changed"]
