# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""service_info before a real process on a unix socket; with a service manager in test_service_restart.py (control node)."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import typing as t

import pytest

from tests.support.module import run_module

#: Answers as many requests as are asked, with the status in the file `status`, and shows what it was asked.
SERVER = """
import http.server, pathlib, socketserver, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{self.headers['Host']} {self.path} {self.headers.get('X-Forwarded-Proto')}".encode()
        self.send_response(int(pathlib.Path("status").read_text()))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return ""

    def log_message(self, *_arguments):
        pass

with socketserver.UnixStreamServer(sys.argv[1], Handler) as server:
    print("listens", flush=True)
    server.serve_forever()
"""


class Serving(t.NamedTuple):
    """A process that serves from the directory of a release."""

    release: pathlib.Path
    entrance: pathlib.Path
    pid: int


@pytest.fixture
def serving(short_dir: pathlib.Path) -> t.Iterator[Serving]:
    release = short_dir / "releases" / "20261121T090000-1a2b3c4"
    release.mkdir(parents=True)
    (release / "status").write_text("200")
    socket, entrance = short_dir / "web-r1.sock", short_dir / "web.sock"
    entrance.symlink_to(socket.name)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(socket)], cwd=release, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "listens\n"
        yield Serving(release, entrance, process.pid)
    finally:
        process.kill()
        process.communicate()


def test_the_process_behind_the_entrance_is_named(serving: Serving) -> None:
    asked = {"entrance": str(serving.entrance), "directory": str(serving.release), "health_path": "ready"}
    found = run_module(
        "service_info", {**asked, "health_host": "shop.example", "health_headers": {"X-Forwarded-Proto": "https"}}
    )
    seen = found["serving"]
    assert not found["changed"] and found["units"] == []
    assert seen["answers"] and seen["healthy"] and seen["status"] == 200 and seen["problem"] == ""
    assert seen["body_excerpt"] == "shop.example /ready https"
    assert (seen["pid"], seen["release"], seen["directory"]) == (
        serving.pid,
        serving.release.name,
        str(serving.release),
    )
    assert seen["directory_ok"] is True and seen["interpreter_ok"] is None
    assert found["entrance"] == {"target": str(serving.entrance.with_name("web-r1.sock")), "unit": ""}


def test_another_release_is_not_taken_for_the_right_one(serving: Serving) -> None:
    other = str(serving.release.with_name("20261121T100000-5d6e7f8"))
    seen = run_module("service_info", {"entrance": str(serving.entrance), "directory": other})["serving"]
    assert seen["healthy"] and seen["directory_ok"] is False and serving.release.name in seen["problem"]


def test_an_unhealthy_answer_is_told_and_no_failure(serving: Serving) -> None:
    (serving.release / "status").write_text("503")
    found = run_module("service_info", {"socket": str(serving.entrance.resolve())})
    seen = found["serving"]
    assert seen["answers"] and not seen["healthy"] and seen["status"] == 503 and "503" in seen["problem"]
    assert found["entrance"] == {"target": "", "unit": ""} and "failed" not in found


def test_nobody_behind_the_entrance_is_an_answer(tmp_path: pathlib.Path) -> None:
    found = run_module("service_info", {"entrance": str(tmp_path / "web.sock")})
    assert not found["serving"]["answers"] and "web.sock" in found["serving"]["problem"]
    assert found["serving"]["pid"] == 0 and found["entrance"]["target"] == ""


def test_without_a_socket_nothing_is_asked() -> None:
    found = run_module("service_info", {})
    assert (found["serving"], found["units"]) == ({}, [])


def test_units_need_their_manager() -> None:
    assert "names needs manager" in run_module("service_info", {"names": ["shop-web"]})["msg"]
    assert "supervisor_config" in run_module("service_info", {"names": ["shop-web"], "manager": "supervisor"})["msg"]
