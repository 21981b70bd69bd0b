# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of real SQLite files, and what a comparison finds after every kind of change (control node)."""

from __future__ import annotations

import sqlite3

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff, _json
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot

from tests.support import schema

NOW = "2026-11-21T01:02:03Z"


def make(path, statements=schema.SQLITE):
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


def take(path):
    with _snapshot.opened(str(path)) as connection:
        return _snapshot.take(connection, "shop", NOW)


def shown(found):
    return [(one.kind, one.type, one.object, one.what) for one in found]


@pytest.mark.parametrize("change", schema.SQLITE_CHANGES, ids=lambda change: f"{change[0]} {change[1]}"[:60])
def test_every_change_is_one_difference(tmp_path, change):
    former, new, *expected = change
    assert schema.SQLITE.count(former) == 1
    make(tmp_path / "before.db")
    make(tmp_path / "after.db", schema.SQLITE.replace(former, new))
    before, after = take(tmp_path / "before.db"), take(tmp_path / "after.db")

    assert shown(_diff.differences(before, after)) == [tuple(expected)]
    assert _json.fingerprint(before) != _json.fingerprint(after)
