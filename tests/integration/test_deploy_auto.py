# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys that choose their strategy themselves, from what a rehearsal showed (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.whole import Whole, whole


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Whole]:
    """Leave the choice to the deploy."""
    with whole(tmp_path_factory.mktemp("auto")) as scene:
        scene.changes = {"deploy_strategy": "auto", "deploy_ready_timeout": 30}
        yield scene


def test_what_the_old_release_can_live_with_goes_online(shop: Whole) -> None:
    shop.live(1)
    with shop.traffic() as traffic:
        result = shop.run(2)
    traffic.told("auto 1 -> 2")
    assert result.rc == 0, result.stdout
    report = result.stdout
    assert "Strategy:     online:" in report and "Rehearsal:    on a copy of the schema" in report, report
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert shop.footprint().serving == "2"


def test_what_it_cannot_live_with_stops_the_service_and_says_why(shop: Whole) -> None:
    shop.live(2)
    with shop.traffic() as traffic:
        result = shop.run(7)
    traffic.told("auto 2 -> 7")
    assert result.rc == 0, result.stdout
    report = result.stdout
    assert "Strategy:     maintenance:" in report and "is blocking" in report and "db_default" in report, report
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    stands = shop.footprint()
    assert stands.serving == "7" and stands.databases == ["postgres", "shop", "template0", "template1"]


def test_forced_online_against_the_verdict_it_really_fails_requests(shop: Whole) -> None:
    shop.scene.repository.git("checkout", "--quiet", shop.scene.repository.tag(7))
    migration = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("orders", "0004_order_priority")]
    operations = [migrations.AddField("order", "weight", models.IntegerField(default=0))]
"""
    models = (shop.scene.repository.path / "orders" / "models.py").read_text()
    shop.scene.repository.change(
        {
            "orders/migrations/0005_weight.py": migration,
            "orders/models.py": models.replace(
                "    priority =", "    weight = models.IntegerField(default=0)\n    priority ="
            ),
        },
        "Heavier",
        "r8b",
    )
    with shop.traffic() as traffic:
        result = shop.run(7, deploy_version="r8b", deploy_strategy="online")
    traffic.told("online against the verdict, 7 -> 8b")
    assert result.rc == 0, result.stdout
    assert traffic.report.failed > 0 and traffic.lost == []
