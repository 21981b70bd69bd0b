# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate on a table that autovacuum is at work on (control node)."""

from __future__ import annotations

import pathlib
import time

from tests.support.django_calls import Migrate, ids
from tests.support.django_project import Project, django_python
from tests.support.postgres import EmbeddedPostgres

ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
SLOW = (
    "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 50, "
    "autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 2000000000"
)
AT_WORK = "SELECT pid FROM pg_stat_progress_vacuum WHERE relid = 'things_thing'::regclass"


def test_autovacuum_gives_way_within_the_budget(short_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    settings = {"fsync": "off", "autovacuum_naptime": "1s"}
    with EmbeddedPostgres(short_dir, 18, settings) as server:
        project = Project(tmp_path / "project")
        migrate = Migrate(project, django_python(), server.create_database("shop", "shop", "word"), tmp_path)
        migrate()
        server.execute(f"ALTER TABLE things_thing SET ({SLOW})", "shop")
        server.execute("INSERT INTO things_thing (name) SELECT 'row ' || n FROM generate_series(1, 100000) n", "shop")
        server.execute("DELETE FROM things_thing WHERE id % 2 = 0", "shop")
        for _attempt in range(1200):
            if server.execute(AT_WORK, "shop"):
                break
            time.sleep(0.05)
        [(pid,)] = server.execute(AT_WORK, "shop")
        project.migration("0002_note", ADD_NOTE, after="0001_initial")
        [record] = migrate(lock_timeout=100, retries=3)["applied"]
        assert record["retries"] >= 1 and ids([record]) == ["things.0002_note"]
        assert (pid,) not in server.execute(AT_WORK, "shop")
