# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal on a restored backup: the rows that break a migration, its limits, a database lent for it (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _rehearsal
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._connection import parse_url
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _limits
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._limits import DataLimits
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._rehearse import Rehearsal
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _json
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands

from tests.support.django_calls import Migrate
from tests.support.django_project import Project, django_python, run_command
from tests.support.module import run_module

PLENTY = DataLimits(120, 10**10)
ROWS = """
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, email text, parent_id int, price int, code text);
INSERT INTO parent VALUES (1);
CREATE TABLE bare AS SELECT generate_series(1, 300) AS n;
INSERT INTO child VALUES (1, 'same@secret', 1, 5, 'ab'), (2, 'same@secret', 7, -5, 'abcdef'), (3, NULL, 9, 5, 'ab');
"""


class Place:
    """A project, its database with rows, a backup of it, and the ways to rehearse."""

    def __init__(self, base: pathlib.Path, database: t.Any, **backup: t.Any) -> None:
        self.database = database
        self.project = Project(base / "project")
        self.migrate = Migrate(self.project, django_python(), database.url, base)
        self.migrate()
        self.admin = parse_url(database.admin_url, "admin", "login_url")
        database.execute(f'SET ROLE "{database.user}"; {ROWS}')
        database.execute("INSERT INTO things_thing (name) SELECT 'n' || g FROM generate_series(1, 1000) AS g")
        self.backup_options = {
            "databases": [database.name],
            "dest": str(base / "backups"),
            "login_url": database.admin_url,
            "client_path": str(database.server.bin_dir),
            "min_free": "0",
            **backup,
        }
        self.backup = self.made()

    def made(self) -> str:
        result = run_module("pg_backup", self.backup_options)
        return str(result["backups"][0]["path"])

    def change(self, *operations: str, head: str = "", before: str = "") -> None:
        self.project.migration("0002_change", "\n".join(operations), "0001_initial", head, before)

    def rehearsal(self, url: str = "", **more: t.Any) -> Rehearsal:
        bridge = Bridge(run_command, self.migrate.params, DJANGO, str(self.migrate.base / "bridge"))
        source = parse_url(url, "admin", "login_url") if url else self.admin
        client_path = str(self.database.server.bin_dir)
        return Rehearsal(source.to_database(self.database.name), "", bridge, run_command, "now", client_path, **more)

    def state(self) -> list[t.Any]:
        """What must never change: production's catalog and rows; and the scratch databases."""
        catalog = self.rehearsal().production()
        rows = [self.database.execute(f"SELECT t::text FROM {table.name} AS t ORDER BY 1") for table in catalog.tables]
        names = self.database.execute("SELECT datname FROM pg_database WHERE datname LIKE 'seamless%'")
        return [_json.fingerprint(catalog), rows, names]


@pytest.fixture
def place(tmp_path: pathlib.Path, database: t.Any) -> Place:
    """Migrate, fill, back up."""
    return Place(tmp_path, database)


def quiet(sql: str) -> str:
    return f"migrations.RunSQL({sql!r}, 'SELECT 1'),"


def test_rows_that_break_a_migration_are_counted_and_named_by_their_keys(place: Place) -> None:
    place.change(
        quiet(
            "ALTER TABLE child ADD CHECK (price > 0), ADD UNIQUE (email), ALTER email SET NOT NULL, ALTER code TYPE varchar(3)"
        ),
        quiet("ALTER TABLE child ADD FOREIGN KEY (parent_id) REFERENCES parent"),
    )
    before = place.state()
    schema, _answer = place.rehearsal().on_schema()
    assert schema.kind == "schema" and not _rehearsal.broken(schema)
    rehearsed, answer = place.rehearsal().on_data(place.backup, PLENTY, schema.catalogs)
    assert place.state() == before and before[2] == []
    evidence = rehearsed.evidence()[0]
    assert rehearsed.kind == evidence.rehearsal == "data"
    assert [(one.object, one.kind, one.count, one.samples) for one in evidence.violations] == [
        ("public.child.code", "range", 1, ["2"]),
        ("public.child.email", "null", 1, ["3"]),
        ("public.child.email", "duplicate", 2, ["1", "2"]),
        ("public.child.parent_id", "orphan", 2, ["2", "3"]),
        ("public.child.price", "check", 1, ["2"]),
    ]
    said = _rehearsal.broken(rehearsed)
    assert "failed on a scratch copy with the data of a backup" in said and "secret" not in said
    assert "1 row has NULL in public.child.email, which the migration forbids (primary key 3)." in said
    release = Demands("r")
    findings = _rehearsal.verdicts(rehearsed, place.rehearsal().production(), release, release)[0].findings
    assert any("(primary key 1, 2)" in finding.evidence for finding in findings)
    assert answer["data"]["bytes"] > 0


def test_a_data_step_is_proven_on_rows(tmp_path: pathlib.Path, database16: t.Any) -> None:
    place = Place(tmp_path, database16, format="directory", jobs=2)
    place.change(
        "migrations.RunPython(f),",
        quiet("ALTER TABLE things_thing ADD CONSTRAINT c CHECK (name = 'x')"),
        before="def f(apps, editor):\n    apps.get_model('things', 'Thing').objects.update(name='x')\n",
    )
    before = place.state()
    rehearsed, answer = place.rehearsal().on_data(place.backup, PLENTY)
    assert place.state() == before
    assert _rehearsal.broken(rehearsed) == "" and answer["demands"]
    assert rehearsed.catalogs[0].table("public.bare").rows == 300, "it was not analysed"
    assert answer["data"]["bytes_after"] > answer["data"]["bytes"]
    verdict = _rehearsal.verdicts(rehearsed, place.rehearsal().production(), Demands("r"), Demands("r"))[0]
    assert verdict.rehearsal == "data" and "empty tables" not in str(verdict.findings)


@pytest.mark.parametrize(
    "operation",
    [
        quiet("ALTER TABLE child ADD note int; SELECT pg_sleep(600)"),
        "migrations.RunPython(lambda apps, editor: __import__('time').sleep(600)),",
    ],
    ids=["statement", "code"],
)
def test_at_the_limit_of_time_the_work_is_ended(place: Place, operation: str) -> None:
    place.change(operation)
    before = place.state()
    with pytest.raises(DeployError, match="did not end within the 6 seconds of data_seconds") as caught:
        place.rehearsal().on_data(place.backup, DataLimits(6, 10**10))
    assert caught.value.result["kind"] == "limits"
    assert place.state() == before


def test_a_restore_that_takes_too_long_is_ended(place: Place) -> None:
    place.database.execute(
        "CREATE FUNCTION slow(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT pg_sleep(0) IS NOT NULL';"
        "ALTER TABLE child ADD CONSTRAINT slow CHECK (slow(id));"
        "CREATE OR REPLACE FUNCTION slow(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT pg_sleep(600) IS NOT NULL'"
    )
    backup, before = place.made(), place.state()
    with pytest.raises(DeployError, match="data_seconds"):
        place.rehearsal().on_data(backup, DataLimits(3, 10**10))
    assert place.state() == before


def test_what_does_not_fit_is_refused_before_anything_is_made(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(limits: DataLimits) -> str:
        with pytest.raises(DeployError) as caught:
            place.rehearsal(scratch_database="never_reached").on_data(place.backup, limits)
        assert caught.value.result == {"kind": "limits"}
        return caught.value.msg

    assert "data_bytes allows a copy of 1000 bytes" in refused(DataLimits(60, 1000))
    monkeypatch.setattr(_limits, "ROOM", 1e9)
    assert "free some space" in refused(PLENTY)


def test_only_a_backup_of_this_database_is_rehearsed_on(place: Place, tmp_path: pathlib.Path) -> None:
    with pytest.raises(DeployError, match="is no backup of pg_backup"):
        place.rehearsal().on_data(str(tmp_path), PLENTY)
    stranger = place.rehearsal()
    other = Rehearsal(stranger.source.to_database("postgres"), "", stranger.bridge, run_command, "now")
    with pytest.raises(DeployError, match="give the path of a backup of that one"):
        other.on_data(place.backup, PLENTY)


SETTINGS_OF = """
SELECT s.setconfig FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase
WHERE d.datname = '{}' AND array_length(s.setconfig, 1) > 0
"""


def test_a_database_made_beforehand_serves_whoever_may_not_make_one(place: Place) -> None:
    database = place.database
    scratch = f"{database.name}_scratch"
    database.server.create_database(scratch, database.user, database.password)
    place.change('migrations.AddField("thing", "note", models.TextField(null=True)),')
    rehearsal, before = place.rehearsal(database.url, scratch_database=scratch), place.state()
    schema, _answer = rehearsal.on_schema()
    data, _answer = rehearsal.on_data(place.backup, PLENTY, schema.catalogs)
    for rehearsed, rows in ((schema, 0), (data, 1000)):
        assert _rehearsal.broken(rehearsed) == "" and len(rehearsed.told) == 1
        assert rehearsed.catalogs[1].table("public.things_thing").column("note")
        assert max(0, rehearsed.catalogs[0].table("public.things_thing").rows) == rows
    assert place.state() == before
    assert database.server.execute(SETTINGS_OF.format(scratch)) == []
    assert (
        database.server.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace", scratch)
        == []
    )
