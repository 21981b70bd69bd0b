# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entrance in an upstream of an nginx that really runs: switched, refused, drained of what its old workers know."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time

import pytest

pytest.importorskip("ansible", reason="the module utils are imported as the collection's")

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance_upstream import UpstreamEntrance
from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor

from tests.support.nginx import PROGRAM, nginx

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs nginx")
SITE = """upstream app {{ include {file}; {more} }}
server {{ listen 127.0.0.1:{port}; server_name shop; location / {{
    proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
"""


def run(argv, **_more):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def release(path, name, seconds=0.0):
    """A server that answers with its name, after a while, on connections that stay open."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                while self.rfile.readline().strip():
                    pass
                time.sleep(seconds)
                self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode())

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        request_queue_size = 64

    with Server(path, Handler) as server:
        os.chmod(path, 0o777)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Unit(name, "web", path)
        finally:
            server.shutdown()


@pytest.fixture
def base():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sd-upstream-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def made(base):
    file = base / "app.conf"
    with nginx(base) as server:
        control = Control(run, server.program, str(server.configuration))
        entrance = UpstreamEntrance(str(file), None, Visitor(control.running().workers), control)
        entrance._write("")
        server.site("shop", SITE.format(file=file, port=server.port, more="keepalive 16;"))
        control.reload()
        yield server, entrance


def test_a_switch_reaches_kept_connections_too(made, base):
    server, entrance = made
    with release(str(base / "1.sock"), "one") as one, release(str(base / "2.sock"), "two") as two:
        assert entrance.target() == "" and server.get()[0] == 502
        entrance.check(one)
        assert entrance.switch(one) == "" and entrance.leads_to(one) and entrance.door(one) == one.socket
        assert {server.get() for _again in range(20)} == {(200, "one")}
        assert entrance.switch(two) == one.socket
        assert {server.get() for _again in range(20)} == {(200, "two")}
        assert entrance.drain(one, 10).closed_at_limit == 0
        entrance.point("")
        assert server.get()[0] == 502 and entrance.target() == ""


def test_the_drain_waits_for_what_old_workers_have_begun(made, base):
    server, entrance = made
    with release(str(base / "1.sock"), "one", seconds=1.5) as one, release(str(base / "2.sock"), "two") as two:
        entrance.switch(one)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.get()))
        asking.start()
        time.sleep(0.3)
        entrance.switch(two)
        assert server.get() == (200, "two")
        report = entrance.drain(one, 20)
        assert report.seconds > 0.5 and report.closed_at_limit == 0
        asking.join(timeout=1)
        assert answers == [(200, "one")]


def test_the_drain_waits_for_a_request_that_has_not_reached_the_release_yet(made, base):
    """An old worker still reads the body, and will connect to the old socket when it has it."""
    server, entrance = made
    with release(str(base / "1.sock"), "one") as one, release(str(base / "2.sock"), "two") as two:
        entrance.switch(one)
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow:
            slow.sendall(b"POST / HTTP/1.0\r\nHost: shop\r\nContent-Length: 4\r\n\r\nab")
            time.sleep(0.3)
            entrance.switch(two)
            threading.Timer(1.5, lambda: slow.sendall(b"\r\n")).start()
            assert entrance.drain(one, 20).seconds > 0.5
            assert b"one" in slow.recv(4096)


def test_what_nginx_refuses_leaves_the_old_release_serving(made, base):
    server, entrance = made
    with release(str(base / "1.sock"), "one") as one, release(str(base / "2.sock"), "two") as two:
        entrance.switch(one)
        server.site("broken", "nonsense;")
        with pytest.raises(DeployError, match=r"unknown directive .nonsense."):
            entrance.switch(two)
        assert entrance.leads_to(one) and server.get() == (200, "one")


def test_a_file_that_nginx_does_not_include_is_refused(made, base):
    _server, entrance = made
    entrance.path = str(base / "other.conf")
    with pytest.raises(DeployError, match="does not read"):
        entrance.check(Unit("one", "web", str(base / "1.sock")))
