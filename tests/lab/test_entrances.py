# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each entrance with what it promises: a handover under load, a failing release, a boot, what is refused (control node)."""

from __future__ import annotations

import http.client
import json
import pathlib
import threading
import time
import typing as t

import pytest

from tests.lab import faults
from tests.lab.look import Traffic
from tests.lab.look import traffic as traffic_to
from tests.lab.stage import LabStage, lab_stage
from tests.support.load import request
from tests.support.load_process import LoadProcess

RATE = 300
MORE = [pytest.param(kind, marks=pytest.mark.long) for kind in ("upstream", "activation", "port")]
KINDS = ["link", *MORE]
ROLE = pathlib.Path(__file__).resolve().parents[2] / "roles" / "entrance"
# As nginx's user, as the application's, and as nobody in particular.
CONNECT = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
socket.socket(socket.AF_UNIX).connect(sys.argv[3])
"""


@pytest.fixture(scope="module", params=KINDS)
def stage(request: pytest.FixtureRequest) -> t.Iterator[LabStage]:
    """Boot one host whose nginx the deploy sets up."""
    with lab_stage(entrance=request.param if request.param != "link" else "nginx") as scene:
        scene.changes.update(deploy_entrance=request.param, deploy_web_server="nginx", deploy_listen="0.0.0.0:8000")
        scene.live(1)
        yield scene


def kind_of(stage: LabStage) -> str:
    return str(stage.changes["deploy_entrance"])


def deploy(stage: LabStage, release: int, what: str, **changes: t.Any) -> tuple[t.Any, Traffic]:
    # A port is asked as it is, the others through nginx.
    port = ":8000" if kind_of(stage) == "port" else ""
    load = LoadProcess(
        [f"http://{stage.hosts['app1'].address}{port}"], 24, 6, RATE, max_seconds=600, max_requests=200_000
    )
    with traffic_to(stage.url(), load, 3, 3) as traffic:
        result = stage.run("deploy.yml", release, **changes)
    traffic.told(f"{kind_of(stage)}: {what}")
    return result, traffic


def may_connect(stage: LabStage, user: str, path: str) -> bool:
    host = stage.hosts["app1"]
    uid, gid = (host.run(f"id {flag} {user}").stdout.strip() for flag in ("-u", "-g"))
    return host.run(f"python3 - {uid} {gid} {path}", stdin=CONNECT, check=False).returncode == 0


@pytest.mark.long
def test_no_request_fails_when_a_release_is_handed_over(stage: LabStage) -> None:
    stage.live(1)
    result, traffic = deploy(stage, 2, "1 -> 2")
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert stage.serving() == "2" and set(traffic.ended.versions) == {"2"}
    look = stage.look()
    assert look.processes == [stage.directory()], "the old release has not ended"


@pytest.mark.long
def test_a_release_that_is_not_healthy_leaves_the_old_one_serving(stage: LabStage) -> None:
    stage.live(2)
    before = stage.footprint()
    result, traffic = deploy(stage, 3, "2 -> 3, which fails", deploy_ready_timeout=8)
    assert result.rc != 0 and "the printer queue does not answer" in result.stdout, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert stage.footprint() == before and stage.serving() == "2"


def test_the_right_release_comes_back_after_a_boot(stage: LabStage) -> None:
    release, directory = stage.serving(), stage.directory()
    faults.reboot(stage.hosts["app1"])
    deadline = time.monotonic() + 30
    while not stage.serving() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert (stage.serving(), stage.directory()) == (release, directory)
    faults.crash(stage.hosts["app1"])
    faults.boot(stage.hosts["app1"])
    while not stage.serving() and time.monotonic() < deadline + 60:
        time.sleep(0.2)
    assert stage.directory() == directory


def test_nginx_and_nobody_else_reaches_the_sockets(stage: LabStage) -> None:
    seen = stage.hosts["app1"].run("stat -c '%a %U %G' /run/shop").stdout.strip()
    assert seen == "2750 shop www-data"
    # The entrance is a link or a socket of systemd, or, where nginx is told the way, the release's own socket alone.
    sockets = stage.hosts["app1"].run("ls /run/shop/*.sock").stdout.split()
    assert sockets
    for path in sockets:
        assert may_connect(stage, "www-data", path), path
        assert not may_connect(stage, "nobody", path) and not may_connect(stage, "deployer", path), path


def test_the_port_leads_to_the_entrance(stage: LabStage) -> None:
    if kind_of(stage) != "port":
        pytest.skip("only where the entrance is a port")
    asked = stage.hosts["app1"].run("curl -s -H 'Host: localhost' http://127.0.0.1:8000/version/").stdout
    assert str(json.loads(asked)["release"]) == stage.serving()


@pytest.mark.long
def test_a_stop_shows_the_page(stage: LabStage) -> None:
    """The page is there from before the stop until the new release is proven."""
    stage.live(2)
    seen: list[tuple[int, str, str]] = []
    done = threading.Event()
    address = stage.hosts["app1"].address

    def look() -> None:
        while not done.is_set():
            connection = http.client.HTTPConnection(address, timeout=30)
            connection.request("POST", "/orders/", "{}", {"Host": "localhost"})
            answer = connection.getresponse()
            seen.append((answer.status, answer.getheader("Retry-After", ""), answer.read(4000).decode()))
            connection.close()
            time.sleep(0.1)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        result = stage.run("deploy.yml", 7, deploy_strategy="maintenance")
    finally:
        done.set()
        watcher.join()
    assert result.rc == 0, result.stdout
    pages = [page for page in seen if page[0] == 503]
    assert pages and all(page[1] == "60" and "Back in a moment" in page[2] for page in pages)
    assert {page[0] for page in seen} == {400, 503}, "what was asked outside of the page and the application?"
    assert seen[-1][0] == 400 and stage.serving() == "7"
    assert not stage.hosts["app1"].run("test -e /srv/shop/maintenance/on", check=False).returncode == 0
    stage.take_back_columns()


@pytest.mark.long
@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("nonsense on;", 'unknown directive "nonsense"'),
        ("", "keepalive 16"),
    ],
    ids=["refused by nginx", "keeps connections"],
)
def test_a_site_that_cannot_work_is_taken_back(stage: LabStage, tmp_path: pathlib.Path, extra: str, told: str) -> None:
    if kind_of(stage) not in ("link", "activation"):
        pytest.skip("the site of these entrances is another one")
    stage.live(2)
    text = (ROLE / "templates" / "nginx.j2").read_text()
    if extra:
        text = text.replace("proxy_redirect off;", extra)
    else:
        text = "upstream kept { server unix:/run/shop/web.sock; keepalive 16; }\n" + text
        text = text.replace("{{ __entrance_sockets | first }}", "").replace("http://unix:;", "http://kept;")
        text = text.replace("Connection ${{ __entrance_word }}_connection", 'Connection ""')
    template = tmp_path / "site.j2"
    template.write_text(text)
    before = stage.footprint(), stage.hosts["app1"].run("cat /etc/nginx/sites-available/shop.conf").stdout
    result = stage.run("deploy.yml", 5, deploy_nginx_template=str(template))
    assert result.rc != 0 and told in result.stdout, result.stdout
    assert (stage.footprint(), stage.hosts["app1"].run("cat /etc/nginx/sites-available/shop.conf").stdout) == before
    stage.hosts["app1"].run("nginx -t")


@pytest.mark.long
def test_a_directory_that_nginx_may_not_enter_is_found_before_anything_is_switched(stage: LabStage) -> None:
    if kind_of(stage) != "link":
        pytest.skip("the same for all")
    stage.live(2)
    stage.hosts["app1"].run("install -d -o shop -m 0700 /srv/private")
    before = stage.footprint()
    result = stage.run("deploy.yml", 5, deploy_socket_dir="/srv/private/run")
    assert result.rc != 0, result.stdout
    assert "nginx runs as www-data and may not enter directory /srv/private (mode 0700" in result.stdout, result.stdout
    assert stage.footprint() == before


@pytest.mark.long
def test_a_full_run_is_found_before_anything_is_switched(stage: LabStage) -> None:
    if kind_of(stage) != "link":
        pytest.skip("the same for all")
    stage.live(2)
    serving = stage.directory()
    with faults.fill(stage.hosts["app1"], "/run/shop"):
        result = stage.run("deploy.yml", 5)
    assert result.rc != 0 and "no space left in /run/shop of deploy_socket_dir" in result.stdout, result.stdout
    assert stage.directory() == serving


@pytest.mark.long
def test_the_application_works_under_its_hardened_unit(stage: LabStage) -> None:
    """Each line of the template holds, and uploads, logs and the worker go on."""
    if kind_of(stage) != "link":
        pytest.skip("the same for all")
    stage.live(2)
    host = stage.hosts["app1"]
    made = request(f"http://{host.address}", "POST", "/orders/", {"token": "hardened", "phone_number": "1"}).json()
    upload = "head -c 5000000 /dev/zero >/tmp/big; curl -s -H 'Host: localhost' -F file=@/tmp/big"
    name = (
        host.run(f"{upload} http://127.0.0.1/orders/{made['id']}/documents/").stdout.split('"name": "')[1].split('"')[0]
    )
    served = host.run(
        f"curl -s -o /dev/null -w '%{{http_code}} %{{size_download}}' http://127.0.0.1/media/{name}"
    ).stdout
    assert served == "200 5000000"
    deadline = time.monotonic() + 20
    waiting = "SELECT count(*) FROM orders_printjob WHERE printed_at IS NULL"
    while stage.execute(waiting) != [(0,)] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert stage.execute(waiting) == [(0,)], "the worker does not print"
    unit = f"shop-web-{stage.directory()}.service"
    assert "Listening at" in host.run(f"journalctl -u {unit} --no-pager").stdout
    pid = host.run(f"systemctl show -p MainPID --value {unit}").stdout.strip()
    status = host.run(f"cat /proc/{pid}/status").stdout
    assert "NoNewPrivs:\t1" in status and "CapBnd:\t0000000000000000" in status
    for path, writable in (("/etc", False), ("/srv/shop/.deploy", False), ("/srv/shop/shared/media", True)):
        tried = host.run(f"nsenter -m -t {pid} touch {path}/.tried", check=False)
        assert (tried.returncode == 0) is writable, (path, tried.stderr)
    print(host.run(f"systemd-analyze security {unit} --no-pager | tail -1", check=False).stdout)
