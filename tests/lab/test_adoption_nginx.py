# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation is adopted with deploy_web_server: nginx, deployed to, brought back and booted (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.lab import faults
from tests.lab.adopted import OLD, PAPERS, install_by_hand
from tests.lab.stage import LabStage, lab_stage
from tests.lab.test_adoption import RATE, papers, wait_for

pytestmark = pytest.mark.long

SITE = "/etc/nginx/sites-enabled/shop"


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host with an installation made by hand, whose inventory says what the plan of its adoption says."""
    with lab_stage() as scene:
        install_by_hand(scene)
        scene.changes = {"deploy_web_server": "nginx", "deploy_nginx_template": ""}
        wait_for(scene, "1")
        yield scene


def test_a_second_site_is_refused_before_anything_is_touched(stage: LabStage) -> None:
    before = stage.hosts["app1"].run("md5sum /etc/nginx/sites-enabled/*; ls /srv").stdout
    refused = stage.run("adopt.yml", 1, adopt_unit="shop", deploy_nginx_template="nginx.j2")
    assert refused.rc != 0 and "a site of its own beside the one that is adopted" in " ".join(refused.stdout.split())
    assert stage.hosts["app1"].run("md5sum /etc/nginx/sites-enabled/*; ls /srv").stdout == before


def test_it_is_taken_over_and_handed_over_without_a_failed_request(stage: LabStage) -> None:
    with stage.traffic(RATE) as traffic:
        adopted = stage.run("adopt.yml", 1, adopt_unit="shop")
    traffic.told("adopt with nginx")
    assert adopted.rc == 0, adopted.stdout[-5000:]
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert "proxy_pass http://unix:/run/shop/web.sock;" in stage.hosts["app1"].read(SITE)
    assert "deploy_nginx_template:" in adopted.stdout
    with stage.traffic(RATE) as traffic:
        deployed = stage.run("deploy.yml", 2)
    traffic.told("nginx, adopted -> 2")
    assert deployed.rc == 0, deployed.stdout[-5000:]
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.ended.versions) == {"2"} and papers(stage) == PAPERS


def test_it_goes_back_and_comes_back_after_a_boot(stage: LabStage) -> None:
    with stage.traffic(RATE) as traffic:
        back = stage.run("rollback.yml", 2, deploy_database_compatible=True)
    traffic.told("nginx, 2 -> adopted")
    assert back.rc == 0, back.stdout[-5000:]
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    faults.reboot(stage.hosts["app1"])
    wait_for(stage, "1")
    assert stage.version()["directory"] == OLD and papers(stage) == PAPERS
