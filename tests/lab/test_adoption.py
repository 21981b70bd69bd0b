# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that serves from a checkout is taken over, deployed to and brought back, with customers outside (control node)."""

from __future__ import annotations

import json
import time
import typing as t

import pytest

from tests.lab import faults
from tests.lab.adopted import OLD, PAPERS, install_by_hand
from tests.lab.stage import PATH, LabStage, lab_stage
from tests.support import shop
from tests.support.load import request

RATE = 300
SECRETS = ("secret_key", "password")


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host and install the print shop by hand."""
    with lab_stage() as scene:
        install_by_hand(scene)
        shop.fill(scene.url(), 5_000, 100)
        wait_for(scene, "1")
        yield scene


def wait_for(stage: LabStage, release: str) -> None:
    """Wait until a release serves; fails when it never does."""
    deadline = time.monotonic() + 60
    while stage.serving() != release and time.monotonic() < deadline:
        time.sleep(0.2)
    assert stage.serving() == release


def adopted_release(stage: LabStage) -> str:
    """Name the release that the installation has become."""
    (release,) = [name for name, manifest in stage.manifests().items() if manifest["source"]["kind"] == "adopted"]
    return release


def papers(stage: LabStage) -> int:
    """Count the uploaded files that nginx still gives out."""
    (name,) = stage.app
    answers = [
        request(f"http://{stage.hosts[name].address}", "GET", f"/media/papers/{number}.txt")
        for number in range(1, PAPERS + 1)
    ]
    return sum(answer.status == 200 and answer.body.startswith(b"paper ") for answer in answers)


def test_the_plan_is_shown_and_changes_nothing(stage: LabStage) -> None:
    host = stage.hosts["app1"]
    before = host.run(
        "md5sum /etc/nginx/sites-enabled/shop; systemctl list-units --plain --no-legend 'shop*'; ls /srv"
    ).stdout
    result = stage.run("adopt.yml", 1, "--check", adopt_unit="shop.service")
    after = host.run(
        "md5sum /etc/nginx/sites-enabled/shop; systemctl list-units --plain --no-legend 'shop*'; ls /srv"
    ).stdout
    plan = " ".join(result.report)
    assert result.rc == 0, result.stdout
    assert after == before
    assert f"Found:   shop.service, runs as shop: {OLD}/venv/bin/gunicorn" in plan
    assert "listens on 127.0.0.1:8000" in plan and "shop-worker.service (worker), as unit worker" in plan
    assert f"proxy_pass http://unix:{PATH}/run/web.sock;" in plan and f"alias {PATH}/static/" in plan
    assert all(getattr(stage, name) not in result.stdout for name in SECRETS)


def test_it_is_taken_over_without_a_stop(stage: LabStage) -> None:
    host = stage.hosts["app1"]
    with stage.traffic(RATE) as traffic:
        adopted = stage.run("adopt.yml", 1, adopt_path=OLD)
    traffic.told("adopt")
    assert adopted.rc == 0, adopted.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    again = stage.run("adopt.yml", 1, adopt_path=OLD)
    assert (again.rc, again.changed) == (0, 0), again.stdout
    stands, first = stage.look(), adopted_release(stage)
    manifest = stands.manifests[first]
    assert stands.current.endswith(first) and not stands.locked
    assert manifest["result"] == "good" and manifest["source"]["location"] == OLD
    assert [unit["unit"] for unit in manifest["units"]] == ["web", "shop", "worker"]
    told = host.run(f"readlink {OLD}/media; ls {PATH}/shared/media/papers | wc -l").stdout.split()
    assert told == [f"{PATH}/shared/media", str(PAPERS)]
    assert papers(stage) == PAPERS and stage.version()["directory"] == OLD


def test_the_first_deploy_hands_over_and_ends_the_old_units(stage: LabStage) -> None:
    host = stage.hosts["app1"]
    with stage.traffic(RATE) as traffic:
        deployed = stage.run("deploy.yml", 2)
    traffic.told("adopted -> 2")
    assert deployed.rc == 0, deployed.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.ended.versions) == {"2"} and papers(stage) == PAPERS
    states = host.run("systemctl is-active shop.service shop-worker.service", check=False).stdout.split()
    assert states == ["inactive"] * 2
    host.run(f"ls /etc/systemd/system/shop.service {OLD}/manage.py")
    assert "let go" not in stage.run("adopt.yml", 2, adopt_state="absent").stdout
    assert stage.serving() == "2"


def test_the_way_back_leads_to_the_old_installation(stage: LabStage) -> None:
    host = stage.hosts["app1"]
    with stage.traffic(RATE) as traffic:
        back = stage.run("rollback.yml", 2, deploy_database_compatible=True)
    traffic.told("2 -> adopted")
    assert back.rc == 0, back.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.ended.versions) == {"1"} and stage.version()["directory"] == OLD
    assert stage.look().current.endswith(adopted_release(stage))
    assert host.run("systemctl is-enabled shop.service shop-worker.service").stdout.split() == ["enabled"] * 2


def test_the_old_installation_comes_back_after_a_boot(stage: LabStage) -> None:
    faults.reboot(stage.hosts["app1"])
    wait_for(stage, "1")
    assert stage.version()["directory"] == OLD and papers(stage) == PAPERS


def test_values_of_the_environment_stay_on_the_host(stage: LabStage) -> None:
    told = stage.log.read_text() + json.dumps([stage.journal(), stage.manifests()])
    assert all(getattr(stage, name) not in told for name in SECRETS)
