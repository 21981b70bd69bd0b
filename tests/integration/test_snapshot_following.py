# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogs read one after the other are what a whole reading gives, whatever was changed (control node)."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_following import Following
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _json
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

from tests.support.schema import POSTGRESQL, POSTGRESQL_CHANGES

NOW = "2026-01-02T03:04:05Z"
#: What one object is called stands in the definitions of others.
NAMES = [
    "ALTER TABLE public.customer RENAME TO client",
    "ALTER TABLE public.customer RENAME COLUMN id TO number",
    "ALTER TABLE public.orders RENAME COLUMN total TO amount",
    "ALTER SEQUENCE public.orders_id_seq RENAME TO numbers",
    "ALTER FUNCTION public.touch() RENAME TO touched",
    "ALTER TYPE public.mood RENAME VALUE 'ok' TO 'fine'",
    "ALTER TYPE public.mood RENAME TO temper",
    "ALTER SCHEMA stock RENAME TO store",
    "ALTER INDEX public.orders_note RENAME TO by_note",
    "ALTER DOMAIN public.percent RENAME TO share",
    "ALTER TABLE public.customer DROP CONSTRAINT customer_pkey CASCADE",
    "DROP TABLE public.customer CASCADE",
    "DROP TYPE public.mood CASCADE",
    "CREATE TABLE public.added (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, part integer REFERENCES public.customer)",
    "ALTER TABLE public.event RENAME TO happening",
    "ALTER TABLE public.event DETACH PARTITION public.event_2026",
    "TRUNCATE public.orders",
    "COMMENT ON TABLE public.customer IS NULL",
    "ALTER EXTENSION vector ADD TABLE stock.cache",
]


def plain(snapshot: Snapshot) -> t.Any:
    """Everything that a verdict looks at: also oids, numbers of columns and files."""
    return (
        _json.facts(snapshot),
        [(table.oid, table.filenode, [column.number for column in table.columns]) for table in snapshot.tables],
        [(index.name, index.oid) for table in snapshot.tables for index in table.indexes],
        [view.oid for view in snapshot.views],
    )


@pytest.fixture
def opened(database: t.Any) -> t.Iterator[t.Any]:
    """Connect to a database with one of everything."""
    with contextlib.closing(database.server.connect(database.name)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(POSTGRESQL)
        yield connection


@pytest.mark.parametrize("statement", [*NAMES, *(change[0] for change in POSTGRESQL_CHANGES)])
def test_every_change_is_seen(opened: t.Any, statement: str) -> None:
    following = Following(opened, "shop", NOW)
    before = following.take()
    assert following.take() is not None and plain(following.take()) == plain(before)
    with opened.cursor() as cursor:
        cursor.execute("SET allow_system_table_mods = on")
        cursor.execute(statement)
    found = following.take()
    assert plain(found) == plain(_snapshot.take(opened, "shop", NOW))
    assert plain(found) != plain(before)


def test_what_has_not_changed_is_not_read_again(opened: t.Any) -> None:
    following = Following(opened, "shop", NOW)
    before = following.take()
    with opened.cursor() as cursor:
        cursor.execute("ALTER TABLE public.orders ADD COLUMN remark text")
    after = following.take()
    same = [name for name in (table.name for table in before.tables) if before.table(name) is after.table(name)]
    assert "public.customer" in same and "public.orders" not in same
