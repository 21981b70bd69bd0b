# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load generator sees failures and lost writes: a demo that cannot fail would show nothing (control node)."""

from __future__ import annotations

import contextlib
import http.server
import json
import pathlib
import socketserver
import threading
import time
import typing as t

from tests.support.load import Load, Sample, summarise


class Shop(http.server.BaseHTTPRequestHandler):
    """Acknowledge every order and keep none."""

    release = "1"
    status = 200

    def do_GET(self) -> None:
        """Answer a read."""
        self.send_response(self.status)
        self.send_header("X-Release", self.release)
        self.end_headers()

    def do_POST(self) -> None:
        """Acknowledge an order."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(201)
        self.send_header("X-Release", self.release)
        self.end_headers()
        self.wfile.write(json.dumps({"token": order["token"]}).encode())

    def address_string(self) -> str:
        """Name the client: a unix socket has no address."""
        return "unix"

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A web server on a unix socket."""

    daemon_threads = True
    request_queue_size = 64


@contextlib.contextmanager
def serving(path: pathlib.Path, **settings: t.Any) -> t.Iterator[None]:
    handler = type("Handler", (Shop,), settings)
    with Server(str(path), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def run_until(load: Load, reached: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_switch_of_the_entrance_is_seen(short_dir: pathlib.Path) -> None:
    entrance = short_dir / "web.sock"
    with serving(short_dir / "1.sock"), serving(short_dir / "2.sock", release="2"):
        entrance.symlink_to("1.sock")
        with Load(entrance, rate=100) as load:
            run_until(load, lambda: load.report().requests >= 10)
            (short_dir / "new").symlink_to("2.sock")
            (short_dir / "new").rename(entrance)
            run_until(load, lambda: load.report().versions.get("2", 0) >= 10)
        report = load.report()
    assert set(report.versions) == {"1", "2"}
    assert (report.failed, report.failures) == (0, [])
    assert 0 < report.writes == len(report.acknowledged) < report.requests


def test_nobody_behind_the_entrance_is_a_failure(short_dir: pathlib.Path) -> None:
    with Load(short_dir / "web.sock", rate=100, max_requests=12) as load:
        run_until(load, lambda: load.report().requests == 12)
    report = load.report()
    assert (report.requests, report.failed, report.writes) == (12, 12, 0)
    assert "FileNotFoundError" in report.failures[0]


def test_error_answer_is_a_failure(short_dir: pathlib.Path) -> None:
    with serving(short_dir / "web.sock", status=500), Load(short_dir / "web.sock", 2, 0, 100, max_requests=6) as load:
        run_until(load, lambda: load.report().requests == 6)
    assert load.report().failures == ["6 x HTTP 500 from release 1"]


def test_acknowledged_order_that_is_not_there_is_lost(short_dir: pathlib.Path, database: t.Any) -> None:
    database.execute("CREATE TABLE orders_order (token text)")
    database.execute(f"GRANT SELECT ON orders_order TO {database.user}")
    with serving(short_dir / "web.sock"), Load(short_dir / "web.sock", 0, 2, 100, max_requests=6) as load:
        run_until(load, lambda: load.report().requests == 6)
    acknowledged = load.report().acknowledged
    database.execute(f"INSERT INTO orders_order VALUES ('{acknowledged[0]}')")
    assert load.lost(database.url) == acknowledged[1:]


def test_figures_of_known_samples() -> None:
    times = [float(number) for number in range(1, 100)] + [1500.0]
    samples = [Sample(0.0, each, False, "1", "", "") for each in times]
    report = summarise(samples, 10)
    assert (report.p50_ms, report.p99_ms, report.worst_ms, report.stalls) == (50.0, 99.0, 1500.0, 1)
