# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys of real applications with Alembic, from an old release to a new one (control node)."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.support.real_alembic import CASES, KINDS, releases
from tests.support.real_applications import interpreter
from tests.support.visits import recorded
from tests.support.whole_real import RealWhole, real

#: What the deploy has to decide, from the verdicts of all revisions that are pending.
STRATEGIES = {"ckan": "maintenance", "keystone": "online", "pgadmin": "maintenance"}


@pytest.fixture(params=sorted(KINDS))
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RealWhole]:
    """Leave the choice of the strategy to the deploy."""
    for release in releases(request.param):
        if not interpreter(release.pythons):
            pytest.skip(f"{request.param} {release.version} needs Python {' or '.join(release.pythons)}")
    with real(tmp_path_factory.mktemp(request.param), request.param) as scene:
        scene.changes = {"deploy_strategy": None, "deploy_rehearsal": None, "deploy_force_online": None}
        yield scene


@pytest.mark.long
def test_from_an_old_release_to_a_new_one(app: RealWhole) -> None:
    name = app.scene.of.name
    expected, strategy = json.loads((CASES / f"{name}.json").read_text()), STRATEGIES[name]
    app.live(1)
    assert recorded(app.scene.url) == sorted(expected["current"])
    databases = app.scene.databases()
    with app.traffic() as traffic:
        result = app.run(2)
    print("\n".join(result.report))
    traffic.told(f"{name} 1 -> 2")
    assert result.rc == 0 and f"Strategy:     {strategy}:" in result.stdout, result.stdout
    assert app.serving() == "2" and recorded(app.scene.url) == sorted(expected["heads"])
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert app.scene.databases() == databases
    if strategy == "online":
        assert traffic.report.failed == 0, traffic.report.failures
        back = app.run(2, name="rollback.yml")
        assert back.rc == 0 and app.serving() == "1", back.stdout
