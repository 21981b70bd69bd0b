# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal of 20 migrations on a database of 500 tables against plain `manage.py migrate` on a copy of it (control node).

No lab is needed: PostgreSQL is the one of the tools environment, with fsync as it is in production.
"""

from __future__ import annotations

import collections
import contextlib
import pathlib
import shutil
import statistics
import subprocess
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _rehearsal
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clone import Clone
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._rehearse import Rehearsal
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_following import Following
from ansible_collections.seamless.deploy.plugins.modules import migration_rehearse

from tests.bench.large_project import LargeProject
from tests.support.django_project import REQUIREMENTS, run_command
from tests.support.module import finish_module, start_module
from tests.support.paths import short_directory
from tests.support.postgres import EmbeddedPostgres
from tests.support.shop import python_for_app, shop_wheelhouse

#: Parts of a rehearsal: where each is done.
PARTS = [
    ("copy of the schema", Clone, "make"),
    ("application's interpreter", Bridge, "attempt"),
    ("catalogs of the copy", Following, "take"),
    ("catalog of production", Rehearsal, "production"),
    ("verdicts", _rehearsal, "verdicts"),
]


class Bench:
    """The project, its database, and the parameters of the module."""

    def __init__(self, base: pathlib.Path, server: EmbeddedPostgres) -> None:
        self.base, self.server = base, server
        self.project = LargeProject(base, server.create_database("large", "large", "secret"))
        self.project.first_release()
        self.project.second_release()
        self.params = {
            **self.project.params,
            "bridge_path": str(base / "bridge"),
            "login_url": server.admin_url,
            "database_name": "large",
            "path": str(self.project.root),
            "client_path": str(server.bin_dir),
        }

    def plain(self) -> float:
        """Seconds of plain migrate, on a copy that is made for it."""
        self.server.create_database("spare", "large", "secret")
        self.server.execute("DROP DATABASE spare")
        self.server.execute("CREATE DATABASE spare TEMPLATE large OWNER large")
        began = time.monotonic()
        self.project.manage("migrate", "--verbosity", "0", url=self.server.url("spare", "large"))
        seconds = time.monotonic() - began
        self.server.execute("DROP DATABASE spare WITH (FORCE)")
        return seconds

    def alone(self) -> float:
        """Seconds of the module in a process of its own, as Ansible runs it on a target."""
        began = time.monotonic()
        judged(finish_module(start_module("migration_rehearse", self.params), 600))
        return time.monotonic() - began

    def install(self, beside: bool = False) -> float:
        """Seconds until a fresh environment has the dependencies, and a rehearsal that runs beside it its verdicts."""
        shutil.rmtree(self.base / "fresh", ignore_errors=True)
        wheels = shop_wheelhouse()
        began = time.monotonic()
        process = start_module("migration_rehearse", self.params) if beside else None
        subprocess.run([python_for_app(), "-m", "venv", str(self.base / "fresh")], check=True, capture_output=True)
        pip = [str(self.base / "fresh" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-index"]
        subprocess.run(
            [*pip, "--find-links", str(wheels), "--requirement", str(REQUIREMENTS)], check=True, capture_output=True
        )
        if process:
            judged(finish_module(process, 600))
        return time.monotonic() - began

    def parts(self) -> dict[str, float]:
        """Seconds of each part of one rehearsal; the catalogs of the copy are read while the application waits."""
        values = {name: option.get("default") for name, option in migration_rehearse.argument_spec().items()}
        values.update(self.params)
        spent: dict[str, float] = collections.defaultdict(float)
        with contextlib.ExitStack() as stack:
            for what, place, name in PARTS:
                stack.enter_context(timed(spent, what, place, name))
            bridge = Bridge(run_command, values, DJANGO, values["bridge_path"])
            judged(migration_rehearse.run(values, bridge, run_command, "2026-01-01T00:00:00Z"))
        return spent


@contextlib.contextmanager
def timed(spent: dict[str, float], what: str, place: t.Any, name: str) -> t.Iterator[None]:
    original = getattr(place, name)

    def measured(*args: t.Any, **kwargs: t.Any) -> t.Any:
        began = time.monotonic()
        try:
            return original(*args, **kwargs)
        finally:
            spent[what] += time.monotonic() - began

    setattr(place, name, measured)
    try:
        yield
    finally:
        setattr(place, name, original)


def judged(result: dict[str, t.Any]) -> None:
    """All 20 migrations must have come out as what they are."""
    words = [verdict["compatibility"] for verdict in result.get("verdicts", [])]
    if len(words) != 20 or set(words) != {"expand", "either"} or result["strategy"] != "online":
        raise SystemExit(f"bench: the rehearsal is wrong: {result.get('msg') or words}")


def main(rounds: int = 3) -> None:
    """Print seconds of the rehearsal, its parts, and what it adds to an installation that it runs beside."""
    with short_directory("sd-bench-") as base, EmbeddedPostgres(base) as server:
        bench = Bench(base, server)
        alone, plain, adds = [], [], []
        for number in range(rounds):
            # First: an ext4 without a journal makes files slowly for minutes after a database of thousands was dropped.
            alone.append(bench.alone())
            adds.append(bench.install(beside=True) - bench.install())
            plain.append(bench.plain())
            print(
                f"bench rehearse: round {number + 1}: alone {alone[-1]:.2f} s, migrate {plain[-1]:.2f} s, "
                f"beside an installation {adds[-1]:+.2f} s",
                flush=True,
            )
        for what, seconds in bench.parts().items():
            print(f"bench rehearse:   {seconds:6.2f} s  {what}")
        ratios = [one / other for one, other in zip(alone, plain, strict=True)]
        print(
            f"bench rehearse: alone={statistics.median(alone):.2f} s migrate={statistics.median(plain):.2f} s "
            f"ratio={statistics.median(ratios):.2f} adds={statistics.median(adds):.2f} s tables=500 migrations=20"
        )


if __name__ == "__main__":
    main()
