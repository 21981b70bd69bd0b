# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""service_restart and service_info against a real supervisord and a real gunicorn, under load (control node)."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from tests.support.load import EntranceConnection
from tests.support.module import finish_module, run_module, start_module
from tests.support.supervisor import Supervisor

APPLICATION = '''\
import os, pathlib, time, urllib.parse

RELEASE = pathlib.Path(__file__).parent.name

def application(environ, start_response):
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
    time.sleep(float(query.get("sleep", ["0"])[0]))
    health = pathlib.Path(__file__).with_name("health")
    status = health.read_text() if environ["PATH_INFO"] == "/health/" and health.exists() else "200 OK"
    body = f"{RELEASE} says {status}".encode()
    start_response(status, [("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
    return [body]
'''

WORKER = '''\
import os, pathlib, signal, sys, time

log = pathlib.Path(sys.argv[1])

def say(word):
    with log.open("a") as file:
        file.write(f"{time.monotonic():.3f} {pathlib.Path.cwd().name} {word}\\n")

def end(*_):
    time.sleep(0.5)
    say("ended")
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
say("began")
while True:
    time.sleep(0.05)
'''


class Shop:
    """Releases of a small application on one supervisord."""

    def __init__(self, base: pathlib.Path, supervisor: Supervisor) -> None:
        self.base = base / "shop"
        self.supervisor = supervisor
        self.run = self.base / "run"
        self.entrance = self.run / "web.sock"
        self.journal = self.base / "journal.jsonl"
        self.run.mkdir(parents=True)

    def release(self, name: str, health: str = "", application: str = APPLICATION) -> pathlib.Path:
        path = self.base / "releases" / name
        path.mkdir(parents=True)
        (path / "wsgi.py").write_text(application)
        (path / "worker.py").write_text(WORKER)
        if health:
            (path / "health").write_text(health)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(path / ".venv")], check=True)
        return path

    def define(self, name: str, release: str, command: str, **options: str) -> dict[str, t.Any]:
        """Write the definition of one unit; the options of service_restart that name it."""
        path = self.base / "releases" / release
        definition = self.supervisor.include_dir / f"{name}.conf"
        spec = importlib.util.find_spec("gunicorn")
        assert spec and spec.origin, "gunicorn is one of the tools that tests need"
        site = pathlib.Path(spec.origin).parents[1]
        lines = {
            "command": command,
            "directory": str(path),
            "environment": f'PYTHONPATH="{site}"',
            "autostart": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(self.base / f"{name}.log"),
            "stopasgroup": "false",
            "stopwaitsecs": "30",
            **options,
        }
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        definition.write_text(f"[program:{name}]\n{text}")
        return {
            "manager": "supervisor",
            "supervisor_config": str(self.supervisor.config),
            "name": name,
            "directory": str(path),
            "interpreter": str(path / ".venv" / "bin" / "python"),
            "definition": str(definition),
            "ready_timeout": 20,
            "journal": str(self.journal),
            "deploy_id": "d1",
        }

    def web(self, release: str, threads: int = 4, **options: str) -> dict[str, t.Any]:
        python = self.base / "releases" / release / ".venv" / "bin" / "python"
        sock = self.run / f"web-{release}.sock"
        command = f"{python} -m gunicorn --bind unix:{sock} --workers 2 --threads {threads} --no-control-socket wsgi:application"
        unit = self.define(f"shop-web-{release}", release, command, **options)
        return {**unit, "socket": str(sock), "entrance": str(self.entrance)}

    def worker(self, release: str, unit_class: str = "worker") -> dict[str, t.Any]:
        path = self.base / "releases" / release
        command = f"{path}/.venv/bin/python -u {path}/worker.py {self.base}/worker.log"
        return {**self.define(f"shop-worker-{release}", release, command), "unit_class": unit_class}

    def worker_log(self) -> list[str]:
        return [" ".join(line.split()[1:]) for line in (self.base / "worker.log").read_text().splitlines()]

    def records(self) -> list[dict[str, t.Any]]:
        return [json.loads(line) for line in self.journal.read_text().splitlines()] if self.journal.exists() else []


@pytest.fixture
def shop(short_dir: pathlib.Path, supervisor: Supervisor) -> Shop:
    return Shop(short_dir, supervisor)


def get(path: str | pathlib.Path, url: str = "/", timeout: float = 30) -> tuple[int, str]:
    connection = EntranceConnection(str(path), timeout)
    try:
        connection.request("GET", url, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def restart(params: dict[str, t.Any], check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    return run_module("service_restart", {**params, **more}, check)


def succeed(params: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    result = restart(params, **more)
    assert not result.get("failed"), result
    return result


class Traffic:
    """Requests through the entrance at a steady pace, each on a new connection."""

    def __init__(self, path: pathlib.Path, rate: int, threads: int = 4) -> None:
        self.path, self.pause = path, threads / rate
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _number in range(threads)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        following = time.monotonic()
        while not self._end.is_set():
            try:
                status, body = get(self.path)
                (self.answers if status == 200 else self.failures).append(body)
            except (OSError, http.client.HTTPException) as exc:
                self.failures.append(repr(exc))
            following += self.pause
            self._end.wait(max(0.0, following - time.monotonic()))


def test_a_unit_is_started_once_and_stopped_once(shop: Shop) -> None:
    shop.release("r1")
    web = shop.web("r1")
    assert restart(web, check=True)["changed"] and not (shop.run / "web-r1.sock").exists()
    started = succeed(web, state="started")
    assert started["changed"] and started["pid"] > 0 and started["measured"]["ready_seconds"] > 0
    assert get(web["socket"]) == (200, "r1 says 200 OK")
    assert not succeed(web, state="started")["changed"]
    assert succeed(web, state="stopped")["changed"]
    assert "autostart=false" in pathlib.Path(web["definition"]).read_text()
    assert not succeed(web, state="stopped")["changed"]
    assert succeed(web, state="started")["changed"]
    assert "autostart=true" in pathlib.Path(web["definition"]).read_text()
    assert succeed(web, state="absent")["changed"]
    assert not pathlib.Path(web["definition"]).exists()
    assert "r1" not in shop.supervisor.ctl("status").stdout
    assert not succeed(web, state="absent")["changed"]


def test_three_handovers_under_load_fail_no_request(shop: Shop) -> None:
    names = ["r1", "r2", "r3", "r4"]
    for name in names:
        shop.release(name)
    first = succeed(shop.web("r1"), state="handed_over")
    assert first["changed"] and first["measured"]["unserved_seconds"] is None
    with Traffic(shop.entrance, 200) as traffic:
        for old, new in zip(names, names[1:]):
            time.sleep(1)
            result = succeed(shop.web(new), state="handed_over", previous=f"shop-web-{old}")
            assert result["measured"]["unserved_seconds"] == 0.0
            assert result["drained"]["closed_at_limit"] == 0
        time.sleep(1)
    assert traffic.failures == []
    assert {answer.split()[0] for answer in traffic.answers} == set(names)
    print(f"requests={len(traffic.answers)} failed={len(traffic.failures)} last={result['measured']}")
    again = succeed(shop.web("r4"), state="handed_over", previous="shop-web-r3")
    assert not again["changed"]
    assert "STOPPED" in shop.supervisor.ctl("status", "shop-web-r3").stdout


def test_a_slow_request_completes_on_the_release_that_took_it(shop: Shop) -> None:
    shop.release("r1")
    shop.release("r2")
    succeed(shop.web("r1"), state="handed_over")
    slow: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: slow.append(get(shop.entrance, "/?sleep=5")))
    thread.start()
    wait_for_connection(shop)
    result = succeed(shop.web("r2"), state="handed_over", previous="shop-web-r1")
    thread.join()
    assert slow == [(200, "r1 says 200 OK")]
    assert get(shop.entrance) == (200, "r2 says 200 OK")
    assert result["drained"] == {"open_connections": 1, "closed_at_limit": 0}


def test_a_connection_open_at_the_limit_is_counted(shop: Shop) -> None:
    shop.release("r1")
    shop.release("r2")
    succeed(shop.web("r1"), state="handed_over")
    thread = threading.Thread(target=lambda: contextless(shop))
    thread.start()
    wait_for_connection(shop)
    result = succeed(
        shop.web("r2"), state="handed_over", previous="shop-web-r1", drain_timeout=1, stop_timeout=2
    )
    thread.join()
    assert result["drained"]["closed_at_limit"] == 1
    assert get(shop.entrance) == (200, "r2 says 200 OK")


def contextless(shop: Shop) -> None:
    """A request that nobody waits for as long as it takes."""
    try:
        get(shop.entrance, "/?sleep=60", timeout=40)
    except (OSError, http.client.HTTPException):
        pass


def wait_for_connection(shop: Shop) -> None:
    from ansible_collections.seamless.deploy.plugins.module_utils._service import _drain

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        seen = _drain.look(os.path.realpath(shop.entrance))
        if seen and seen.established:
            return
        time.sleep(0.05)
    raise AssertionError("the slow request never arrived")
