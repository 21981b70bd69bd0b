# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of a small application on one supervisord, and traffic to them (control node)."""

from __future__ import annotations

import http.client
import json
import pathlib
import subprocess
import sys
import threading
import time
import typing as t

from tests.support.load import EntranceConnection
from tests.support.supervisor import Supervisor

APPLICATION = """\
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
"""

WORKER = """\
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
"""


class Shop:
    """Releases of a small application on one supervisord."""

    def __init__(self, base: pathlib.Path, supervisor: Supervisor, site: pathlib.Path) -> None:
        self.base = base / "shop"
        self.site = site
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
        lines = {
            "command": command,
            "directory": str(path),
            "environment": f'PYTHONPATH="{self.site}"',
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
        command = (
            options.pop("command", "")
            or f"{python} -m gunicorn --bind unix:{sock} --workers 2 --threads {threads} wsgi:application"
        )
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


def get(path: str | pathlib.Path, url: str = "/", timeout: float = 30) -> tuple[int, str]:
    connection = EntranceConnection(str(path), timeout)
    try:
        connection.request("GET", url, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


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
