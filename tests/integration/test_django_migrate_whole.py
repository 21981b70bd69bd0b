# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate with the whole plan in one transaction (control node)."""

from __future__ import annotations

import pathlib
import threading
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal

from tests.support.django_calls import Migrate, ids, tables
from tests.support.django_project import SETTINGS, Project, django_python

ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
CATALOG = "SELECT attrelid::regclass::text, attname, atttypid FROM pg_attribute WHERE attrelid > 16384 ORDER BY 1, 2"
WAITED = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query LIKE 'ALTER TABLE%' AND clock_timestamp() - query_start > interval '500 ms'"
)
RECEIVER = (
    "from django.db import connection\nfrom django.db.models.signals import post_migrate\n\n"
    "def receiver(sender, **kwargs):\n    if sender.label == 'things':\n        {}\n\n"
    "post_migrate.connect(receiver, dispatch_uid='things', weak=False)\n"
)


def run_sql(*statements: str) -> str:
    """Give operations."""
    return "".join(f"migrations.RunSQL({statement!r}),\n" for statement in statements)


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


@pytest.fixture
def fresh(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and an empty database."""
    migrate = Migrate(project, django_python(), database.url, tmp_path)
    migrate.params["one_transaction"] = True
    return migrate


@pytest.fixture
def migrate(fresh: Migrate) -> Migrate:
    """Give the same with the first migration applied."""
    fresh()
    return fresh


def test_everything_is_one_transaction(fresh: Migrate, project: Project, database: t.Any) -> None:
    keep = "INSERT INTO seen SELECT txid_current()"
    project.migration("0002_seen", run_sql("CREATE TABLE seen (id bigint)", keep), after="0001_initial")
    project.migration("0003_seen", run_sql(keep), after="0002_seen")
    project.write("things/management/__init__.py", RECEIVER.format(f"connection.cursor().execute({keep!r})"))
    done = fresh()
    assert ids(done["plan"]) == ids(done["applied"]) and done["pending"] == []
    assert database.execute("SELECT count(*), count(DISTINCT id) FROM seen") == [(3, 1)]
    assert {record["statements"] for record in done["applied"] if record["id"] == "things.0003_seen"} <= {
        2,
        3,
    }  # no savepoint among them


def test_failure_leaves_nothing_of_any(
    fresh: Migrate, project: Project, database: t.Any, tmp_path: pathlib.Path
) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    project.migration("0003_bad", run_sql("ALTER TABLE nothing ADD x int"), after="0002_note")
    project.migration("0004_never", run_sql("CREATE TABLE never (id int)"), after="0003_bad")
    journal = Journal(str(tmp_path / "journal.jsonl"))
    error = fresh.fails(journal=journal, deploy_id="d1")
    facts = t.cast(dict, error.result["failure"])
    assert facts["migration"] == "things.0003_bad" and facts["rolled_back"] and facts["sqlstate"] == "42P01"
    assert error.result["applied"] == [] and not error.result["changed"] and tables(database) == []
    assert "things.0002_note ran before it in the same transaction and went with it" in error.msg
    assert "Not reached: things.0004_never." in error.msg and "rolled back completely" in error.msg
    last = journal.read()[-1]
    assert last.event == "failed" and last.detail["applied"] == [] and not last.detail["left_behind"]


@pytest.mark.parametrize(
    "work", ["raise ValueError('no receiver today')", "connection.cursor().execute('SELECT nothing')"]
)
def test_failed_receiver_leaves_nothing_either(fresh: Migrate, project: Project, database: t.Any, work: str) -> None:
    project.write("things/management/__init__.py", RECEIVER.format(work))
    error = fresh.fails()
    assert error.result["kind"] == "signal" and "post_migrate" in error.msg and "no migration was applied" in error.msg
    assert error.result["applied"] == [] and tables(database) == []


DEFERRED = (
    "ALTER TABLE things_thing ADD other bigint",
    "ALTER TABLE things_thing ADD CONSTRAINT late FOREIGN KEY (other) REFERENCES things_thing (id) DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE things_thing ADD CONSTRAINT soon UNIQUE (other) DEFERRABLE INITIALLY IMMEDIATE",
)


def test_deferred_constraints_are_checked_after_each_migration(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    database.execute("INSERT INTO things_thing (name) VALUES ('row')")
    project.migration("0002_late", run_sql(*DEFERRED), after="0001_initial")
    project.migration("0003_wrong", run_sql("UPDATE things_thing SET other = 99"), after="0002_late")
    project.migration("0004_never", run_sql("SELECT 1"), after="0003_wrong")
    error = migrate.fails()
    facts = t.cast(dict, error.result["failure"])
    assert facts["migration"] == "things.0003_wrong" and facts["sqlstate"] == "23503" and facts["rolled_back"]
    assert "other" not in [row[1] for row in database.execute(CATALOG) if row[0] == "things_thing"]


def test_constraints_are_as_late_as_in_transactions_of_their_own(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    database.execute("INSERT INTO things_thing (id, name) VALUES (1, 'row'), (2, 'row')")
    project.migration("0002_late", run_sql(*DEFERRED), after="0001_initial")
    wrong_for_a_moment = ("UPDATE things_thing SET other = 99 WHERE id = 1", "UPDATE things_thing SET other = id")
    project.migration("0003_wrong", run_sql(*wrong_for_a_moment), after="0002_late")
    project.migration("0004_alter", run_sql("ALTER TABLE things_thing ADD x int"), after="0003_wrong")
    twice = "DO $$ BEGIN UPDATE things_thing SET other = 1; RAISE EXCEPTION 'too late'; EXCEPTION WHEN unique_violation THEN NULL; END $$"
    project.migration("0005_soon", run_sql(twice), after="0004_alter")
    assert len(migrate()["applied"]) == 4
    assert database.execute("SELECT id, other FROM things_thing ORDER BY id") == [(1, 1), (2, 2)]


def test_failure_of_a_late_check_of_a_receiver(fresh: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_late", run_sql(*DEFERRED), after="0001_initial")
    insert = "connection.cursor().execute(\"INSERT INTO things_thing (name, other) VALUES ('row', 99)\")"
    project.write("things/management/__init__.py", RECEIVER.format(insert))
    error = fresh.fails()
    facts = t.cast(dict, error.result["failure"])
    assert facts["sqlstate"] == "23503" and facts["rolled_back"] and error.result["applied"] == []
    assert "the end of the transaction of all migrations failed" in error.msg and tables(database) == []


def test_migration_that_needs_to_run_alone_is_refused(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    project.migration("0003_alone", run_sql("SELECT 1"), after="0002_note", head="atomic = False")
    before = database.execute(CATALOG)
    for check_mode in (True, False):
        error = migrate.fails(check_mode=check_mode)
        assert "things.0003_alone cannot run in a transaction (atomic = False)" in error.msg
    assert database.execute(CATALOG) == before
    assert ids(migrate(migrations=["things.0002_note"])["applied"]) == ["things.0002_note"]


def test_migration_that_ends_the_transaction_is_not_said_to_be_rolled_back(migrate: Migrate, project: Project) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    project.migration("0003_commit", run_sql("CREATE TABLE stays (id int); COMMIT"), after="0002_note")
    error = migrate.fails()
    facts = t.cast(dict, error.result["failure"])
    assert facts["transaction_ended"] and not facts["rolled_back"]
    assert "ended the transaction" in error.msg and "take COMMIT and ROLLBACK out" in error.msg
    assert ids(t.cast(list, error.result["applied"])) == ["things.0002_note"]


def test_session_that_ends_leaves_nothing(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    project.migration("0003_end", run_sql("SELECT pg_terminate_backend(pg_backend_pid())"), after="0002_note")
    error = migrate.fails()
    assert t.cast(dict, error.result["failure"])["rolled_back"] and error.result["applied"] == []
    assert "note" not in [row[1] for row in database.execute(CATALOG) if row[0] == "things_thing"]


def test_locks_are_waited_for_and_not_only_for_the_budget(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    blocker = database.server.connect(database.name, database.user)
    blocker.cursor().execute("BEGIN; SELECT * FROM things_thing")
    seen: list[bool] = []

    def end_when_waited_for() -> None:
        for _attempt in range(3000):
            if database.execute(WAITED)[0][0]:
                seen.append(True)
                break
            time.sleep(0.01)
        blocker.close()

    thread = threading.Thread(target=end_when_waited_for)
    thread.start()
    [record] = migrate(lock_timeout=50, retry_time=60)["applied"]
    thread.join()
    assert seen and record["retries"] == 0


def test_backwards_too(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    migrate()
    failing = 'migrations.RunSQL("SELECT 1", "SELECT nothing"),'
    project.migration("0003_stays", failing, after="0002_note")
    migrate()
    project.migration(
        "0004_mark", 'migrations.AddField("thing", "mark", models.TextField(null=True)),', after="0003_stays"
    )
    migrate()
    error = migrate.fails(app="things", name="0001")
    assert error.result["applied"] == []
    assert {"note", "mark"} <= {row[1] for row in database.execute(CATALOG) if row[0] == "things_thing"}
    assert database.execute("SELECT count(*) FROM django_migrations WHERE app = 'things'") == [(4,)]


def test_other_engines_are_refused(fresh: Migrate, project: Project) -> None:
    engine = (
        f'DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {str(project.path / "db")!r}}}}}\n'
    )
    project.write("site1/settings.py", SETTINGS + engine)
    assert "needs PostgreSQL, and this is sqlite" in fresh.fails().msg
