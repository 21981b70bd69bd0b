# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long readers stand still during a migration: django_migrate against `manage.py migrate`, in the same run (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import pathlib
import random
import statistics
import subprocess
import threading
import time
import typing as t

import psycopg2

from tests.support.django_project import Project, django_python
from tests.support.module import finish_module, start_module
from tests.support.paths import short_directory
from tests.support.postgres import EmbeddedPostgres

ROWS = 2_000_000
READERS = 8
LONG_READ = 12.0  # seconds
BUDGET = 200  # milliseconds, the default of lock_timeout
ALLOWED = 50
PARTS = [f"things_part{number}" for number in range(6)]
CREATE = (
    'migrations.CreateModel("{}", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())]),\n'
)
ADD = 'migrations.AddField("{}", "note", models.TextField(null=True)),\n'
#: name -> (operations, what the long read has open, what short reads come back to again and again)
CASES = {
    "one": (ADD.format("thing"), "things_thing", []),
    "six": ("".join(ADD.format(name.partition("_")[2]) for name in PARTS), PARTS[-1], PARTS[:-1]),
}
Reads = t.List[t.Tuple[float, float]]


@dataclasses.dataclass
class Run:
    """One migration: its seconds, the reads meanwhile, and the longest of them in milliseconds."""

    seconds: float
    reads: int
    worst: float
    median: float
    retries: int = 0


def read(url: str, stop: t.Any, answers: t.Any, seed: int) -> None:
    """One reader: a row of one table after the other; (begin, milliseconds) of each read."""
    chance, done = random.Random(seed), []
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while not stop.is_set():
            for table in ("things_thing", *PARTS):
                began = time.monotonic()
                cursor.execute(f"SELECT name FROM {table} WHERE id = %s", (chance.randrange(1, 1000),))
                cursor.fetchall()
                done.append((began, (time.monotonic() - began) * 1000))
                time.sleep(0.002)
    answers.put(done)


@contextlib.contextmanager
def reading(url: str) -> t.Iterator[Reads]:
    """Readers in processes of their own. What they saw is in the list afterwards."""
    processes = multiprocessing.get_context("spawn")
    stop, answers, seen = processes.Event(), processes.Queue(), []
    readers = [processes.Process(target=read, args=(url, stop, answers, seed)) for seed in range(READERS)]
    for reader in readers:
        reader.start()
    time.sleep(3)
    try:
        yield seen
    finally:
        stop.set()
        for _reader in readers:
            seen += answers.get(timeout=60)
        for reader in readers:
            reader.join()


@contextlib.contextmanager
def others(server: EmbeddedPostgres, name: str, long: str, short: list[str]) -> t.Iterator[None]:
    """One read that stays open for LONG_READ seconds, and reads of 150 ms that come back to the other tables."""
    over = threading.Event()
    opened = threading.Barrier(2 + len(short))

    def hold(table: str, seconds: float, again: bool) -> None:
        with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
            first = True
            while first or (again and not over.is_set()):
                cursor.execute(f"BEGIN; SELECT 1 FROM {table} LIMIT 1")
                if first:
                    opened.wait()
                    first = False
                time.sleep(seconds)
                cursor.execute("COMMIT")
                time.sleep(0.05)

    threads = [threading.Thread(target=hold, args=(long, LONG_READ, False))]
    threads += [threading.Thread(target=hold, args=(table, 0.15, True)) for table in short]
    for thread in threads:
        thread.start()
    opened.wait()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def ours(project: Project, url: str) -> int:
    params = {"chdir": str(project.path), "python": django_python(), "environment": {"DATABASE_URL": url}}
    result = finish_module(start_module("django_migrate", {**params, "lock_timeout": BUDGET}))
    if result.get("failed"):
        raise SystemExit(f"bench: django_migrate failed: {result['msg']}")
    return sum(record["retries"] for record in result["applied"])


def theirs(project: Project, url: str) -> int:
    argv = [django_python(), "manage.py", "migrate", "--no-input"]
    done = subprocess.run(
        argv, cwd=project.path, env={"DATABASE_URL": url}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"bench: manage.py migrate failed: {done.stderr[-2000:]}")
    return 0


def measured(server: EmbeddedPostgres, project: Project, case: str, act: t.Callable[[Project, str], int]) -> Run:
    """One case on a fresh copy of the filled database."""
    name = f"{case}_{act.__name__}"
    server.execute(f"CREATE DATABASE {name} OWNER shop TEMPLATE filled")
    server.execute("CHECKPOINT")  # the copy is on disk before anything is timed
    _operations, long, short = CASES[case]
    url = server.url(name, "shop")
    with reading(url) as seen, others(server, name, long, short):
        began = time.monotonic()
        retries = act(project, url)
        ended = time.monotonic()
    server.drop_database(name)
    times = [milliseconds for at, milliseconds in seen if at + milliseconds / 1000 >= began and at <= ended]
    return Run(ended - began, len(times), max(times), statistics.median(times), retries)


def fill(server: EmbeddedPostgres, project: Project) -> None:
    """The database that every case gets a copy of."""
    project.migration(
        "0002_parts", "".join(CREATE.format(name.partition("_")[2]) for name in PARTS), after="0001_initial"
    )
    theirs(project, server.create_database("filled", "shop", "word"))
    rows = "INSERT INTO {} (name) SELECT 'row ' || n FROM generate_series(1, {}) n"
    server.execute(rows.format("things_thing", ROWS), "filled")
    for table in PARTS:
        server.execute(rows.format(table, 1000), "filled")
    server.execute("VACUUM ANALYZE", "filled")
    server.execute("CHECKPOINT")


def main(rounds: int = 1) -> None:
    """Print the longest read of both for each case, and the budget."""
    worst: dict[str, list[float]] = {}
    with short_directory() as base, EmbeddedPostgres(base, 18, {"fsync": "off"}) as server:
        project = Project(pathlib.Path(base) / "project")
        fill(server, project)
        for number in range(1, rounds + 1):
            for case, (operations, _long, _short) in CASES.items():
                project.migration("0003_note", operations, after="0002_parts")
                own, plain = measured(server, project, case, ours), measured(server, project, case, theirs)
                worst.setdefault(case, []).append(own.worst)
                worst.setdefault(f"plain_{case}", []).append(plain.worst)
                print(
                    f"bench stall: round {number}, {case}: worst read {own.worst:.0f} ms of {own.reads} (median {own.median:.1f} ms) in "
                    f"{own.seconds:.1f} s with {own.retries} retries; manage.py migrate: worst read {plain.worst:.0f} ms of {plain.reads} "
                    f"in {plain.seconds:.1f} s",
                    flush=True,
                )
    figures = " ".join(f"{name}={max(found):.0f}" for name, found in worst.items())
    within = all(max(worst[case]) <= BUDGET + ALLOWED for case in CASES)
    print(f"bench stall: budget={BUDGET} allowed={BUDGET + ALLOWED} {figures} within={'yes' if within else 'no'}")


if __name__ == "__main__":
    main()
