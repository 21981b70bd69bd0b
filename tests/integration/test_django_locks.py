# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How django_migrate waits for locks, gives up, tries again and says who was in the way (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import threading
import time
import typing as t

import pytest

from tests.support.django_calls import Migrate, ids
from tests.support.django_project import Project, django_python

ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
INDEX = 'AddIndexConcurrently("thing", models.Index(fields=["name"], name="things_name")),'
CONCURRENT = "from django.contrib.postgres.operations import AddIndexConcurrently\n"
UNIQUE = 'migrations.RunSQL("CREATE UNIQUE INDEX CONCURRENTLY things_unique ON things_thing (name)"),'
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

LONG = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND clock_timestamp() - query_start > interval '{} ms'"
)


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


@pytest.fixture
def migrate(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and a fresh database."""
    migrate = Migrate(project, django_python(), database.url, tmp_path)
    migrate()
    return migrate


@contextlib.contextmanager
def session(database: t.Any, *statements: str) -> t.Iterator[t.Any]:
    """Keep a transaction of the application's role open."""
    connection = database.server.connect(database.name, database.user)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET application_name = 'night report'")
            cursor.execute("BEGIN")
            for statement in statements:
                cursor.execute(statement)
        yield connection
    finally:
        connection.close()


def end_once(database: t.Any, connection: t.Any, condition: t.Callable[[], bool]) -> threading.Thread:
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


def test_gives_up_in_time_and_names_the_blocker(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    with session(database, "SELECT * FROM things_thing") as blocker:
        pid = blocker.info.backend_pid
        error = migrate.fails(lock_timeout=300, retries=1)
    facts = t.cast(dict, error.result["failure"])
    assert facts["sqlstate"] == "55P03" and facts["retries"] == 1 and facts["rolled_back"]
    [found] = facts["blockers"]
    assert found["pid"] == pid and found["application_name"] == "night report" and found["user"] == database.user
    assert found["state"] == "idle in transaction" and found["relation"] == "things_thing"
    assert f"session {pid} (night report" in error.msg and "idle in transaction" in error.msg
    assert "tried 2 times" in error.msg and "raise `lock_timeout` or `retries`" in error.msg


def test_tries_again_until_the_blocker_is_gone(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    seen: list[int] = []

    def waited_twice() -> bool:
        now = database.execute(WAITING)[0][0]
        if not seen or seen[-1] != now:
            seen.append(now)
        return seen.count(1) >= 2

    with session(database, "SELECT * FROM things_thing") as blocker:
        thread = end_once(database, blocker, waited_twice)
        done = migrate(lock_timeout=100, retries=50)
        thread.join()
    [record] = done["applied"]
    assert record["id"] == "things.0002_note" and record["retries"] >= 1


def test_deadlock_is_tried_again(migrate: Migrate, project: Project, database: t.Any) -> None:
    code = "raised = []\n\ndef work(apps, editor):\n    if not raised:\n        raised.append(1)\n        editor.execute(RAISE)\n"
    code += "\nRAISE = \"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '40P01'; END $$\"\n"
    project.migration("0002_work", ADD_NOTE + "migrations.RunPython(work),", after="0001_initial", before=code)
    [record] = migrate()["applied"]
    assert record["retries"] == 1


def test_other_errors_are_not_tried_again(migrate: Migrate, project: Project) -> None:
    project.migration("0002_bad", 'migrations.RunSQL("ALTER TABLE nothing ADD x int"),', after="0001_initial")
    error = migrate.fails(retries=5)
    assert t.cast(dict, error.result["failure"])["retries"] == 0


def test_later_statements_get_what_is_left_of_the_budget(migrate: Migrate, project: Project, database: t.Any) -> None:
    keep = "INSERT INTO limits SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'"
    statements = ["CREATE TABLE limits (ms int)", keep, "SELECT pg_sleep(0.2)", keep, "SELECT pg_sleep(1)", keep]
    operations = "".join(f"migrations.RunSQL({statement!r}),\n" for statement in statements)
    project.migration("0002_limits", operations, after="0001_initial")
    migrate(lock_timeout=1000)
    first, second, third = (row[0] for row in database.execute("SELECT ms FROM limits"))
    assert 1000 >= first > second > third == 1


def test_no_limit_is_no_limit(migrate: Migrate, project: Project, database: t.Any) -> None:
    keep = "CREATE TABLE limits AS SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'"
    project.migration("0002_limits", f"migrations.RunSQL({keep!r}),", after="0001_initial")
    migrate(lock_timeout=0)
    assert database.execute("SELECT * FROM limits") == [(0,)]


def test_concurrent_index_outlives_the_short_limit(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_index", INDEX, after="0001_initial", head="atomic = False", before=CONCURRENT)
    limit = 50
    with session(database, "INSERT INTO things_thing (name) VALUES ('held')") as writer:
        long_waiting = LONG.format(limit * 10)
        thread = end_once(database, writer, lambda: bool(database.execute(long_waiting)[0][0]))
        done = migrate(lock_timeout=limit, retries=0)
        thread.join()
    assert ids(done["applied"]) == ["things.0002_index"]
    assert database.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_name'::regclass") == [(True,)]


def test_concurrent_index_with_a_limit_of_its_own_leaves_nothing_invalid(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    project.migration("0002_index", INDEX, after="0001_initial", head="atomic = False", before=CONCURRENT)
    with session(database, "INSERT INTO things_thing (name) VALUES ('held')"):
        error = migrate.fails(concurrent_timeout=100, retries=1)
    assert t.cast(dict, error.result["failure"])["sqlstate"] == "55P03"
    done = migrate()
    assert ids(done["applied"]) == ["things.0002_index"]
    assert database.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]


def test_invalid_index_of_an_earlier_attempt_is_made_anew(migrate: Migrate, project: Project, database: t.Any) -> None:
    database.execute("INSERT INTO things_thing (name) VALUES ('same'), ('same')")
    for name in ("things_unique", "other_unique"):  # as a migrate by hand leaves them
        with contextlib.suppress(Exception):
            database.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON things_thing (name)")
    project.migration("0002_unique", UNIQUE, after="0001_initial", head="atomic = False")
    assert "23505" in migrate.fails().msg
    database.execute("DELETE FROM things_thing")
    with contextlib.suppress(Exception):
        database.execute("INSERT INTO things_thing (name) VALUES ('same'), ('same')")
        database.execute("CREATE UNIQUE INDEX CONCURRENTLY things_unique ON things_thing (name)")
    database.execute("DELETE FROM things_thing")
    done = migrate()
    assert done["dropped_invalid_indexes"] == ["things_unique"]
    rows = database.execute(
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'things_thing'::regclass"
    )
    assert ("things_unique", True) in rows and ("other_unique", False) in rows


def test_statement_without_a_transaction_is_tried_again_by_itself(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    extra = 'migrations.AddField("thing", "extra", models.TextField(null=True)),'
    create = 'migrations.RunSQL("CREATE TABLE first_step (id int)"),'
    project.migration("0002_steps", create + ADD_NOTE + extra, after="0001_initial", head="atomic = False")
    with session(database, "SELECT * FROM things_thing") as blocker:
        thread = end_once(database, blocker, lambda: bool(database.execute(WAITING)[0][0]))
        done = migrate(lock_timeout=100, retries=50)
        thread.join()
    assert ids(done["applied"]) == ["things.0002_steps"]


def test_second_run_is_kept_out_and_told_by_whom(migrate: Migrate, project: Project, database: t.Any) -> None:
    from ansible_collections.seamless.deploy.plugins.module_utils._bridge._locks import LOCK_KEY as key

    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    with session(database, f"SELECT pg_advisory_lock({key})") as holder:
        error = migrate.fails()
        assert error.result["kind"] == "locked"
        assert f"session {holder.info.backend_pid} (night report, {database.user} from 127.0.0.1" in error.msg
    assert migrate(advisory_lock_wait=10)["changed"]


def test_lock_is_given_back_and_other_databases_are_free(migrate: Migrate, database: t.Any) -> None:
    from ansible_collections.seamless.deploy.plugins.module_utils._bridge._locks import LOCK_KEY as key

    elsewhere = database.server.connect("postgres")
    try:
        with elsewhere.cursor() as cursor:
            cursor.execute(f"SELECT pg_try_advisory_lock({key})")
            assert cursor.fetchone() == (True,)
        assert not migrate()["changed"]
    finally:
        elsewhere.close()
    assert database.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_run_stops_when_its_lock_is_lost(migrate: Migrate, project: Project) -> None:
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'seamless.deploy migration%'"
    end += " AND datname = current_database()"
    project.migration("0002_end", f"migrations.RunSQL({end!r}),", after="0001_initial")
    project.migration("0003_note", ADD_NOTE, after="0002_end")
    error = migrate.fails()
    assert error.result["kind"] == "lock_lost" and error.result["not_applied"] == ["things.0003_note"]


def test_every_transaction_has_a_budget_of_its_own_and_receivers_have_none(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    keep = "INSERT INTO limits SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'"
    statements = ["CREATE TABLE limits (ms int)", "SELECT pg_sleep(0.3)", keep]
    for name, after in (("0002_limits", "0001_initial"), ("0003_limits", "0002_limits")):
        operations = "".join(f"migrations.RunSQL({statement!r}),\n" for statement in statements)
        project.migration(name, operations, after=after)
        statements = [keep]
    work = f"def work(apps, editor):\n    editor.execute({keep!r})\n"
    atomic = "migrations.RunPython(work, atomic=True),"
    sleep = 'migrations.RunSQL("ALTER TABLE limits ADD IF NOT EXISTS x int"),migrations.RunSQL("SELECT pg_sleep(0.3)"),'
    project.migration("0004_python", sleep + atomic, after="0003_limits", head="atomic = False", before=work)
    project.write(
        "things/management/__init__.py",
        "from django.db import connection, transaction\nfrom django.db.models.signals import post_migrate\n\n"
        f"def receiver(**kwargs):\n    with transaction.atomic(), connection.cursor() as cursor:\n        cursor.execute({keep!r})\n\n"
        "post_migrate.connect(receiver, dispatch_uid='things', weak=False)\n",
    )
    migrate(lock_timeout=200)
    seen = [row[0] for row in database.execute("SELECT ms FROM limits")]
    assert seen[:3] == [1, 200, 200] and set(seen[3:]) == {0}
