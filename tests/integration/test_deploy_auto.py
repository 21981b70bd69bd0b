# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys that choose their strategy themselves, from what a rehearsal showed (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.whole import Whole, whole

REHEARSED = {"deploy_strategy": "auto", "deploy_rehearsal": "auto", "deploy_force_online": False}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Whole]:
    """Leave the choice to the deploy."""
    with whole(tmp_path_factory.mktemp("auto")) as scene:
        scene.changes = {**REHEARSED, "deploy_ready_timeout": 30}
        yield scene


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Whole]:
    """Have another stage, on which columns are dropped."""
    with whole(tmp_path_factory.mktemp("later")) as scene:
        scene.changes = {**REHEARSED, "deploy_ready_timeout": 30}
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


def test_rehearse_tells_how_a_deploy_would_run_and_leaves_nothing(shop: Whole) -> None:
    shop.live(2)
    stands, there = shop.footprint(), sorted(shop.manifests())
    would = shop.run(8, name="rehearse.yml")
    refused = shop.run(7, name="rehearse.yml", deploy_strategy="online")
    stop = shop.run(7, name="rehearse.yml")
    assert would.rc == 0 and "would run online, and hold back accounts.0003_remove_user_google_id" in would.stdout, (
        would.stdout
    )
    assert refused.rc != 0 and "strategy is 'online', and that is not possible" in refused.stdout, refused.stdout
    assert stop.rc == 0 and "would run in maintenance" in stop.stdout and "db_default" in stop.stdout, stop.stdout
    assert shop.footprint() == stands and sorted(shop.manifests()) == there and not shop.locked()


@pytest.mark.long
def test_online_is_refused_with_the_reason(shop: Whole) -> None:
    shop.live(2)
    stands = shop.footprint()
    result = shop.run(7, deploy_strategy="online")
    assert result.rc != 0
    assert "strategy is 'online', and that is not possible: orders.0004_order_priority is blocking" in result.stdout
    assert "deploy_force_online" in " ".join(result.report) and shop.footprint() == stands


@pytest.mark.long
def test_what_fails_on_rows_is_found_before_anything_is_touched(shop: Whole) -> None:
    shop.live(2)
    stands = shop.footprint()
    with shop.traffic() as traffic:
        result = shop.run(4)
    traffic.told("auto 2 -> 4")
    assert result.rc != 0 and "Rehearse the migrations on the data" in result.stdout, result.stdout
    told = " ".join(result.report)
    assert "orders.0004_order_reference failed" in told and "with the data of a backup" in told, result.report
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert shop.footprint() == stands


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


def columns(shop: Whole) -> set[str]:
    found = shop.scene.postgres.execute(
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'", "shop"
    )
    return {name for (name,) in found}


@pytest.mark.long
def test_an_unfit_release_goes_and_its_columns_stay(later: Whole) -> None:
    later.live(2)
    version = unfit_with_a_column(later)
    with later.traffic() as traffic:
        result = later.run(3, deploy_version=version, deploy_ready_timeout=8)
    traffic.told("auto 2 -> 3b, failed")
    told = " ".join(result.report)
    assert result.rc != 0 and "orders.0004_colour" in told, result.stdout
    assert "The database is left so, since the old release works with it" in told, told
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert later.serving() == "2" and "orders_order.colour" in columns(later)


def unfit_with_a_column(shop: Whole) -> str:
    """Add a release whose migration is harmless and whose health check fails."""
    repository = shop.scene.repository
    repository.git("checkout", "--quiet", repository.tag(3))
    migration = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [migrations.AddField("order", "colour", models.TextField(null=True))]
"""
    models = (repository.path / "orders" / "models.py").read_text()
    coloured = models.replace("    note =", "    colour = models.TextField(null=True)\n    note =")
    repository.change({"orders/migrations/0004_colour.py": migration, "orders/models.py": coloured}, "Unfit", "r3b")
    return "r3b"


@pytest.mark.long
def test_what_the_old_release_uses_waits_until_it_is_gone(later: Whole) -> None:
    later.live(2)
    with later.traffic() as traffic:
        held = later.run(8)
        there = columns(later)
        again = later.run(8)
        following = later.run(8, deploy_version=without_nickname(later))
        last = columns(later)
        at_once = later.run(8, deploy_version="r8c", deploy_contract="after")
    traffic.told("auto 2 -> 8 -> 8 -> 8b -> 8b")
    assert held.rc == 0 and "Strategy:     online" in held.stdout, held.stdout
    assert "Held back: accounts.0003_remove_user_google_id" in held.stdout and "accounts_user.google_id" in there
    assert again.rc == 0 and "Nothing to do" in again.stdout, again.stdout
    assert following.rc == 0 and "Held back: accounts.0004_remove_user_nickname" in following.stdout, following.stdout
    assert "accounts_user.google_id" not in last and "accounts_user.nickname" in last
    assert at_once.rc == 0 and "accounts_user.nickname" not in columns(later), at_once.stdout
    assert later.manifests()[later.directory()]["held_back"] == []
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures


def without_nickname(shop: Whole) -> str:
    """Add a release that drops another column."""
    repository = shop.scene.repository
    repository.git("checkout", "--quiet", repository.tag(8))
    migration = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_remove_user_google_id")]
    operations = [migrations.RemoveField("user", "nickname")]
"""
    models = (repository.path / "accounts" / "models.py").read_text()
    kept = "".join(line for line in models.splitlines(keepends=True) if "nickname" not in line)
    repository.change(
        {"accounts/migrations/0004_remove_user_nickname.py": migration, "accounts/models.py": kept},
        "No nickname",
        "r8c",
    )
    return "r8c"


@pytest.mark.long
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
        result = shop.run(7, deploy_version="r8b", deploy_force_online=True)
    traffic.told("online against the verdict, 7 -> 8b")
    assert result.rc == 0, result.stdout
    assert traffic.report.failed > 0 and traffic.lost == []
