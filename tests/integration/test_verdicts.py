# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of a verdict on a real PostgreSQL: the verdict is what the two releases really do (control node)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._schema._compatibility import NEEDED
from ansible_collections.seamless.deploy.plugins.module_utils._schema._verdict import judge, online

from tests.cases.verdicts import CASES
from tests.cases.verdicts.form import Case
from tests.support.postgres import EmbeddedPostgres
from tests.support.verdicts import Trial, demands, production, trial


@pytest.fixture(scope="module", params=[18, pytest.param(16, marks=pytest.mark.long)])
def stage(request: pytest.FixtureRequest) -> t.Iterator[tuple[int, Trial]]:
    """Give one database of PostgreSQL 18, then one of 16."""
    server: EmbeddedPostgres = request.getfixturevalue("postgres" if request.param == 18 else "postgres16")
    server.execute("CREATE DATABASE verdict_cases")
    try:
        with trial(lambda: server.connect("verdict_cases")) as opened:
            yield request.param, opened
    finally:
        server.drop_database("verdict_cases")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict_is_what_really_happens(stage: tuple[int, Trial], case: Case) -> None:
    version, opened = stage
    if version < case.since:
        pytest.skip(f"PostgreSQL {case.since} and newer")
    truth, evidence = opened.run(case)
    old, new = (demands(release, name, case.framework) for name, release in (("1", case.old), ("2", case.new)))

    verdict = judge(evidence, production(case, evidence.before), old, new)

    said = "\n".join(f"{each.object}: {each.evidence} {each.remedy}" for each in verdict.findings)
    assert verdict.compatibility == case.expected, f"{said}\n{truth}"
    assert not case.proven or truth.word == case.expected, truth
    assert verdict.impact["stalls"] is case.stalls, said
    assert bool(online(verdict)) is (case.stalls or case.expected in ("blocking", "inconclusive"))
    # What is said to be read from end to end really was; outside of a transaction nobody can tell.
    if all(isinstance(part, list) for part in case.migration):
        assert set(verdict.impact["scans"]) <= set(evidence.scanned), said
    assert [words for words in case.says if words not in said] == [], said
    needed = [each for each in verdict.findings if each.evidence.startswith(NEEDED)]
    assert len(needed) == (case.expected == "expand"), said
    assert verdict.findings or case.expected == "either"
    assert not case.silent or verdict.findings == needed, said
