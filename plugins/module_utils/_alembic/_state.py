# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the records of a database mean, held against the chain of the code. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from . import _told
from ._finding import Finding

Told = t.Mapping[str, t.Any]
_SHOWN = 6


def unknown(chain: Told, current: t.Sequence[str]) -> list[str]:
    """Revisions on record that no file of this code has: another, often newer, release made them."""
    there = {each["revision"] for each in chain["history"]}
    return [each for each in current if each not in there]


def overlapping(chain: Told, current: t.Sequence[str]) -> list[str]:
    """Revisions on record that another one on record comes after."""
    known = [each for each in current if each not in unknown(chain, current)]
    return [
        each
        for each in known
        if any(each in _told.applied(chain["history"], [other]) for other in known if other != each)
    ]


def findings(chain: Told, state: Told) -> list[dict[str, str]]:
    """What a person should know about the database. state: the answer of the bridge."""
    return [each.to_json() for each in _findings(chain, state)]


def _findings(chain: Told, state: Told) -> t.Iterator[Finding]:
    current = state["current"]
    for revision in state["missing"]:
        evidence = f"the database is at {revision}, and no revision file of this code has that id"
        remedy = (
            "deploy the code that has it, or downgrade from there; this code refuses to migrate (Can't locate revision) until then. "
            "Where its file is lost for good, alembic_repair finds which revision the tables really are at"
        )
        yield Finding("unknown_revision", "stop", revision, evidence, remedy, state["version_table"], revision)
    for revision in overlapping(chain, current):
        evidence = f"{revision} is on record beside a revision that comes after it"
        remedy = "remove its row: Alembic would run what follows it again, and find it in its way; alembic_repair proves it first"
        yield Finding("overlapping", "stop", revision, evidence, remedy, state["version_table"], revision)
    tables = state["tables_without_revision"]
    if tables:
        shown = ", ".join(tables[:_SHOWN]) + (f" and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else "")
        evidence = f"the database has tables of the models ({shown}) and no revision on record, as create_all leaves it"
        remedy = "stamp it with the revision that it is proven to be at (alembic_repair, action stamp); the first migration would find its tables there"
        yield Finding("tables_without_revision", "stop", tables[0], evidence, remedy, state["version_table"])
    if state["no_plan"]:
        remedy = "correct it in the working copy; nothing can be migrated until then"
        yield Finding("no_plan", "stop", "plan", f"there is no plan: {state['no_plan']}", remedy)
    if state["not_compared"]:
        remedy = "give context.configure() the MetaData of the models as target_metadata"
        yield Finding("not_compared", "note", "env.py", state["not_compared"], remedy)
