# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from what a rehearsal told; any interpreter, no database."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration
from ansible_collections.seamless.deploy.plugins.module_utils._rehearsal import Rehearsed, only_adds
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Column, Snapshot, Table

ID, NOTE = Column("id", "bigint", True, number=1), Column("note", "text", number=2)
PLAN = [Migration(id="a.1", label="a", name="1")]


def catalog(*columns):
    return Snapshot("postgresql", tables=[Table("public.orders", columns=list(columns), oid=11)], database_oid=1)


def rehearsed(*columns, sql=(), code=False, **migration):
    told = {"statements": [{"sql": one, "seconds": 0.0, "transaction": 0, "code": code} for one in sql]}
    return Rehearsed([dataclasses.replace(PLAN[0], **migration)], [told], [catalog(ID), catalog(*columns)])


ADD = 'ALTER TABLE "orders" ADD COLUMN "note" text DEFAULT \'\' NOT NULL'


@pytest.mark.parametrize(
    "sql",
    [
        (ADD, 'ALTER TABLE "orders" ALTER COLUMN "note" DROP DEFAULT'),
        (ADD, 'INSERT INTO "django_migrations" ("app") VALUES (%s)'),
        (ADD, "UPDATE alembic_version SET version_num='b'"),
    ],
)
def test_what_only_adds(sql):
    assert only_adds(rehearsed(ID, NOTE, sql=sql))


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders DROP COLUMN old, ADD COLUMN note text",
        "DROP TABLE old",
        "UPDATE orders SET note = ''",
        "WITH gone AS (DELETE FROM orders RETURNING *) SELECT 1",
        "INSERT INTO orders (note) SELECT ''",
        'INSERT INTO "django_migrations_old" VALUES (1)',
        "TRUNCATE orders",
        "ALTER SEQUENCE orders_id_seq RESTART WITH 1",
    ],
)
def test_what_takes_away_or_writes(sql):
    assert not only_adds(rehearsed(ID, NOTE, sql=[ADD, sql]))


def test_what_changes_or_removes_in_the_catalog():
    assert not only_adds(rehearsed(dataclasses.replace(ID, type="integer"), NOTE))
    assert not only_adds(rehearsed(NOTE))


def test_what_is_there_only_in_between():
    """Added by one migration and removed by the next: nobody can tell what was in it."""
    both = dataclasses.replace(rehearsed(ID, NOTE), catalogs=[catalog(ID), catalog(ID, NOTE), catalog(ID)])
    assert not only_adds(dataclasses.replace(both, plan=PLAN * 2, told=both.told * 2))


def test_what_cannot_be_known():
    assert not only_adds(rehearsed(ID, NOTE, sql=["SELECT 1"], code=True))
    assert not only_adds(rehearsed(ID, NOTE, data=True))
    assert not only_adds(rehearsed(ID, NOTE, reversible=False))
    assert not only_adds(dataclasses.replace(rehearsed(ID, NOTE), without="no admin"))
    assert not only_adds(dataclasses.replace(rehearsed(ID, NOTE), catalogs=[catalog(ID)]))
