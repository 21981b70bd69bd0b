# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate: limits of statements, of several locks together, and sessions in the way that it ends (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import threading
import time
import typing as t

import pytest
from psycopg2 import sql

from tests.support.django_calls import Migrate, ids
from tests.support.django_project import Project, django_python

ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
KEEP = (
    "INSERT INTO limits SELECT name, setting::int FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout')"
)
SLOW = (
    "CREATE FUNCTION slow(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_sleep(0.5); RETURN $1; END $$"
)
BUILD = "CREATE INDEX CONCURRENTLY things_slow ON things_thing (slow(name))"
WAITED = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query LIKE 'ALTER TABLE%' AND clock_timestamp() - query_start > interval '500 ms'"
)


def run_sql(*statements: str) -> str:
    """Give operations."""
    return "".join(f"migrations.RunSQL({statement!r}),\n" for statement in statements)


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


@pytest.fixture
def migrate(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and a database with its first migration and a thing in it."""
    migrate = Migrate(project, django_python(), database.url, tmp_path)
    migrate()
    database.execute("INSERT INTO things_thing (name) VALUES ('one')")
    return migrate


@contextlib.contextmanager
def session(database: t.Any, statement: str, user: str | None = None) -> t.Iterator[t.Any]:
    """Keep a transaction open, of the application's role or of another one."""
    connection = database.server.connect(database.name, user or database.user)
    try:
        connection.cursor().execute(f"SET application_name = 'night report'; BEGIN; {statement}")
        yield connection
    finally:
        connection.close()


@pytest.fixture
def stranger(database: t.Any) -> t.Iterator[str]:
    """Make a role that may read the things, and give its name."""
    name = f"{database.name}_stranger"
    database.server.passwords[name] = "word"
    for text in (
        "CREATE ROLE {0} LOGIN PASSWORD 'word'",
        "GRANT USAGE ON SCHEMA public TO {0}",
        "GRANT SELECT ON things_thing TO {0}",
    ):
        database.execute(sql.SQL(text).format(sql.Identifier(name)))
    yield name
    database.execute(sql.SQL("DROP OWNED BY {0}").format(sql.Identifier(name)))
    database.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(name)))


def test_statement_that_takes_too_long_is_ended(migrate: Migrate, project: Project) -> None:
    project.migration("0002_slow", ADD_NOTE + run_sql("SELECT pg_sleep(30)"), after="0001_initial")
    error = migrate.fails(statement_timeout=200, retries=5)
    facts = t.cast(dict, error.result["failure"])
    assert facts["sqlstate"] == "57014" and facts["retries"] == 0 and facts["rolled_back"]
    assert "raise `statement_timeout`" in error.msg


@pytest.mark.parametrize("head", ["", "atomic = False"])
def test_limits_are_set_for_migrations_of_both_kinds(
    migrate: Migrate, project: Project, database: t.Any, head: str
) -> None:
    database.execute("CREATE TABLE limits (name text, ms int)")
    database.execute(f'ALTER TABLE limits OWNER TO "{database.user}"')
    python = f"def work(apps, editor):\n    editor.execute({KEEP!r})\n"
    operations = "migrations.RunPython(work, atomic=True)," + run_sql(KEEP)
    project.migration("0002_keep", operations, after="0001_initial", head=head, before=python)
    receiver = f"def receiver(**kwargs):\n    connection.cursor().execute({KEEP.replace('name, setting', 'upper(name), setting')!r})\n\n"
    project.write(
        "things/management/__init__.py",
        "from django.db import connection\nfrom django.db.models.signals import post_migrate\n\n"
        f"{receiver}post_migrate.connect(receiver, dispatch_uid='things', weak=False)\n",
    )
    migrate(lock_timeout=300, statement_timeout=7000)
    assert database.execute(
        "SELECT name, ms, count(*) FROM limits WHERE name = lower(name) GROUP BY 1, 2 ORDER BY 1"
    ) == [
        ("lock_timeout", 300, 2),
        ("statement_timeout", 7000, 2),
    ]
    assert database.execute("SELECT DISTINCT ms FROM limits WHERE name <> lower(name)") == [(0,)]


@pytest.mark.parametrize(("option", "of_the_role"), [(200, 0), (0, 200)])
def test_concurrent_index_has_no_limit_but_what_follows_has(
    migrate: Migrate, project: Project, database: t.Any, option: int, of_the_role: int
) -> None:
    database.execute("CREATE TABLE limits (name text, ms int)")
    database.execute(f'ALTER TABLE limits OWNER TO "{database.user}"')
    database.execute(SLOW)
    database.execute(f'ALTER ROLE "{database.user}" SET statement_timeout = {of_the_role}')
    with pytest.raises(Exception, match="statement timeout"):
        database.execute("SET statement_timeout = 200; SELECT slow(name) FROM things_thing")
    project.migration("0002_index", run_sql(BUILD, KEEP), after="0001_initial", head="atomic = False")
    done = migrate(statement_timeout=option)
    assert ids(done["applied"]) == ["things.0002_index"]
    assert database.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_slow'::regclass") == [(True,)]
    assert database.execute("SELECT ms FROM limits WHERE name = 'statement_timeout'") == [(200,)]


@pytest.mark.parametrize("head", ["", "atomic = False"])
def test_locks_of_one_statement_have_one_budget(migrate: Migrate, project: Project, database: t.Any, head: str) -> None:
    database.execute("CREATE TABLE second (id int)")
    database.execute(f'ALTER TABLE second OWNER TO "{database.user}"')
    both = "ALTER TABLE things_thing ADD note text; ALTER TABLE second ADD note text"
    project.migration("0002_both", run_sql(both), after="0001_initial", head=head)
    with session(database, "SELECT * FROM things_thing") as first, session(database, "SELECT * FROM second"):

        def end_the_first() -> None:
            for _attempt in range(3000):
                if database.execute(WAITED)[0][0]:
                    break
                time.sleep(0.01)
            first.close()

        thread = threading.Thread(target=end_the_first)
        thread.start()
        error = migrate.fails(lock_timeout=2500, retries=0)
        thread.join()
    facts = t.cast(dict, error.result["failure"])
    assert facts["sqlstate"] == "55P03" and facts["rolled_back"]
    assert "canceled after waiting 2500 ms for locks, all locks of the transaction together" in error.msg
    assert facts["blockers"][0]["relation"] == "second"
    assert ids(migrate()["applied"]) == ["things.0002_both"]


def test_old_session_in_the_way_is_ended_when_it_is_named(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    with session(database, "SELECT * FROM things_thing") as blocker:
        pid = blocker.info.backend_pid
        for options in ({}, {"end_blockers_of": ["*"]}, {"end_blockers_after": 1, "end_blockers_of": ["day*"]},
                        {"end_blockers_after": 3600, "end_blockers_of": ["*"]}):  # fmt: skip
            error = migrate.fails(**options)
            assert error.result["ended_blockers"] == []
        done = migrate(end_blockers_after=1, end_blockers_of=["psql", "night*"], retries=50)
    [ended] = done["ended_blockers"]
    assert ended["pid"] == pid and ended["application"] == "night report" and ended["seconds"] >= 1
    assert ids(done["applied"]) == ["things.0002_note"] and "night report" not in str(done["warnings"])


def test_session_of_a_superuser_is_never_ended(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    with session(database, "SELECT * FROM things_thing", "postgres") as blocker:
        error = migrate.fails(end_blockers_after=1, end_blockers_of=["*"])
        assert f"Session {blocker.info.backend_pid} (night report) was not ended: it is a superuser's" in error.msg
        blocker.cursor().execute("SELECT 1")


def test_privileges_that_are_missing_are_told(
    migrate: Migrate, project: Project, database: t.Any, stranger: str
) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    options: dict[str, t.Any] = {"end_blockers_after": 1, "end_blockers_of": ["night report"]}
    with session(database, "SELECT * FROM things_thing", stranger) as blocker:
        assert "its age cannot be seen; GRANT pg_read_all_stats" in migrate.fails(**options).msg
        database.execute(f'GRANT pg_read_all_stats TO "{database.user}"')
        error = migrate.fails(**options, retries=6)
        assert "could not be ended" in error.msg and "GRANT pg_signal_backend" in error.msg
        blocker.cursor().execute("SELECT 1")
        database.execute(f'GRANT pg_signal_backend TO "{database.user}"')
        done = migrate(**options, retries=50)
        assert [ended["pid"] for ended in done["ended_blockers"]] == [blocker.info.backend_pid]


def test_age_without_names_is_refused(migrate: Migrate) -> None:
    assert "name the applications that may be ended" in migrate.fails(end_blockers_after=5).msg
