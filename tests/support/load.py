# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady traffic through an entrance, and what became of every request (control node).

An entrance is a unix socket, as nginx would ask it, or http://ADDRESS[:PORT], as a browser asks nginx.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import http.client
import itertools
import json
import math
import pathlib
import socket
import sqlite3
import threading
import time
import typing as t
import urllib.parse
import uuid

import psycopg2

#: Where the print shop takes its orders, and the table and column in which they are found again.
ORDERS, ORDERS_TABLE, TOKEN = "/orders/", "orders_order", "token"
STALL_MS = 1000.0


class EntranceConnection(http.client.HTTPConnection):
    """One HTTP connection over a unix socket; the link is followed at connect, as nginx does."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.socket_path = path

    def connect(self) -> None:
        """Connect to what stands behind the entrance now."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.socket_path)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one request got."""

    status: int
    release: str
    body: bytes

    def json(self) -> dict[str, object]:
        """Read the body as JSON."""
        return dict(json.loads(self.body))


def connection_to(entrance: str | pathlib.Path, timeout: float) -> http.client.HTTPConnection:
    """Choose the way in."""
    address = str(entrance)
    if not address.startswith("http://"):
        return EntranceConnection(address, timeout)
    parts = urllib.parse.urlsplit(address)
    return http.client.HTTPConnection(str(parts.hostname), parts.port or 80, timeout=timeout)


def request(entrance: str | pathlib.Path, method: str, path: str, body: object = None, timeout: float = 30) -> Answer:
    """Send one request through the entrance, on a connection of its own."""
    connection = connection_to(entrance, timeout)
    try:
        headers = {"Connection": "close", "Content-Type": "application/json", "Host": "localhost"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return Answer(response.status, response.getheader("X-Release", ""), response.read())
    finally:
        connection.close()


@dataclasses.dataclass(frozen=True)
class Sample:
    """One request that was sent."""

    started: float
    milliseconds: float
    write: bool
    release: str
    problem: str
    token: str


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """What happened to the requests of a period."""

    seconds: float
    requests: int
    failed: int
    failures: list[str]
    writes: int
    acknowledged: list[str]
    p50_ms: float
    p99_ms: float
    worst_ms: float
    stalls: int
    versions: dict[str, int]

    def lost(self, database_url: str, table: str = ORDERS_TABLE, column: str = TOKEN) -> list[str]:
        """Give the acknowledged writes that the database does not know."""
        return missing(database_url, self.acknowledged, table, column)


def missing(database_url: str, tokens: list[str], table: str = ORDERS_TABLE, column: str = TOKEN) -> list[str]:
    """Give the tokens that no row of the table has; of a SQLite file too, as sqlite:////absolute/path."""
    connect: t.Callable[[str], t.Any] = psycopg2.connect
    if database_url.startswith("sqlite:///"):
        connect, database_url = sqlite3.connect, database_url[len("sqlite:///") :]
    with contextlib.closing(connect(database_url)) as connection, contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{table}"')
        found = {row[0] for row in cursor.fetchall()}
    return [token for token in tokens if token not in found]


def summarise(samples: list[Sample], seconds: float) -> LoadReport:
    """Count and measure."""
    times = sorted(sample.milliseconds for sample in samples)
    problems = collections.Counter(sample.problem for sample in samples if sample.problem)

    def percentile(share: float) -> float:
        return times[max(0, math.ceil(len(times) * share) - 1)] if times else 0.0

    return LoadReport(
        seconds=seconds,
        requests=len(samples),
        failed=sum(problems.values()),
        failures=[f"{count} x {problem}" for problem, count in problems.most_common(10)],
        writes=sum(1 for sample in samples if sample.token),
        acknowledged=[sample.token for sample in samples if sample.token],
        p50_ms=percentile(0.5),
        p99_ms=percentile(0.99),
        worst_ms=times[-1] if times else 0.0,
        stalls=sum(1 for each in times if each > STALL_MS),
        versions=dict(collections.Counter(sample.release for sample in samples if sample.release)),
    )


class Load:
    """Readers and writers at a steady rate (requests per second, all together), bounded in count and time."""

    def __init__(
        self,
        entrance: str | pathlib.Path | t.Sequence[str],
        readers: int = 4,
        writers: int = 2,
        rate: float = 60,
        *,
        path: str = ORDERS,
        max_requests: int = 100_000,
        max_seconds: float = 600,
        timeout: float = 30,
    ) -> None:
        entrances = [str(entrance)] if isinstance(entrance, (str, pathlib.Path)) else list(entrance)
        # Several: each in its turn, as a balancer that knows nothing of their health would do it.
        self._entrances = itertools.cycle(entrances)
        self.path = path
        self.timeout = timeout
        self.max_seconds = max_seconds
        self.interval = (readers + writers) / rate
        self._room = itertools.count()
        self._max_requests = max_requests
        self._samples: list[Sample] = []
        self._stop = threading.Event()
        self._started = 0.0
        self._customers = itertools.count()
        work = [False] * readers + [True] * writers
        self._threads = [
            threading.Thread(target=self._work, args=(write, number * self.interval / len(work)), daemon=True)
            for number, write in enumerate(work)
        ]

    def __enter__(self) -> t.Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin."""
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> LoadReport:
        """Let the requests under way come back, and tell what happened to all."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=self.timeout + 5)
        return self.report()

    def report(self, since: float = 0.0, until: float = math.inf) -> LoadReport:
        """Tell of the requests that were sent between two readings of time.monotonic()."""
        samples = [sample for sample in list(self._samples) if since <= sample.started < until]
        begin, end = max(since, self._started), min(until, time.monotonic())
        return summarise(samples, end - begin)

    def lost(self, database_url: str, table: str = ORDERS_TABLE) -> list[str]:
        """Give the acknowledged writes that the database does not know."""
        return self.report().lost(database_url, table)

    def samples(self, start: int = 0) -> list[Sample]:
        """Give what has been sent, from this one on."""
        return self._samples[start:]

    def _work(self, write: bool, offset: float) -> None:
        due = self._started + offset
        reads = itertools.cycle((self.path, "/", "/version/"))
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            if next(self._room) >= self._max_requests or time.monotonic() - self._started > self.max_seconds:
                return
            self._samples.append(self._one(write, next(reads)))
            # What a stall has delayed is not sent in a burst afterwards: people do not do that either.
            due = max(due + self.interval, time.monotonic())

    def _one(self, write: bool, path: str) -> Sample:
        token, release, problem, status, entrance = uuid.uuid4().hex, "", "", 0, next(self._entrances)
        began = time.monotonic()
        try:
            if write:
                phone = f"+44{next(self._customers) % 500:07d}"
                order = {"token": token, "phone_number": phone, "payment_method": "cash"}
                answer = request(entrance, "POST", self.path, order, self.timeout)
            else:
                answer = request(entrance, "GET", path, None, self.timeout)
            release, status = answer.release, answer.status
            if status != (201 if write else 200):
                problem = f"HTTP {status} from release {release or '?'}"
            elif write and answer.json().get("token") != token:
                problem = "acknowledged another token"
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        spent = (time.monotonic() - began) * 1000
        return Sample(began, spent, write, release, problem, token if write and not problem else "")
