# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken histories of Alembic, on PostgreSQL and SQLite: the true cause, and a repair that ends as a clean upgrade does (control node)."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sqlite3
import typing as t

import pytest

from tests.support.module import run_module
from tests.support.repairs import Site, Templates
from tests.support.revisions import execute

LITE, SERVER = [pytest.mark.parametrize("templates", [name], indirect=True) for name in ("sqlite", "postgresql")]


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Make a project with four revisions, and clean databases."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    return Templates(tmp_path_factory.mktemp(request.param), request.param, server)


@pytest.fixture
def site(templates: Templates, tmp_path: pathlib.Path) -> t.Iterator[Site]:
    """Have a database for one test."""
    made = Site(tmp_path, templates)
    try:
        yield made
    finally:
        made.drop()


def test_a_database_stamped_too_far(site: Site) -> None:
    site.at("r2")
    site.record("r4")
    done = site.proves("stamp", "stamped_too_far", plan=True)
    assert (done["before"], done["after"], site.recorded()) == (["r4"], ["r2"], ["r2"])
    assert "never applied were r3, r4" in done["diagnosis"]["sentence"]
    site.ends_as_a_clean_upgrade()


@LITE
def test_the_doctor_tells_it_too(site: Site) -> None:
    site.at("r2")
    site.record("r3")
    own = {name: value for name, value in site.params.items() if name != "backup_dest"}
    told = run_module("alembic_info", {**own, "history": "proven"})
    assert told.get("diagnosis", {}).get("cause") == "stamped_too_far", told["_output"]
    assert [one["object"] for one in told["differences"]] == ["visit"]


def test_tables_without_a_record(site: Site) -> None:
    site.at("r3")
    execute(site.url, "DROP TABLE alembic_version")
    done = site.proves("stamp", "not_recorded")
    assert site.recorded() == ["r3"]
    assert done["diagnosis"]["proven"] is True
    site.ends_as_a_clean_upgrade()


def test_objects_created_by_hand_that_are_what_a_revision_makes(site: Site) -> None:
    site.at("r1")
    execute(
        site.url,
        "ALTER TABLE visitor ADD COLUMN mail varchar(100) DEFAULT 'nobody'",
        "CREATE INDEX by_mail ON visitor (mail)",
    )
    site.proves("stamp", "applied_unrecorded")
    assert site.recorded() == ["r2"]
    site.ends_as_a_clean_upgrade()


@SERVER
def test_objects_created_by_hand_that_are_something_else(site: Site) -> None:
    site.at("r1")
    execute(site.url, "ALTER TABLE visitor ADD COLUMN mail varchar(7)", "CREATE INDEX by_name ON visitor (name)")
    for action in ("stamp", "create_missing"):
        refused = site.repair(action)
        assert refused["failed"] and refused["kind"] == "not_proven"
        assert refused["diagnosis"]["remedy"] == ""
        assert "by_name" in refused["text"] and "mail" in refused["text"]
    assert site.recorded() == ["r1"]


@SERVER
def test_an_index_of_somebody_else_can_be_named(site: Site) -> None:
    site.at("r2")
    execute(site.url, "CREATE INDEX by_name ON visitor (name)", "CREATE TABLE of_others (id integer)")
    site.record("r1")
    name = "by_name" if site.engine == "sqlite" else "public.by_name"
    assert site.repair("stamp")["kind"] == "not_proven"
    done = site.repair("stamp", ignore=[name])
    assert (done["after"], site.recorded()) == (["r2"], ["r2"])
    assert [each.rpartition(".")[2] for each in done["diagnosis"]["ignored"]] == ["of_others"]


def test_a_revision_applied_halfway(site: Site) -> None:
    site.at("r3")
    execute(site.url, "DROP INDEX by_at")
    site.record("r2")
    done = site.proves("create_missing", "applied_halfway")
    assert (done["diagnosis"]["step"], site.recorded()) == ("r3", ["r3"])
    site.ends_as_a_clean_upgrade()


def test_what_the_revision_on_record_made_is_made_again(site: Site) -> None:
    site.at("r4")
    execute(site.url, "DROP TABLE visit", "DROP INDEX by_mail", "ALTER TABLE visitor DROP COLUMN mail")
    done = site.proves("create_missing", "objects_missing", plan=True)
    assert site.recorded() == ["r4"] and done["before"] == ["r4"]
    if site.templates.server:
        assert execute(site.url, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'") == [
            ("visits",)
        ]
    site.ends_as_a_clean_upgrade()


@LITE
def test_a_database_ahead_of_the_code(site: Site) -> None:
    site.at("r3")
    project = site.own_project()
    for name in ("r3", "r4"):
        (project.versions / f"{name}.py").unlink()
    refused = site.repair("stamp")
    assert (refused.get("kind"), refused["diagnosis"]["cause"]) == ("not_proven", "ahead_of_code"), refused
    assert "r3" in refused["msg"] and "visit" in refused["text"]
    assert site.recorded() == ["r3"]


@LITE
def test_what_was_on_record_has_another_id_now(site: Site) -> None:
    site.at("r4")
    site.record("0badc0de")
    site.proves("stamp", "ahead_of_code")
    assert site.recorded() == ["r4"]
    site.ends_as_a_clean_upgrade()


@SERVER
def test_reset_needs_the_name_of_the_database(site: Site) -> None:
    site.at("r2")
    execute(site.url, "ALTER TABLE visitor ADD COLUMN shoe integer")
    name = site.called
    for confirm in (None, "yes", "other"):
        refused = site.repair("reset", revisions=["r3"], confirm=confirm)
        assert (refused["kind"], site.recorded()) == ("not_confirmed", ["r2"])
        assert name in refused["msg"]
    done = site.repair("reset", revisions=["r3"], confirm=name)
    assert (done["changed"], site.recorded()) == (True, ["r3"])
    assert site.repair("reset", revisions=["r3"], confirm=name)["changed"] is False


@LITE
def test_a_leftover_of_batch_mode(site: Site) -> None:
    site.at("r3")
    execute(site.url, "CREATE TABLE _alembic_tmp_visitor (id INTEGER NOT NULL, name VARCHAR(80) NOT NULL)")
    site.proves("drop_leftovers", "none", plan=True)
    site.ends_as_a_clean_upgrade()


@LITE
def test_a_table_that_only_its_stand_in_holds(site: Site) -> None:
    site.at("r3")
    with contextlib.closing(sqlite3.connect(site.file, isolation_level=None)) as opened:
        opened.execute("PRAGMA legacy_alter_table = ON")
        statement = opened.execute("SELECT sql FROM sqlite_master WHERE name = 'visitor'").fetchone()[0]
        opened.execute(statement.replace("visitor", "_alembic_tmp_visitor", 1).replace("VARCHAR(50)", "VARCHAR(80)"))
        opened.execute("INSERT INTO _alembic_tmp_visitor SELECT * FROM visitor")
        opened.execute("DROP TABLE visitor")
    refused = site.repair("create_missing")
    assert refused["kind"] == "rows_elsewhere" and "drop_leftovers" in refused["msg"]
    done = site.repair("drop_leftovers")
    assert done.get("changed") is True, done
    assert execute(site.url, "SELECT id, name FROM visitor ORDER BY id") == [(1, "Ada"), (2, "Grace")]
    assert site.repair("drop_leftovers")["changed"] is False
    site.proves("create_missing", "applied_halfway")
    assert site.recorded() == ["r4"]
    site.ends_as_a_clean_upgrade()


@SERVER
def test_an_invalid_index(site: Site) -> None:
    site.at("r2")
    server = site.templates.server
    assert server is not None
    server.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_mail'::regclass", site.name)
    done = site.proves("drop_leftovers", "objects_missing")
    assert done["statements"] == ['DROP INDEX CONCURRENTLY IF EXISTS "public"."by_mail"']
    site.proves("create_missing", "objects_missing")
    site.ends_as_a_clean_upgrade()


@LITE
def test_a_record_over_rows_that_nobody_can_prove_is_said(site: Site) -> None:
    site.at("r4")
    site.own_project().revision("r5", "r4", 'op.execute("UPDATE visitor SET mail = name")')
    execute(site.url, "DELETE FROM alembic_version")
    refused = site.repair("stamp")
    assert (refused["kind"], refused["diagnosis"]["fits"]) == ("not_proven", [["r4"], ["r5"]])
    done = site.repair("stamp", revisions=["r5"])
    assert (done["after"], site.recorded()) == (["r5"], ["r5"])
    assert any("r5 changes rows too" in warning for warning in done["warnings"])


@SERVER
def test_a_repair_is_recorded_and_needs_a_backup(site: Site) -> None:
    site.at("r2")
    site.record("r3")
    refused = site.repair("stamp", backup_dest=None)
    assert "backup_dest" in refused["msg"] and site.recorded() == ["r3"]
    journal = site.base / ".deploy" / "journal.jsonl"
    journal.parent.mkdir()
    begun = run_module("deploy_journal", {"path": str(journal), "state": "begin", "origin": "here"})
    assert "deploy_id" in begun, begun["_output"]
    done = run_module(
        "alembic_repair", {**site.params, "action": "stamp", "journal": str(journal), "deploy_id": begun["deploy_id"]}
    )
    assert done.get("changed") is True, done["_output"]
    assert "pa%s" not in done["_output"]
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    told = [(one["action"], one["event"]) for one in records if one["action"].startswith("database.")]
    assert told == [
        ("database.backup", "intent"),
        ("database.backup", "done"),
        ("database.repair", "intent"),
        ("database.repair", "done"),
    ]
    assert site.recorded() == ["r2"]
