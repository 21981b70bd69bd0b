# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is advised fits the database; any interpreter, no database."""

from __future__ import annotations

import re

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration
from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Renames
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands, Evidence
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Constraint,
    Snapshot,
    Table,
    View,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema._problems import Problem
from ansible_collections.seamless.deploy.plugins.module_utils._schema._remedies import REMEDIES, finding
from ansible_collections.seamless.deploy.plugins.module_utils._schema._verdict import judge

#: What only PostgreSQL has, and what Alembic does on SQLite within a batch alone.
POSTGRESQL = re.compile(
    r"concurrently|postgresql|NOT VALID|NotValid|VALIDATE|ValidateConstraint|USING INDEX|TYPE \.\.\.|which takes writes"
    r"|op\.(alter_column|create_foreign_key|create_\w+_constraint|drop_constraint)",
    re.IGNORECASE,
)
#: Types are not told apart there, and it has no enums.
NEVER = ("length", "type", "label", "exclusion")


def remedy(dialect: str, framework: str, side: str, kind: str) -> str:
    catalog = Snapshot(dialect, tables=[Table("sharedserver")])
    problem = Problem(kind, "sharedserver.osid", "does something")
    return finding(side, problem, Demands("r1", framework), catalog, Renames(catalog, catalog)).remedy


@pytest.mark.parametrize("framework", ["django", "alembic"])
@pytest.mark.parametrize(("side", "kind"), [key for key in REMEDIES if key[1] not in NEVER])
def test_no_remedy_on_sqlite_asks_for_what_only_postgresql_has(side: str, kind: str, framework: str) -> None:
    said = remedy("sqlite", framework, side, kind)
    assert said and not POSTGRESQL.search(said), said
    assert "{" not in said and "{" not in remedy("postgresql", framework, side, kind)


@pytest.mark.parametrize("kind", ["unique", "check", "foreign"])
def test_on_postgresql_it_stays_beside_the_writers(kind: str) -> None:
    for framework in ("django", "alembic"):
        assert POSTGRESQL.search(remedy("postgresql", framework, "old", kind))


@pytest.mark.parametrize(
    ("dialect", "words"), [("sqlite", "batch_alter_table('sharedserver')"), ("postgresql", "CONCURRENTLY")]
)
def test_a_verdict_takes_the_words_of_its_database(dialect: str, words: str) -> None:
    columns = [Column("osid", "integer")]
    unique = Constraint("one_each", "unique", "UNIQUE (osid)", columns=["osid"])
    before = Snapshot(dialect, tables=[Table("sharedserver", columns=columns)])
    after = Snapshot(dialect, tables=[Table("sharedserver", columns=columns, constraints=[unique])])
    known = {"sharedserver": {"columns": {"osid": {"type": "integer", "null": True}}}}
    evidence = Evidence(Migration("a1", "", ""), "data", before, after)
    old, new = (Demands(name, "alembic", known) for name in ("r1", "r2"))
    said = " ".join(each.remedy for each in judge(evidence, before, old, new).findings)
    assert words.lower() in said.lower(), said


@pytest.mark.parametrize(("dialect", "word"), [("sqlite", "contract"), ("postgresql", "either")])
def test_a_view_in_the_place_of_a_table_takes_writes_on_postgresql_alone(dialect: str, word: str) -> None:
    columns = [Column("id", "integer")]
    before = Snapshot(dialect, tables=[Table("orders", columns=columns)])
    view = View("orders", columns=columns, definition="SELECT id FROM purchase")
    after = Snapshot(dialect, tables=[Table("purchase", columns=columns)], views=[view])
    known = {"orders": {"columns": {"id": {"type": "integer", "null": True}}}}
    evidence = Evidence(Migration("a1", "", ""), "data", before, after)
    verdict = judge(evidence, before, Demands("r1", "alembic", known), Demands("r2", "alembic", known))
    assert verdict.compatibility == word, verdict.findings
    assert dialect != "sqlite" or "a view of SQLite takes no writes" in verdict.findings[0].remedy
