# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which revision a database is at, of a chain of 300: at 50 random places without a record, and damaged in 20 ways (control node).

No lab is needed: PostgreSQL is the one of the tools environment. The databases are made by Alembic's own command line.
"""

from __future__ import annotations

import contextlib
import pathlib
import random
import statistics
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _replay
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, atoms
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._detect import Found, detect
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._diagnosis import diagnose
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._place import PostgresPlace
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._replay_cache import Cache
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._connection import parse_url
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot

from tests.bench.long_chain import AT, DAMAGES, REVISIONS, Damage, LongChain
from tests.support.django_project import run_command
from tests.support.paths import short_directory
from tests.support.postgres import EmbeddedPostgres
from tests.support.revisions import Revisions, execute

POSITIONS = 50
NOW = "2026-01-01T00:00:00Z"


class Bench:
    """The chain, its database, and what is known of it."""

    def __init__(self, base: pathlib.Path, server: EmbeddedPostgres) -> None:
        self.base, self.server = base, server
        self.url = server.create_database("app", "app", "secret")
        self.chain = LongChain(Revisions(base / "project", self.url))
        params = {**self.chain.project.params, "environment_file": None}
        self.bridge = Bridge(run_command, params, ALEMBIC, str(base / "bridge"))
        self.place = PostgresPlace(parse_url(server.admin_url, "admin", "url").to_database("app"), "app", NOW)
        self.times: list[float] = []

    def replayed(self) -> History:
        """From the files, or from what is kept of them."""
        told, _progress = self.bridge.call("plan", about="replay")
        survey = _replay.survey_of(told)
        history = _replay.replayed(self.bridge, self.place, survey, Cache(str(self.base / "replays")), {})
        if len(history.steps) != REVISIONS or history.stopped:
            raise SystemExit(f"bench: the replay ended after {len(history.steps)} revisions: {history.stopped}")
        return history

    def look(self, statement: str = "") -> Atoms:
        """The catalog, after a statement that is taken back again."""
        with contextlib.closing(self.server.connect("app")) as opened, opened.cursor() as cursor:
            cursor.execute("BEGIN")
            if statement:
                cursor.execute(statement)
            found = atoms(_snapshot.take(opened, "app", NOW))
            cursor.execute("ROLLBACK")
        return _replay.own_atoms(found, ["alembic_version"])

    def detected(self, history: History, real: Atoms, recorded: list[str]) -> Found:
        began = time.monotonic()
        found = detect(history, real, recorded)
        self.times.append(time.monotonic() - began)
        return found

    def upgrade(self, revision: str) -> list[str]:
        """By Alembic's own command line; what is on record then."""
        self.chain.project.alembic("upgrade", revision)
        return sorted(name for (name,) in execute(self.url, "SELECT version_num FROM alembic_version"))

    def classified(self, history: History, damage: Damage) -> str:
        """What is wrong with the answer, or ""."""
        recorded = [damage.record] if damage.record else []
        found = self.detected(history, self.look(damage.statement), recorded)
        told = diagnose(history, found, recorded)
        named = [one.object for one in told.differences if damage.object in one.object]
        right = told.cause == damage.cause and told.heads == [damage.heads] and bool(named or not damage.object)
        return "" if right else f"{damage}: {told.cause} at {told.heads}: {told.sentence}"


def timed(work: t.Callable[[], t.Any]) -> tuple[float, t.Any]:
    began = time.monotonic()
    result = work()
    return time.monotonic() - began, result


def main(_rounds: int = 1) -> None:
    """Print how many were right, and how long each part took."""
    seed = 5
    with short_directory("sd-bench-") as base, EmbeddedPostgres(base) as server:
        bench = Bench(base, server)
        replay, history = timed(bench.replayed)
        again, history = timed(bench.replayed)
        print(
            f"bench detect: replayed {REVISIONS} revisions in {replay:.1f} s, from the cache {again:.1f} s", flush=True
        )
        places = sorted(random.Random(seed).sample(range(REVISIONS), POSITIONS))
        right, ranges, damaged = 0, 0, 0
        for place in sorted({*places, bench.chain.order.index(AT)}):
            recorded = bench.upgrade(bench.chain.order[place])
            if place in places:
                found = bench.detected(history, bench.look(), [])
                ranges += bool(found.fits)
                fits = [sorted(heads) for heads in found.fits] or [sorted(found.heads)]
                good = found.kind == "exact" and recorded in fits
                right += good
                if not good:
                    print(f"bench detect: wrong at {recorded}: {found.kind} {fits}", flush=True)
            if bench.chain.order[place] == AT:
                wrong = [problem for problem in (bench.classified(history, damage) for damage in DAMAGES) if problem]
                damaged = len(DAMAGES) - len(wrong)
                for problem in wrong:
                    print(f"bench detect: wrong: {problem}", flush=True)
        print(
            f"bench detect: right={right}/{POSITIONS} (beside a revision that changes rows only: {ranges}) "
            f"damaged={damaged}/{len(DAMAGES)} replay={replay:.1f} s cached={again:.1f} s "
            f"detection={1000 * statistics.median(bench.times):.0f} ms worst={1000 * max(bench.times):.0f} ms objects={len(history.known_places())}"
        )
        if (right, damaged) != (POSITIONS, len(DAMAGES)):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
