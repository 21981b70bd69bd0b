# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scratch database that was made beforehand: what it must be, and that it is empty afterwards (control node)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection, parse_url
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _borrowed, _emptying
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows

#: Everything that a restore can make, in a schema that was there and in one that was not.
THINGS = """
CREATE SCHEMA other;
CREATE TABLE other.t (id int PRIMARY KEY);
CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN few AS int CHECK (VALUE < 9); CREATE TYPE pair AS (a int, b mood);
CREATE TABLE "Odd t" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, f few, s serial, p pair);
CREATE TABLE child (id int REFERENCES "Odd t"); CREATE STATISTICS st ON id, m FROM "Odd t";
CREATE TABLE whole (id int) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF whole DEFAULT;
CREATE VIEW v AS SELECT * FROM child; CREATE MATERIALIZED VIEW mv AS SELECT * FROM v; CREATE SEQUENCE alone;
CREATE FUNCTION f(few) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE agg(int) (sfunc = int4pl, stype = int);
CREATE PROCEDURE pr() LANGUAGE sql AS 'SELECT 1'; CREATE COLLATION co (locale = 'C'); CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple);
CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq);
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
SELECT lo_create(0);
"""
#: Only a superuser may.
MORE = """
CREATE SCHEMA ext; CREATE EXTENSION vector SCHEMA ext;
CREATE PUBLICATION p FOR ALL TABLES; CREATE PUBLICATION ps FOR TABLES IN SCHEMA public;
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE ft (id int) SERVER s;
CREATE FUNCTION never() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''never''; END';
CREATE EVENT TRIGGER never ON sql_drop EXECUTE FUNCTION never();
"""


class Lent:
    """A database for rehearsals beside that of the application."""

    def __init__(self, database: t.Any) -> None:
        self.database, self.name, self.owner = database, f"{database.name}_scratch", database.user
        database.server.create_database(self.name, database.user, database.password)
        self.app = parse_url(database.url, "admin", "login_url")
        self.admin = parse_url(database.superuser_url, "admin", "login_url")

    def execute(self, statement: str) -> list[tuple[t.Any, ...]]:
        return self.database.server.execute(statement, self.name)

    def borrow(self, admin: DatabaseConnection) -> t.Any:
        return _borrowed.borrowed(admin, self.name, self.database.name, self.owner)

    def refused(self, admin: DatabaseConnection, name: str = "") -> str:
        with pytest.raises(DeployError) as caught:
            with _borrowed.borrowed(admin, name or self.name, self.database.name, self.owner):
                pass
        assert caught.value.result == {"kind": "scratch"}
        return caught.value.msg

    def holds(self) -> list[tuple[t.Any, ...]]:
        with connected(self.admin.to_database(self.name)) as opened:
            schemas = rows(opened, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1")
            extensions = rows(opened, "SELECT extname FROM pg_extension ORDER BY 1")
            return [*schemas, *extensions, *rows(opened, _emptying._OBJECTS), *rows(opened, _emptying._BARE)]


EMPTY = [("information_schema",), ("public",), ("plpgsql",)]


@pytest.fixture
def lent(database: t.Any) -> Lent:
    """Make the database beforehand."""
    return Lent(database)


@pytest.mark.parametrize("superuser", [True, False])
def test_it_is_empty_afterwards_and_what_its_maker_put_there_is_left(lent: Lent, superuser: bool) -> None:
    admin = lent.admin if superuser else lent.app
    if not superuser:  # its maker has to
        lent.execute("CREATE EXTENSION vector; CREATE SCHEMA made")
    before = lent.holds()
    with lent.borrow(admin) as (name, found):
        assert (name, found) == (lent.name, superuser)
        with connected(admin.to_database(name)) as opened:
            rows(opened, THINGS + (MORE if superuser else ""))
        assert len(lent.holds()) > len(before) + 15
        assert "another rehearsal uses it" in lent.refused(admin)
    assert lent.holds() == before


def test_what_a_killed_rehearsal_left_is_removed_by_the_next(lent: Lent) -> None:
    with connected(lent.app.to_database(lent.name)) as opened, connected(lent.app.to_database(lent.name)) as orphan:
        oid = rows(opened, "SELECT oid::bigint FROM pg_database WHERE datname = current_database()")[0][0]
        _emptying.mark(opened, oid)
        rows(opened, THINGS)
        rows(orphan, "BEGIN; LOCK TABLE child")
        with lent.borrow(lent.app):
            with pytest.raises(DeployError):
                rows(orphan, "SELECT 1")
            assert [("schema", "seamless_rehearsal")] == [
                ("schema", name) for (name, *_r) in lent.holds() if name.startswith("seamless")
            ]
    assert lent.holds() == EMPTY


def test_nothing_of_anybody_is_touched(lent: Lent) -> None:
    assert "the production database itself" in lent.refused(lent.app, lent.database.name)
    assert "the server's own" in lent.refused(lent.app, "postgres")
    with connected(lent.app.to_database(lent.name)):
        assert "others are connected" in lent.refused(lent.app)
    for thing, said in (
        ("CREATE TABLE somebodys (id int)", "it holds the table public.somebodys"),
        ("CREATE SCHEMA own; CREATE FUNCTION own.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function own.f()"),
        ("SELECT lo_create(4711)", "large object 4711"),
    ):
        lent.execute(thing)
        before = lent.holds()
        assert said in lent.refused(lent.app) and lent.holds() == before
        lent.execute("DROP SCHEMA IF EXISTS own CASCADE; DROP TABLE IF EXISTS somebodys")
    lent.execute("SELECT lo_unlink(4711)")
    # A copy of a marked database is not marked.
    with connected(lent.admin.to_database(lent.name)) as opened:
        _emptying.mark(opened, 1)
    assert "schema seamless_rehearsal, which is not of this database" in lent.refused(lent.admin)


def test_a_database_that_cannot_serve_is_refused(lent: Lent) -> None:
    lent.database.server.execute(f'ALTER DATABASE "{lent.name}" OWNER TO postgres')
    assert f'make "{lent.owner}" the owner of both' in lent.refused(lent.app)
    assert lent.holds() == EMPTY
    with pytest.raises(DeployError, match="correct scratch_database, or create the database"):
        with _borrowed.borrowed(lent.app, "not_there", lent.database.name, lent.owner):
            pass
