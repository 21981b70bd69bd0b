# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""schema_info with a real Django project on a real PostgreSQL (control node)."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._manifest import ReleaseManifest
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store

from tests.support.django_calls import Migrate
from tests.support.django_project import Project, django_python
from tests.support.module import run_module
from tests.support.rehearsals import Rehearse, change


@pytest.fixture
def place(tmp_path: pathlib.Path, database: t.Any) -> Rehearse:
    """Write a project, migrate it, and take it for the live release r1."""
    project = Project(tmp_path / "project")
    Migrate(project, django_python(), database.url, tmp_path)()
    made = Rehearse(project, database, tmp_path)
    made.live()
    return made


def asked(place: Rehearse, **changes: t.Any) -> dict[str, t.Any]:
    params = {"login_url": place.database.url, "database_name": place.database.name, "path": str(place.root)}
    return run_module("schema_info", {**params, "release": "r1", **changes})


ADDED = 'migrations.AddField("thing", "note", models.TextField({})),'


@pytest.mark.parametrize(
    ("options", "works"), [("null=True", True), ('db_default=""', True), ('default=""', False)], ids=str
)
def test_after_a_migration_that_the_release_does_not_know(place: Rehearse, options: str, works: bool) -> None:
    assert asked(place)["works"]
    change(place, ADDED.format(options))
    Migrate(place.project, django_python(), place.database.url, place.base)()
    found = asked(place)
    assert found["works"] == works and bool(found["reasons"]) == (not works), found
    assert works or "things_thing.note" in found["reasons"][0]


def test_what_the_release_has_lived_with_does_not_count(place: Rehearse) -> None:
    place.database.execute("ALTER TABLE things_thing ADD COLUMN colour text NOT NULL")
    rehearsed = place()
    assert len(rehearsed["unmet"]) == 1 and "things_thing.colour" in rehearsed["unmet"][0], rehearsed["unmet"]
    found = asked(place)
    assert not found["works"] and rehearsed["unmet"][0] in found["reasons"][0], found
    assert asked(place, unmet=rehearsed["unmet"])["works"]
    store = Store(str(place.root))
    manifest = t.cast(ReleaseManifest, store.manifest("r1"))
    store.write(dataclasses.replace(manifest, unmet=rehearsed["unmet"]))
    assert asked(place)["works"]


def test_what_is_not_known_is_not_proven(place: Rehearse) -> None:
    found = asked(place, release="r0")
    assert not found["works"] and "is not known" in found["reasons"][0]


def test_a_wrong_password_is_told_in_words(place: Rehearse) -> None:
    found = asked(place, login_password="wr0ng-pa55word")
    assert found["failed"] and "password" in found["msg"] and "wr0ng-pa55word" not in str(found)
