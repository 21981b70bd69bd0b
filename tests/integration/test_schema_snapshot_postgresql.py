# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of real PostgreSQL servers, and what a comparison finds after every kind of change (control node)."""

from __future__ import annotations

import dataclasses
import time

import psycopg2
import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff, _json

from tests.support import schema

NOW = "2026-11-21T01:02:03Z"


@pytest.fixture(scope="module")
def rich(postgres):
    """A database with one of everything."""
    postgres.create_database("rich", "rich", "rich")
    postgres.execute(schema.POSTGRESQL, "rich")
    yield postgres
    postgres.drop_database("rich")


@pytest.fixture
def opened(rich):
    """A transaction in it, which is taken back."""
    connection = rich.connect("rich")
    connection.autocommit = False
    yield connection
    connection.rollback()
    connection.close()


def take(connection, database="rich"):
    return _snapshot.take(connection, database, NOW)


def run(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("change", schema.POSTGRESQL_CHANGES, ids=lambda change: change[0][:60])
def test_every_change_is_one_difference(opened, change):
    statement, *expected = change
    before = take(opened)
    run(opened, statement)
    after = take(opened)

    assert [(one.kind, one.type, one.object, one.what) for one in _diff.differences(before, after)] == [tuple(expected)]
    assert _json.fingerprint(before) != _json.fingerprint(after)
    backwards = _diff.differences(after, before)
    assert [one.kind for one in backwards] == [{"added": "removed", "removed": "added"}.get(expected[0], expected[0])]


def test_comes_back_from_json(opened):
    snapshot = take(opened)
    again = _json.loads(_json.dumps(snapshot))
    assert again == snapshot
    assert _json.dumps(again) == _json.dumps(snapshot) == _json.dumps(take(opened))
