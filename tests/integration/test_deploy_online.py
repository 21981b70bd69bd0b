# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys online: nobody notices one that succeeds, nor one that fails (control node)."""

from __future__ import annotations

import secrets
import typing as t

import pytest

from tests.support.whole import Whole, listing, whole


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Whole]:
    """Keep two releases only, so that pruning has something to do."""
    with whole(tmp_path_factory.mktemp("online")) as scene:
        scene.changes = {"deploy_strategy": "online", "deploy_keep_releases": 2, "deploy_ready_timeout": 30}
        yield scene


def test_check_mode_on_an_empty_host_makes_nothing(shop: Whole) -> None:
    empty = shop.scene.base / "empty"
    url = shop.scene.postgres.create_database("empty", "empty", secrets.token_hex(8))
    environment = {"SECRET_KEY": "x", "DATABASE_URL": url}
    before = listing(shop.scene.supervisor.include_dir)
    result = shop.run(1, "--check", "--diff", deploy_path=str(empty), deploy_environment=environment)
    assert result.rc == 0, result.stdout
    assert not empty.exists()
    assert listing(shop.scene.supervisor.include_dir) == before
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert shop.scene.postgres.execute(tables, "empty") == [(0,)]
    assert "orders/migrations/0001_initial.py" in result.stdout, result.stdout


def test_a_release_with_migrations_goes_live(shop: Whole) -> None:
    shop.live(1)
    old, files = shop.directory(), shop.pages_static_files()
    with shop.traffic() as traffic:
        result = shop.run(2)
    traffic.told("online 1 -> 2")
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.report.versions) == {"1", "2"}
    assert set(traffic.ended.versions) == {"2"}
    new = shop.directory()
    stands = shop.footprint()
    assert new != old and stands.serving == "2"
    assert stands.processes == [new]
    assert [line.partition(new)[2] for line in stands.programs] == [" RUNNING", " RUNNING"]
    assert stands.sockets == [f"web-{new}.sock", "web.sock"]
    assert all(new in name for name in stands.definitions) and len(stands.definitions) == 2
    assert shop.pages_static_files() != files
    assert shop.unpublished(files + shop.pages_static_files()) == []
    assert shop.last()["detail"]["result"] == "succeeded"


def test_the_same_version_again_changes_nothing(shop: Whole) -> None:
    shop.live(2)
    before = shop.footprint()
    result = shop.run(2)
    assert (result.rc, result.changed) == (0, 0), result.stdout
    assert shop.footprint() == before
    assert shop.last()["detail"]["result"] == "unchanged" and not shop.locked()


def test_the_same_version_again_starts_what_somebody_has_stopped(shop: Whole) -> None:
    shop.live(2)
    supervisor = shop.scene.supervisor
    stopped = [line.split()[0] for line in supervisor.ctl("status").stdout.splitlines() if "RUNNING" in line]
    assert stopped
    supervisor.ctl("stop", "all")
    assert shop.serving() == ""
    result = shop.run(2)
    assert result.rc == 0 and "Started:" in result.stdout, result.stdout
    assert shop.serving() == "2"
    running = [line.split()[0] for line in supervisor.ctl("status").stdout.splitlines() if "RUNNING" in line]
    assert running == stopped
    assert shop.last()["detail"]["result"] == "unchanged" and not shop.locked()


def test_check_mode_shows_the_plan_and_touches_nothing(shop: Whole) -> None:
    shop.live(2)
    watched = (shop.root, shop.scene.supervisor.include_dir)
    # The application itself goes on writing its log.
    before, stands = listing(*watched, without={"log"}), shop.footprint()
    result = shop.run(7, "--check", "--diff")
    assert result.rc == 0, result.stdout
    assert "orders/migrations/0004_order_priority.py" in result.stdout
    assert "0003_orders_by_payment" not in result.stdout
    assert listing(*watched, without={"log"}) == before
    assert shop.footprint() == stands


FAILING = {
    3: "the printer queue does not answer",
    4: "migration orders.0004_order_reference failed in operation 3 of 3",
    6: "No module named 'shop.tracing'",
}


@pytest.mark.parametrize(
    # To the requests, one that is not healthy or whose migration fails is one that crashes.
    "release",
    [pytest.param(each, marks=pytest.mark.long) if each in (3, 4) else each for each in FAILING],
)
def test_nobody_notices_a_release_that_fails(shop: Whole, release: int) -> None:
    shop.live(2)
    before = shop.footprint()
    with shop.traffic() as traffic:
        result = shop.run(release, deploy_ready_timeout=8)
    traffic.told(f"online 2 -> {release}, failed")
    assert result.rc != 0
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.report.versions) == {"2"}
    assert shop.footprint() == before
    assert FAILING[release] in " ".join(result.report)
    assert f"release {shop.directory()} serves and is healthy" in " ".join(result.report)
    end = shop.last()
    assert end["detail"]["result"] == "rolled_back" and not shop.locked()
    assert FAILING[release] in end["detail"]["reason"]
    assert shop.manifests()[end["detail"]["release"]]["result"] == "rejected"


@pytest.mark.long
def test_a_new_dependency_and_pruning_after_failures(shop: Whole) -> None:
    shop.live(2)
    good = shop.directory()
    with shop.traffic() as traffic:
        result = shop.run(5)
    traffic.told("online 2 -> 5")
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    told = shop.version()
    assert told["release"] == 5 and told["dependency"].startswith("papersizes 1.")
    assert told["directory"] == told["prefix"].removesuffix("/.venv")
    # However many deploys have failed since: the live one and the last good one are those that stay.
    live = shop.directory()
    assert list(shop.manifests()) == sorted([good, live]) and shop.manifests()[good]["result"] == "good"
    assert shop.footprint().processes == [live]
