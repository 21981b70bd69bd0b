# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How alembic_upgrade waits for locks, tries again and tells of failures, with drivers of both kinds (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import threading
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge._locks import LOCK_KEY

from tests.support.alembic_calls import ASYNCHRONOUS, THINGS, Upgrade, driver, ids
from tests.support.alembic_project import Project

NOTE = 'op.add_column("things", sa.Column("note", sa.Text))'
BLOCK = "with op.get_context().autocommit_block():\n    "
INDEX = BLOCK + 'op.create_index("ix_name", "things", ["name"], postgresql_concurrently=True)'
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def project_of(path: pathlib.Path, age: str, asynchronous: bool) -> Project:
    """Write a project with its first revision."""
    project = Project(path, age)
    if asynchronous:
        project.write("migrations/env.py", ASYNCHRONOUS)
    project.revision("a1", None, THINGS, 'op.drop_table("things")')
    return project


BOTH = pytest.mark.parametrize("upgrade", ["psycopg2", "asyncpg"], indirect=True)


@pytest.fixture
def upgrade(request: pytest.FixtureRequest, database: t.Any, tmp_path: pathlib.Path) -> Upgrade:
    """Give the module for a project and a database with its first revision: the newest Alembic with asyncpg, or the oldest."""
    name = getattr(request, "param", "psycopg2")
    newest = name == "asyncpg"
    project = project_of(tmp_path / "project", "newest" if newest else "oldest", newest)
    made = Upgrade(project, driver(database.url, name), tmp_path)
    made()
    return made


@contextlib.contextmanager
def session(database: t.Any, *statements: str) -> t.Iterator[t.Any]:
    """Keep a transaction of the application's role open."""
    connection = database.server.connect(database.name, database.user)
    try:
        with connection.cursor() as cursor:
            for statement in ("SET application_name = 'night report'", "BEGIN", *statements):
                cursor.execute(statement)
        yield connection
    finally:
        connection.close()


def end_once(connection: t.Any, condition: t.Callable[[], bool]) -> threading.Thread:
    """End a session as soon as a condition holds."""

    def work() -> None:
        for _attempt in range(3000):
            if condition():
                break
            time.sleep(0.01)
        connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@BOTH
def test_gives_up_in_time_and_names_the_blocker(upgrade: Upgrade, database: t.Any) -> None:
    upgrade.project.revision("a2", "a1", NOTE)
    with session(database, "SELECT * FROM things") as blocker:
        pid = blocker.info.backend_pid
        error = upgrade.fails(lock_timeout=300, retries=1)
    facts = t.cast(dict, error.result["failure"])
    assert facts["sqlstate"] == "55P03" and facts["retries"] == 1 and facts["rolled_back"]
    [found] = facts["blockers"]
    assert found["pid"] == pid and found["application_name"] == "night report" and found["relation"] == "things"
    assert f"session {pid} (night report" in error.msg and "tried 2 times" in error.msg


@BOTH
def test_tries_again_until_the_blocker_is_gone(upgrade: Upgrade, database: t.Any) -> None:
    upgrade.project.revision("a2", "a1", NOTE)
    upgrade.project.revision("a3", "a2", 'op.create_index("ix_note", "things", ["note"])')
    seen: list[int] = []

    def waited_twice() -> bool:
        now = database.execute(WAITING)[0][0]
        if not seen or seen[-1] != now:
            seen.append(now)
        return seen.count(1) >= 2

    with session(database, "SELECT * FROM things") as blocker:
        thread = end_once(blocker, waited_twice)
        done = upgrade(lock_timeout=100, retries=50)
        thread.join()
    assert ids(done["applied"]) == ["a2", "a3"] and done["applied"][0]["retries"] >= 1


@BOTH
def test_locks_of_one_statement_have_one_budget(upgrade: Upgrade, database: t.Any) -> None:
    upgrade.project.revision("a2", "a1", 'op.execute("CREATE TABLE others (id int)")')
    upgrade()
    both = 'op.execute("SET LOCAL lock_timeout = 0")\nop.execute("LOCK TABLE others, things IN ACCESS EXCLUSIVE MODE")'
    upgrade.project.revision("a3", "a2", both)
    with session(database, "SELECT * FROM things"), session(database, "SELECT * FROM others"):
        error = upgrade.fails(lock_timeout=200, retries=0)
    assert error.result["failure"]["sqlstate"] == "55P03" and error.result["failure"]["rolled_back"]


@BOTH
def test_a_concurrent_index_is_waited_for_and_an_invalid_one_made_anew(upgrade: Upgrade, database: t.Any) -> None:
    upgrade.project.revision("a2", "a1", INDEX)
    with session(database, "UPDATE things SET name = ''"):
        error = upgrade.fails(concurrent_timeout=200, retries=0)
    facts = t.cast(dict, error.result["failure"])
    assert facts["sqlstate"] == "55P03" and facts["can_go_on"]
    with session(database, "UPDATE things SET name = ''") as blocker:
        thread = end_once(blocker, lambda: bool(database.execute(WAITING)[0][0]))
        done = upgrade()
        thread.join()
    assert ids(done["applied"]) == ["a2"] and done["dropped_invalid_indexes"] == ["ix_name"]
    database.execute("UPDATE alembic_version SET version_num = 'a1'")
    assert upgrade()["kept_indexes"] == ["ix_name"]


def test_a_second_run_is_kept_out_and_told_by_whom(upgrade: Upgrade, database: t.Any) -> None:
    upgrade.project.revision("a2", "a1", NOTE)
    with session(database, f"SELECT pg_advisory_lock({LOCK_KEY})") as holder:
        error = upgrade.fails()
        assert error.result["kind"] == "locked"
        assert f"session {holder.info.backend_pid} (night report, {database.user} from 127.0.0.1" in error.msg
    assert upgrade(advisory_lock_wait=10)["changed"]
    assert database.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


@BOTH
def test_a_session_that_the_server_ends(upgrade: Upgrade) -> None:
    upgrade.project.revision("a2", "a1", f'{NOTE}\nop.execute("SELECT pg_terminate_backend(pg_backend_pid())")')
    error = upgrade.fails(retries=5)
    facts = t.cast(dict, error.result["failure"])
    assert facts["connection_lost"] and facts["retries"] == 0, error.msg
    assert error.result["after"] == ["a1"] and "Find out from the server's log" in error.msg


def test_a_run_stops_when_its_lock_is_lost(upgrade: Upgrade) -> None:
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'seamless.deploy migration%%'"
    upgrade.project.revision("a2", "a1", f'op.execute("{end} AND datname = current_database()")')
    upgrade.project.revision("a3", "a2", NOTE)
    error = upgrade.fails()
    assert error.result["kind"] == "lock_lost" and error.result["not_applied"] == ["a3"]
    assert ids(error.result["applied"]) == ["a2"] and error.result["after"] == ["a2"]


def test_a_revision_that_somebody_else_records_meanwhile(upgrade: Upgrade, database: t.Any) -> None:
    record = "UPDATE alembic_version SET version_num = 'b7'"
    upgrade.project.revision(
        "a2",
        "a1",
        f"{NOTE}\nimport psycopg2\nhand = psycopg2.connect({database.url!r})\n"
        f'hand.cursor().execute("{record}")\nhand.commit()\nhand.close()',
    )
    error = upgrade.fails()
    assert "expected to match one row" in error.msg and error.result["after"] == ["b7"], error.msg
    assert error.result["failure"]["rolled_back"] and error.result["failure"]["operation"]["number"] == 0


def test_a_deferred_constraint_that_fails_at_the_end(upgrade: Upgrade) -> None:
    work = (
        'op.execute("ALTER TABLE things ADD parent int REFERENCES things DEFERRABLE INITIALLY DEFERRED")\n'
        'op.execute("INSERT INTO things (id, parent) VALUES (1, 7)")'
    )
    upgrade.project.revision("a2", "a1", work)
    error = upgrade.fails()
    facts = t.cast(dict, error.result["failure"])
    assert facts["sqlstate"] == "23503" and facts["rolled_back"] and error.result["after"] == ["a1"]
    assert "(1)" not in error.msg and "(7)" not in error.msg  # DETAIL quotes rows
