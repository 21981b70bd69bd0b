# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal whose process is killed: production is untouched, and the next one leaves nothing behind (control node)."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest

from tests.integration.test_rehearsal_data import Place, quiet
from tests.support.django_project import django_python
from tests.support.module import finish_module, run_module, start_module

#: A check that takes for ever as soon as rows are restored.
SLOW = """
CREATE FUNCTION slow(int) RETURNS bool LANGUAGE sql AS 'SELECT pg_sleep(0) IS NOT NULL';
ALTER TABLE child ADD CONSTRAINT slow CHECK (slow(id));
CREATE OR REPLACE FUNCTION slow(int) RETURNS bool LANGUAGE sql AS 'SELECT pg_sleep(600) IS NOT NULL';
"""
#: For ever, where there are rows.
SLEEPS = "ALTER TABLE child ADD note int; SELECT pg_sleep(600) FROM child"
SLEEPS_IN_PYTHON = """
def f(apps, editor):
    editor.execute("CREATE TABLE reached (id int)")
    editor.execute("COMMIT")
    __import__("time").sleep(600)
"""
#: (what is rehearsed on, what the migration does, SQL that says that the moment has come)
CREATED = "SELECT 1 FROM pg_database WHERE datname LIKE 'seamless_rehearsal_%'"
BUSY = "SELECT 1 FROM pg_stat_activity WHERE datname ~ '^seamless_rehearsal_|_scratch$' AND state = 'active' AND query LIKE '%{}%'"
MOMENTS = {
    "created": ("schema", quiet(SLEEPS), CREATED),
    "restoring": ("data", quiet(SLEEPS), BUSY.format("COPY")),
    "migrating": ("data", quiet(SLEEPS), BUSY.format("pg_sleep(600)")),
    "lent": ("data", quiet(SLEEPS), BUSY.format("pg_sleep(600)")),
    "code": (
        "schema",
        "migrations.RunPython(f),",
        "SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT' AND datname LIKE 'seamless_r%'",
    ),
}
#: Without rows and with them; the others differ from these in where they are.
LEAN = ("created", "migrating")


def until(asked: t.Callable[[], t.Any]) -> None:
    deadline = time.monotonic() + 60
    while not asked():
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "moment", [each if each in LEAN else pytest.param(each, marks=pytest.mark.long) for each in MOMENTS]
)
def test_a_killed_rehearsal_touches_nothing_and_is_cleared_away(
    tmp_path: pathlib.Path, database: t.Any, moment: str
) -> None:
    place, server = Place(tmp_path, database), database.server
    kind, operation, come = MOMENTS[moment]
    if moment == "restoring":
        database.execute(SLOW)
        place.backup = place.made()
    place.change(operation, before=SLEEPS_IN_PYTHON, head="atomic = False")
    scratch = f"{database.name}_scratch"
    if moment == "lent":
        server.create_database(scratch, database.user, database.password)
    params = {
        "chdir": str(place.project.path),
        "python": django_python(),
        "environment": {"DATABASE_URL": database.url},
        "bridge_path": str(tmp_path / "bridge"),
        "login_url": database.url if moment == "lent" else database.admin_url,
        "scratch_database": scratch if moment == "lent" else None,
        "database_name": database.name,
        "client_path": str(server.bin_dir),
    }
    before = place.state()
    process = start_module("migration_rehearse", {**params, "rehearsal": kind, "backup": place.backup})
    try:
        until(lambda: server.execute(come) or process.poll() is not None)
        assert process.poll() is None, finish_module(process)
    finally:
        process.kill()
    process.communicate()
    assert place.state()[:2] == before[:2]
    place.change(quiet("ALTER TABLE child ADD note int"))
    result = run_module("migration_rehearse", {**params, "rehearsal": "schema"})
    assert result["rehearsal"] == "schema", result
    assert place.state() == before
    assert not database.execute(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
    )
    until(lambda: not interpreters(place))
    if moment == "lent":
        assert not server.execute("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace", scratch)


def interpreters(place: Place) -> list[str]:
    """Give the processes that work in the project."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == place.project.path.resolve():
                found.append(process.name)
        except OSError:
            continue
    return found
