# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""service_restart against a real systemd, of the system or of this user; skipped where none runs (control node)."""

from __future__ import annotations

import http.client
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from tests.support.load import EntranceConnection
from tests.support.module import run_module

SERVER = """\
import http.server, pathlib, signal, socket, socketserver, sys, threading

class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = False
    request_queue_size = 128

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = pathlib.Path.cwd().name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "local"

    def log_message(self, *arguments):
        pass

path = pathlib.Path(sys.argv[1])
path.unlink(missing_ok=True)
server = Server(str(path), Handler)
path.chmod(0o660)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(0.05)
server.server_close()
"""

WORKER = """\
import pathlib, sys, time
log = pathlib.Path(sys.argv[1])
name = pathlib.Path.cwd().name
with log.open("a") as file:
    file.write(f"{name} began\\n")
try:
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        time.sleep(0.05)
finally:
    with log.open("a") as file:
        file.write(f"{name} ended\\n")
"""


def scope_or_reason() -> tuple[str, str]:
    """The systemd that can be used here, or why there is none."""
    if not shutil.which("systemctl"):
        return "", "systemctl is not installed"
    if os.geteuid() == 0:
        if pathlib.Path("/proc/1/comm").read_text().strip() == "systemd":
            return "system", ""
        return "", "process 1 is not systemd"
    environment = {"XDG_RUNTIME_DIR": f"/run/user/{os.geteuid()}", **os.environ}
    asked = subprocess.run(
        ["systemctl", "--user", "show", "-p", "Version"], capture_output=True, env=environment, check=False
    )
    return ("user", "") if asked.returncode == 0 else ("", "no systemd manager of this user answers")


SCOPE, REASON = scope_or_reason()
pytestmark = pytest.mark.skipif(not SCOPE, reason=REASON)


class Units:
    """Releases and the units of a throwaway application."""

    def __init__(self, base: pathlib.Path) -> None:
        self.base = base
        self.app = base.name
        self.entrance = base / "web.sock"
        user = pathlib.Path.home() / ".config" / "systemd" / "user"
        self.directory = pathlib.Path("/etc/systemd/system") if SCOPE == "system" else user
        self.directory.mkdir(parents=True, exist_ok=True)
        self.made: list[str] = []

    def release(self, name: str, server: str = SERVER, worker: str = WORKER) -> pathlib.Path:
        path = self.base / "releases" / name
        path.mkdir(parents=True)
        (path / "server.py").write_text(server)
        (path / "worker.py").write_text(worker)
        return path

    def unit(self, kind: str, release: str, command: str = "", **more: t.Any) -> dict[str, t.Any]:
        path = self.base / "releases" / release
        name = f"{self.app}-{kind}-{release}"
        sock = self.base / f"{kind}-{release}.sock"
        argument = sock if kind == "server" else self.base / "worker.log"
        definition = self.directory / f"{name}.service"
        target = "multi-user.target" if SCOPE == "system" else "default.target"
        definition.write_text(
            f"[Unit]\nDescription=test\n[Service]\nWorkingDirectory={path}\nRestart=on-failure\n"
            f"ExecStart={command or f'{sys.executable} {path}/{kind}.py {argument}'}\n"
            f"[Install]\nWantedBy={target}\n"
        )
        self.made.append(name)
        options = {"manager": "systemd", "systemd_scope": SCOPE, "name": name, "ready_timeout": 20, **more}
        options.update(directory=str(path), definition=str(definition))
        if kind == "server":
            options.update(socket=str(sock), entrance=str(self.entrance))
        return options

    def show(self, name: str) -> tuple[str, str]:
        scope = ["--user"] if SCOPE == "user" else []
        argv = ["systemctl", *scope, "show", "--value", "-p", "ActiveState", "-p", "UnitFileState", f"{name}.service"]
        shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split("\n")
        return shown[0], shown[1]

    def clean(self) -> None:
        for name in self.made:
            options = {"manager": "systemd", "systemd_scope": SCOPE, "name": name, "state": "absent"}
            run_module("service_restart", {**options, "definition": str(self.directory / f"{name}.service")})


@pytest.fixture
def units(short_dir: pathlib.Path) -> t.Iterator[Units]:
    made = Units(short_dir)
    yield made
    made.clean()


def get(path: pathlib.Path) -> str:
    connection = EntranceConnection(str(path), 20)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def succeed(params: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    result = run_module("service_restart", {**params, **more})
    assert not result.get("failed"), result
    return result


def refuse(params: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    result = run_module("service_restart", {**params, **more})
    assert result.get("failed"), result
    print(result["msg"])
    return result


def test_handovers_under_load_fail_no_request_and_survive_a_boot(units: Units) -> None:
    names = ["r1", "r2", "r3"]
    for name in names:
        units.release(name)
    succeed(units.unit("server", "r1"), state="handed_over")
    failures: list[str] = []
    seen: list[str] = []
    end = threading.Event()

    def send() -> None:
        while not end.is_set():
            try:
                seen.append(get(units.entrance))
            except (OSError, http.client.HTTPException) as exc:
                failures.append(repr(exc))
            end.wait(0.01)

    thread = threading.Thread(target=send)
    thread.start()
    for old, new in (("r1", "r2"), ("r2", "r3")):
        time.sleep(0.5)
        previous = f"{units.app}-server-{old}"
        result = succeed(units.unit("server", new), state="handed_over", previous=previous)
        assert result["measured"]["unserved_seconds"] == 0.0
    time.sleep(0.5)
    end.set()
    thread.join()
    assert failures == [] and set(seen) == set(names)
    print(f"requests={len(seen)} failed={len(failures)} last={result['measured']}")
    assert units.show(f"{units.app}-server-r3") == ("active", "enabled")
    assert units.show(f"{units.app}-server-r2") == ("inactive", "disabled")
    assert not succeed(units.unit("server", "r3"), state="handed_over", previous=previous)["changed"]


def test_a_unit_is_started_stopped_and_forgotten(units: Units) -> None:
    units.release("r1")
    web = units.unit("server", "r1")
    assert succeed(web, state="started")["changed"]
    assert not succeed(web, state="started")["changed"]
    info = {key: web[key] for key in ("manager", "systemd_scope", "socket", "directory")}
    seen = run_module("service_info", {**info, "names": [web["name"]]})
    assert seen["serving"]["directory_ok"] and seen["units"][0]["starts_at_boot"]
    assert seen["serving"]["pid"] == seen["units"][0]["pid"]
    assert succeed(web, state="stopped")["changed"]
    assert not succeed(web, state="stopped")["changed"]
    assert succeed(web, state="absent")["changed"]
    assert not succeed(web, state="absent")["changed"]
    assert "systemd has no unit" in refuse(web, state="started")["msg"]


@pytest.mark.parametrize(
    ("server", "command", "said"),
    [
        ("import missing_module", "", "No module named 'missing_module'"),
        (SERVER, "/nowhere/python server.py", "203"),
    ],
)
def test_a_release_that_does_not_come_up_leaves_the_old_one_alone(
    units: Units, server: str, command: str, said: str
) -> None:
    units.release("r1")
    units.release("r2", server)
    old = units.unit("server", "r1")
    succeed(old, state="handed_over")
    broken = units.unit("server", "r2", command)
    result = refuse(broken, state="handed_over", previous=old["name"])
    assert "systemd says" in result["msg"] and said in result["msg"]
    assert get(units.entrance) == "r1"
    assert units.show(old["name"]) == ("active", "enabled")
    assert units.show(broken["name"]) == ("inactive", "disabled")


@pytest.mark.parametrize("unit_class", ["worker", "singleton"])
def test_a_worker_ends_before_the_next_one_begins(units: Units, unit_class: str) -> None:
    units.release("r1")
    units.release("r2", worker="import missing_module")
    units.release("r3")
    one = units.unit("worker", "r1", unit_class=unit_class)
    succeed(one, state="handed_over")
    failed = refuse(units.unit("worker", "r2", unit_class=unit_class), state="handed_over", previous=one["name"])
    assert f"{one['name']} was started again" in failed["msg"]
    succeed(units.unit("worker", "r3", unit_class=unit_class), state="handed_over", previous=one["name"])
    log = (units.base / "worker.log").read_text().splitlines()
    assert log == ["r1 began", "r1 ended", "r1 began", "r1 ended", "r3 began"]
