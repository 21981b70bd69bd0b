# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stops an adoption, the way back out of one, and a port that is taken over with a stop (control node)."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest

from tests.lab.adopted import OLD, PAPERS, install_by_hand
from tests.lab.look import traffic
from tests.lab.stage import PATH, LabStage, lab_stage
from tests.lab.test_adoption import RATE, papers, wait_for
from tests.support.load_process import LoadProcess

FOOTPRINT = (
    "cat /etc/nginx/sites-enabled/shop; ls -l /opt/shop | grep -v total; ls /etc/systemd/system; "
    "systemctl is-active shop shop-worker; systemctl is-enabled shop shop-worker; ls /srv/shop/releases /srv/shop/shared"
)

ANNOUNCED = re.compile(r"for about ([\d.]+) s nobody listens")
MEASURED = re.compile(r"Stopped: Nobody listened on \S+ for about ([\d.]+) s")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host on which the service can be reached past nginx too."""
    with lab_stage() as scene:
        install_by_hand(scene, bind="0.0.0.0:8000")
        wait_for(scene, "1")
        yield scene


def test_what_only_this_server_has_stops_it(stage: LabStage) -> None:
    host = stage.hosts["app1"]
    unit = "/etc/systemd/system/shop.service.d"
    host.run(
        f"touch {OLD}/orders/migrations/0002_by_hand.py && mkdir {unit} && "
        f"printf '[Service]\\nExecStartPre={OLD}/venv/bin/python manage.py migrate\\n' >{unit}/migrate.conf && systemctl daemon-reload"
    )
    try:
        refused = stage.run("adopt.yml", 1, "--check", adopt_unit="shop")
    finally:
        host.run(f"rm -r {OLD}/orders/migrations/0002_by_hand.py {unit} && systemctl daemon-reload")
    told = " ".join(refused.stdout.split())
    assert refused.rc != 0 and "Nothing was touched. 1 migration file is in this checkout and not in git" in told
    assert "orders/migrations/0002_by_hand.py" in told and "adopt_accept: [migrations_only_on_server]" in told
    assert "shop.service applies migrations when it starts" in told
    assert "listens on 0.0.0.0:8000, so that other hosts may reach it without nginx" in told


def test_an_adoption_is_let_go_and_all_is_as_it_was(stage: LabStage) -> None:
    host = stage.hosts["app1"]
    host.run(f"install -d -o shop {PATH} {PATH}/releases {PATH}/shared")
    before = host.run(FOOTPRINT, check=False).stdout
    with stage.traffic(RATE) as load:
        adopted = stage.run("adopt.yml", 1, adopt_unit="shop")
        moved = host.run(f"readlink {OLD}/media").stdout.strip()
        left = stage.run("adopt.yml", 1, adopt_state="absent")
    load.told("adopt, let go")
    assert (adopted.rc, left.rc) == (0, 0), adopted.stdout + left.stdout
    assert moved == f"{PATH}/shared/media" and papers(stage) == PAPERS
    assert (load.report.failed, load.lost) == (0, []), load.report.failures
    assert host.run(FOOTPRINT, check=False).stdout == before


def test_what_was_begun_is_finished_by_the_next_run(stage: LabStage) -> None:
    host = stage.hosts["app1"]
    host.run(f"install -d -o shop {PATH}/run && touch {PATH}/run/web.sock")
    failed = stage.run("adopt.yml", 1, adopt_unit="shop")
    assert failed.rc != 0 and "serves as before" in failed.stdout and "run adopt.yml" in failed.stdout, failed.stdout
    assert stage.serving() == "1" and papers(stage) == PAPERS and not stage.look().locked
    (begun,) = stage.manifests()
    host.run(f"rm {PATH}/run/web.sock")
    finished = stage.run("adopt.yml", 1, adopt_unit="shop")
    assert finished.rc == 0, finished.stdout
    assert stage.look().current == f"releases/{begun}" and stage.serving() == "1"
    assert "proxy_pass http://unix:" in host.read("/etc/nginx/sites-enabled/shop")
    left = stage.run("adopt.yml", 1, adopt_state="absent")
    assert left.rc == 0 and papers(stage) == PAPERS, left.stdout


def test_a_port_is_taken_over_with_a_stop_of_a_moment(stage: LabStage) -> None:
    host = stage.hosts["app1"]
    port = {"deploy_entrance": "port", "deploy_listen": "0.0.0.0:8000", "adopt_unit": "shop"}
    asked = stage.run("adopt.yml", 1, "--check", **port)
    assert asked.rc != 0 and "adopt_stop: true" in asked.stdout and stage.serving() == "1"
    assert ANNOUNCED.search(" ".join(asked.stdout.split())), asked.stdout
    planned = stage.run("adopt.yml", 1, "--check", adopt_stop=True, **port)
    assert planned.rc == 0 and any(line.startswith("STOPS:") for line in planned.report), planned.stdout
    direct = past_nginx(host.address)
    with traffic(stage.url(), direct, 3, 3) as load:
        adopted = stage.run("adopt.yml", 1, adopt_stop=True, **port)
    load.told("port taken over with a stop")
    assert adopted.rc == 0, adopted.stdout
    announced = [float(found) for found in ANNOUNCED.findall(" ".join(adopted.stdout.split()))]
    (measured,) = [float(found) for found in MEASURED.findall(" ".join(adopted.report))]
    print(f"announced {announced[0]} s, measured {measured} s")
    assert 0 < measured <= announced[0] <= 5
    assert load.lost == [] and load.ended.failed == 0 and load.report.failed < 100, load.report.failures
    states = host.run("systemctl is-active shop shop-web-port.socket", check=False).stdout.split()
    assert states == ["inactive", "active"]
    with traffic(stage.url(), past_nginx(host.address), 3, 3) as load:
        deployed = stage.run("deploy.yml", 2, deploy_entrance="port", deploy_listen="0.0.0.0:8000")
    load.told("port, adopted -> 2")
    assert deployed.rc == 0, deployed.stdout
    assert (load.report.failed, load.lost) == (0, []), load.report.failures
    assert set(load.ended.versions) == {"2"} and papers(stage) == PAPERS
    assert pathlib.PurePath(stage.version()["directory"]).parent == pathlib.PurePath(PATH, "releases")


def past_nginx(address: str) -> LoadProcess:
    """Send requests past nginx."""
    return LoadProcess(
        [f"http://{address}:8000"], readers=12, writers=3, rate=100, max_seconds=600, max_requests=100_000
    )
