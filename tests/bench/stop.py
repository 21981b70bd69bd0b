# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stop of a maintenance deploy against its migration and its start alone, on a copy of the same database (control node).

No lab is needed: what is stopped is the demo's application. The stop is what somebody sees who asks twenty times a second.
Two kinds of migration: after one the old release works, so that one transaction is enough; after the other it does not, and the stop
makes a copy of the database.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import threading
import time
import typing as t

from tests.demo.stage import Stage, open_log, stage
from tests.support import shop
from tests.support.load import request

ORDERS = 8_000_000
ALONE = "shop_alone"
#: What the column is like. The old release inserts without it, which only one of them allows.
COLUMNS = {"kept": "null=True", "broken": "default=0"}
#: The indexes keep the old release from writing for a while.
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("orders", "{before}")]
    operations = [
        migrations.AddField("order", "weight{number}", models.IntegerField({column})),
        migrations.AddIndex("order", models.Index(fields=["weight{number}", "created_at"], name="stop_{number}_a")),
        migrations.AddIndex("order", models.Index(fields=["created_at", "payment_method"], name="stop_{number}_b")),
        migrations.AddIndex("order", models.Index(fields=["payment_method", "id"], name="stop_{number}_c")),
        migrations.AddIndex("order", models.Index(fields=["created_at", "id"], name="stop_{number}_d")),
        migrations.AddIndex("order", models.Index(fields=["weight{number}", "id"], name="stop_{number}_e")),
        migrations.AddIndex("order", models.Index(fields=["payment_method", "created_at", "id"], name="stop_{number}_f")),
        migrations.AddIndex("order", models.Index(fields=["id", "created_at"], name="stop_{number}_g")),
        migrations.AddIndex("order", models.Index(fields=["id", "payment_method"], name="stop_{number}_h")),
    ]
"""


@dataclasses.dataclass
class Seen:
    """Seconds: of the stop as customers saw it, as it was predicted, and of its parts alone."""

    stop: float
    predicted: float
    migrate: float
    start: float

    @property
    def ratio(self) -> float:
        return self.stop / (self.migrate + self.start)


class Asking:
    """Asks for the page of an order list without end; `longest` is the longest time without an answer."""

    def __init__(self, entrance: pathlib.Path) -> None:
        self.longest = 0.0
        self._entrance = entrance
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        last = time.monotonic()
        while not self._over.wait(0.05):
            with contextlib.suppress(OSError, ValueError):
                if request(self._entrance, "GET", "/health/", timeout=10).status == 200:
                    now = time.monotonic()
                    self.longest, last = max(self.longest, now - last), now


def environment(scene: Stage, release: pathlib.Path, database: str) -> dict[str, str]:
    """The application's own, with another database."""
    lines = (release / ".environment").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    found = {name: value.strip("\"'") for name, value in found.items()}
    url = scene.url.rpartition("/")[0] + "/" + database
    return {**os.environ, **found, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "shop.settings"}


def migrated_alone(scene: Stage, release: pathlib.Path) -> float:
    began = time.monotonic()
    subprocess.run(
        [release / ".venv" / "bin" / "python", "manage.py", "migrate", "--verbosity", "0"],
        cwd=release, env=environment(scene, release, ALONE), check=True,
    )  # fmt: skip
    return time.monotonic() - began


def started_alone(scene: Stage, release: pathlib.Path) -> float:
    """From the start of the web server to its first answer."""
    socket = scene.base / "alone.sock"
    began = time.monotonic()
    process = subprocess.Popen(
        [release / ".venv" / "bin" / "gunicorn", "shop.wsgi", "--bind", f"unix:{socket}", "--no-control-socket"],
        cwd=release, env=environment(scene, release, ALONE), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while time.monotonic() - began < 60:
            with contextlib.suppress(OSError, ValueError):
                if request(socket, "GET", "/health/", timeout=5).status == 200:
                    return time.monotonic() - began
            time.sleep(0.02)
        raise SystemExit("bench: the web server alone did not answer within 60 seconds")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def copy_aside(scene: Stage) -> None:
    """The database as it is now, under another name. Its clients are sent away for that, and come back."""
    scene.postgres.execute("ALTER DATABASE shop ALLOW_CONNECTIONS false")
    scene.postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'")
    scene.postgres.execute(f"CREATE DATABASE {ALONE} TEMPLATE shop OWNER shop")
    scene.postgres.execute("ALTER DATABASE shop ALLOW_CONNECTIONS true")
    scene.postgres.execute(f"ALTER DATABASE {ALONE} ALLOW_CONNECTIONS true")


def measured(scene: Stage, kind: str, number: int) -> Seen:
    repository = scene.repository
    before = f"stop_{number - 1}" if number else "0003_orders_by_payment"
    migration = MIGRATION.format(before=before, number=number, column=COLUMNS[kind])
    models = (repository.path / "orders" / "models.py").read_text()
    column = f"    weight{number} = models.IntegerField({COLUMNS[kind]})\n    note ="
    files = {
        f"orders/migrations/stop_{number}.py": migration,
        "orders/models.py": models.replace("    note =", column, 1),
    }
    version = f"stop{number}"
    repository.change(files, f"Migration {number} of the benchmark", version)
    copy_aside(scene)
    with Asking(scene.entrance) as asking:
        time.sleep(1)
        result = scene.deploy(2, deploy_version=version)
        time.sleep(1)
    if result.rc:
        raise SystemExit(f"bench: the deploy failed: {result.stdout[-3000:]}")
    said = re.search(r"Stop: +about (\d+) s", result.stdout)
    release = pathlib.Path(os.path.realpath(scene.base / "srv" / "current"))
    seen = Seen(
        asking.longest,
        float(said.group(1)) if said else 0.0,
        migrated_alone(scene, release),
        started_alone(scene, release),
    )
    scene.postgres.drop_database(ALONE)
    return seen


def main(rounds: int) -> None:
    """Measure, and print a line for each round."""
    log = open_log()
    with stage(log, lambda text: print(f"bench stop: {text}", flush=True)) as scene:
        for release in (1, 2):
            if scene.deploy(release).rc:
                raise SystemExit(f"bench: release {release} could not be deployed; see {log}")
        shop.fill(scene.url, ORDERS)
        # As in production: what was written long ago is vacuumed and on the disk, and no reader has to do that first.
        scene.postgres.execute("VACUUM (ANALYZE) orders_order", "shop")
        scene.postgres.execute("CHECKPOINT")
        scene.repository.git("checkout", "--quiet", "main")
        found: dict[str, list[float]] = {kind: [] for kind in COLUMNS}
        for number in range(len(COLUMNS) * rounds):
            kind = list(COLUMNS)[number % len(COLUMNS)]
            seen = measured(scene, kind, number)
            found[kind].append(seen.ratio)
            told = {name: round(value, 1) for name, value in vars(seen).items()}
            print(f"bench stop: {kind} {json.dumps({**told, 'ratio': round(seen.ratio, 2)})}", flush=True)
    ratios = " ".join(f"{kind}={statistics.median(ratios):.2f}" for kind, ratios in found.items())
    print(f"bench stop: ratio {ratios}")
