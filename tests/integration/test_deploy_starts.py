# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole deploy of an application whose start script migrates, and whose env.py wants arguments (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.whole_samples import SampleWhole, visitors

START = '#!/bin/sh\nset -e\nflask db upgrade\nexec gunicorn "$@"\n'
WANTS = '\nassert context.get_x_argument() == ["tenant=north"], context.get_x_argument()\n'
UNIT = {
    "name": "web",
    "class": "web",
    "command": "/bin/sh start.sh wsgi:app --bind unix:{socket} --workers 2 --threads 4 --no-control-socket",
}


@pytest.fixture
def app(tmp_path: t.Any) -> t.Iterator[SampleWhole]:
    """Have the visitors' book, with both in its eighth release."""
    with visitors(tmp_path, sqlite=True) as scene:
        scene.changes = {"deploy_strategy": None, "deploy_rehearsal": None, "deploy_force_online": None}
        repository = scene.scene.repository
        repository.git("checkout", "--quiet", repository.tag(8))
        env = (repository.path / "migrations" / "env.py").read_text()
        repository.change({"start.sh": START, "migrations/env.py": env + WANTS}, "Migrate at the start", "starts")
        yield scene


@pytest.mark.long
def test_what_is_held_back_is_not_applied_by_the_start(app: SampleWhole) -> None:
    app.live(2)
    with app.traffic() as traffic:
        more = {"deploy_units": [UNIT], "deploy_without_migrations": True, "deploy_alembic_x": ["tenant=north"]}
        done = app.run(8, deploy_version="starts", **more)
    traffic.told("visits 2 -> 8, with a start script")
    assert done.rc == 0 and "Held back:" in done.stdout, done.stdout
    assert "start.sh:3 would migrate at the start; deploy_without_migrations leaves it out" in done.stdout, done.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert app.serving() == "8" and "visitor.company" in app.columns()
    log = "".join(path.read_text() for path in (app.root / "log").glob("web-*.log"))
    assert "flask_migrate.upgrade() was left out" in log, log
    back = app.run(8, name="rollback.yml")
    assert back.rc == 0 and app.serving() == "2", back.stdout
