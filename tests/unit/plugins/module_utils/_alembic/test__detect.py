# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which revision a catalog is of, whatever was done to it; any interpreter, no database."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _atoms
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._detect import Found, detect, difference_at
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._evidence import evidence_of
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History, Step
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Constraint,
    Index,
    Sequence,
    Snapshot,
    Table,
)


def table(name: str, *columns: str) -> _atoms.Atoms:
    """The atoms of a table with such columns of text, "name type" for another type."""
    made = []
    for column in columns:
        word, _blank, kind = column.partition(" ")
        made.append(Column(word, kind or "text"))
    return _atoms.atoms(Snapshot("postgresql", tables=[Table(f"public.{name}", columns=made)]))


def index(owner: str, name: str, valid: bool = True) -> _atoms.Atoms:
    made = Index(f"public.{name}", f"CREATE INDEX {name}", valid=valid)
    found = _atoms.atoms(Snapshot("postgresql", tables=[Table(f"public.{owner}", indexes=[made])]))
    return {path: value for path, value in found.items() if path[0] == "index"}


def together(*parts: _atoms.Atoms) -> _atoms.Atoms:
    return {path: value for part in parts for path, value in part.items()}


def history(*states: t.Any) -> History:
    """A chain r1, r2, ... with these catalogs; a word before one says what else is true of it."""
    steps: t.List[Step] = []
    before: _atoms.Atoms = {}
    for number, state in enumerate(states, 1):
        idle = {"merge": (0, False), "data": (1, True)}.get(state) if isinstance(state, str) else None
        after = before if idle else state
        statements, writes = idle or (1, False)
        parents = [f"r{number - 1}"] if number > 1 else []
        steps.append(Step(f"r{number}", parents, _atoms.changes(before, after), statements, writes))
        before = after
    return History({}, steps)


USERS = table("users", "id", "name")
MAILS = table("users", "id", "name", "mail")
ORDERS = together(MAILS, table("orders", "id", "user"), index("orders", "by_user"))
LONGER = together(ORDERS, table("users", "id", "name varchar(100)", "mail"))
DROPPED = together(table("users", "id", "name varchar(100)"), table("orders", "id", "user"), index("orders", "by_user"))
CHAIN = history(USERS, MAILS, ORDERS, LONGER, DROPPED)
STATES = [{}, USERS, MAILS, ORDERS, LONGER, DROPPED]


def minus(state: _atoms.Atoms, *paths: _atoms.Path) -> _atoms.Atoms:
    gone = [path for path in paths if path in state]
    assert len(gone) == len(paths)
    return {path: value for path, value in state.items() if path not in gone}


def objects(found: Found) -> list:
    return [(one.kind, one.object) for one in found.differences]


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("recorded", [[], ["r1"], ["r5"], ["gone"]])
def test_each_state_is_found_whatever_is_on_record(number: int, recorded: list) -> None:
    found = detect(CHAIN, STATES[number], recorded)
    assert (found.kind, found.heads) == ("exact", [f"r{number}"] if number else [])
    assert found.proven and not found.differences


BY_USER = ("index", "public.orders", "public.by_user")
COLUMN = ("column", "public.users", "mail")
DAMAGED = {
    "an index was dropped, at the last revision that changes that table": (minus(ORDERS, BY_USER), ["r3"], "nearest", ["r3"], ""),
    "the same, and nothing on record": (minus(ORDERS, BY_USER), [], "partial", ["r2"], "r3"),
    "the same, and the revision before on record": (minus(ORDERS, BY_USER), ["r2"], "partial", ["r2"], "r3"),
    "an index was dropped, later": (minus(LONGER, BY_USER), ["r4"], "nearest", ["r4"], ""),
    "a column was dropped that an early revision had made": (minus(ORDERS, COLUMN), ["r3"], "nearest", ["r3"], ""),
    "a column was added by hand": (together(LONGER, table("users", "id", "name varchar(100)", "mail", "shoe")), [], "nearest", ["r4"], ""),
    "another type": (together(ORDERS, table("users", "id", "name varchar(7)", "mail")), ["r3"], "nearest", ["r3"], ""),
    "only a table of the next revision": (together(MAILS, table("orders", "id", "user")), ["r2"], "partial", ["r2"], "r3"),
    "all of the next revision, and one thing of it otherwise": (
        together(MAILS, table("orders", "id", "user varchar(7)"), index("orders", "by_user")), ["r2"], "nearest", ["r3"], ""),
    "much was dropped of what is on record": (
        together(table("users", "id", "name varchar(100)")), ["r4"], "nearest", ["r4"], ""),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_what_no_revision_builds_is_told(case: str) -> None:
    real, recorded, kind, heads, step = DAMAGED[case]
    found = detect(CHAIN, real, recorded)
    assert (found.kind, found.heads, found.step) == (kind, heads, step)
    assert not found.proven and found.differences


def test_what_is_missing_of_a_revision_applied_halfway_is_named() -> None:
    found = detect(CHAIN, together(MAILS, table("orders", "id", "user")), ["r2"])
    assert objects(found) == [("removed", "public.by_user")]


def test_objects_of_others_take_no_part() -> None:
    found = detect(CHAIN, together(ORDERS, table("spatial_ref_sys", "srid")), [])
    assert (found.heads, found.ignored, found.proven) == (["r3"], ["public.spatial_ref_sys"], True)


def test_what_a_person_calls_their_own_takes_no_part() -> None:
    real = together(ORDERS, index("orders", "by_hand"))
    assert not detect(CHAIN, real, ["r3"]).proven
    assert detect(CHAIN, real, ["r3"], ignore=["public.by_hand"]).proven


def test_leftovers_take_no_part() -> None:
    real = together(ORDERS, table("_alembic_tmp_users", "id"), index("orders", "by_mail", valid=False))
    found = detect(CHAIN, real, [])
    assert (found.heads, found.proven) == (["r3"], True)
    assert [path[2] for path in found.leftovers] == ["public._alembic_tmp_users", "public.by_mail"]


@pytest.mark.parametrize(
    ("between", "recorded", "heads", "fits"),
    [
        ("merge", [], ["r3"], []),
        ("merge", ["r2"], ["r2"], []),
        ("data", ["r2"], ["r2"], []),
        ("data", ["r3"], ["r3"], []),
        ("data", [], ["r2"], [["r2"], ["r3"]]),
        ("data", ["r4"], ["r2"], [["r2"], ["r3"]]),
    ],
)
def test_a_revision_that_changes_no_catalog(between: str, recorded: list, heads: list, fits: list) -> None:
    found = detect(history(USERS, MAILS, between, ORDERS), MAILS, recorded)
    assert (found.kind, found.heads, found.fits) == ("exact", heads, fits)
    assert found.proven is not bool(fits)


def test_a_catalog_that_comes_again_is_told_by_the_record() -> None:
    chain = history(USERS, MAILS, USERS, ORDERS)
    assert detect(chain, USERS, ["r3"]).heads == ["r3"]
    assert detect(chain, USERS, []).fits == [["r1"], ["r3"]]


def branched() -> History:
    """r1, then the branches a1 a2 and b1 b2, which m brings together."""
    steps = [Step("r1", [], _atoms.changes({}, USERS), 1)]
    for name, parents, state in [
        ("a1", ["r1"], table("left", "id")),
        ("a2", ["a1"], index("left", "by_id")),
        ("b1", ["r1"], table("right", "id")),
        ("b2", ["b1"], index("right", "by_no")),
    ]:
        steps.append(Step(name, parents, _atoms.changes({}, state), 1))
    return History({}, [*steps, Step("m", ["a2", "b2"], {}, 0)])


@pytest.mark.parametrize(
    ("parts", "heads"),
    [
        ([], ["r1"]),
        (["a1"], ["a1"]),
        (["b1"], ["b1"]),
        (["b1", "b2"], ["b2"]),
        (["a1", "b1", "b2"], ["a1", "b2"]),
        (["a1", "a2", "b1"], ["a2", "b1"]),
        (["a1", "a2", "b1", "b2"], ["m"]),
    ],
)
def test_each_state_of_branches_is_found(parts: list, heads: list) -> None:
    chain = branched()
    real = chain.state(frozenset({0, *(number for number, step in enumerate(chain.steps) if step.id in parts)}))
    found = detect(chain, real)
    assert (found.kind, found.heads) == ("exact", heads)


def test_a_step_of_a_branch_is_found_halfway() -> None:
    chain = branched()
    wide = together(table("right", "id"), index("right", "first"), index("right", "second"))
    chain.steps[3] = dataclasses.replace(chain.steps[3], changes=_atoms.changes({}, wide))
    found = detect(chain, together(USERS, table("left", "id"), table("right", "id")), ["a1"])
    assert (found.kind, found.heads, found.step) == ("partial", ["a1"], "b1")
    assert objects(found) == [("removed", "public.first"), ("removed", "public.second")]


def test_each_step_by_itself() -> None:
    told = evidence_of(CHAIN, ORDERS)
    assert [one.word for one in told] == ["applied", "applied", "applied", "absent", "absent"]
    told = evidence_of(history(USERS, MAILS, "data"), together(USERS, table("users", "id", "name", "mail int")))
    assert [one.word for one in told] == ["applied", "partial", "unseen"]


def test_what_comes_again_speaks_for_nobody() -> None:
    told = evidence_of(history(USERS, MAILS, USERS, ORDERS), USERS)
    assert [one.word for one in told] == ["applied", "unseen", "unseen", "absent"]


def test_what_was_dropped_again_was_made_before() -> None:
    """As Django's contenttypes do it: the table shows that the first was applied, so the column can only be gone by the second."""
    steps = [
        Step("a", [], _atoms.changes({}, MAILS), 1),
        Step("b", ["a"], _atoms.changes(MAILS, USERS), 1),
    ]
    assert [one.word for one in evidence_of(History({}, steps), USERS)] == ["applied", "applied"]
    assert [one.word for one in evidence_of(History({}, steps), MAILS)] == ["applied", "absent"]
    assert [one.word for one in evidence_of(History({}, steps), {})] == ["absent", "absent"]


def test_with_an_unknown_record_nothing_is_of_others() -> None:
    real = together(ORDERS, table("of_the_lost_one", "id"))
    found = detect(CHAIN, real, ["gone"], strict=True)
    assert (found.proven, objects(found)) == (False, [("added", "public.of_the_lost_one")])
    assert detect(CHAIN, real, ["gone"], ["public.of_the_lost_one"], strict=True).proven


def test_difference_to_what_is_on_record() -> None:
    found = difference_at(CHAIN, MAILS, ["r3"])
    assert [(one.kind, one.object) for one in found] == [("removed", "public.orders")]
    assert [column["name"] for column in found[0].before["columns"]] == ["id", "user"]
    with pytest.raises(KeyError, match="gone"):
        difference_at(CHAIN, MAILS, ["gone"])


def test_a_sequence_goes_with_its_column() -> None:
    serial = Column("id", "bigint", default="nextval('public.users_id_seq'::regclass)")
    owned = Sequence("public.users_id_seq", owned_by="public.users.id")
    before = _atoms.atoms(Snapshot("postgresql", tables=[Table("public.users", columns=[serial])], sequences=[owned]))
    assert [one.object for one in _atoms.differences(before, table("users"))] == ["public.users.id"]


def test_a_constraint_is_told_once_and_its_index_not_at_all() -> None:
    def keyed(columns: str) -> _atoms.Atoms:
        key = Constraint("key", "unique", f"UNIQUE ({columns})", columns.split(", "))
        of_key = Index("public.key", f"CREATE UNIQUE INDEX ({columns})", constraint="key")
        return _atoms.atoms(Snapshot("postgresql", tables=[Table("public.users", constraints=[key], indexes=[of_key])]))

    found = _atoms.differences(keyed("a"), keyed("a, b"))
    assert [(one.type, one.what) for one in found] == [("constraint", "definition")]


def test_the_order_of_columns_is_no_difference() -> None:
    assert _atoms.differences(table("users", "id", "name"), table("users", "name", "id")) == []


def test_an_extension_may_have_another_version() -> None:
    from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Extension

    old, new = [_atoms.atoms(Snapshot("postgresql", extensions=[Extension("hstore", one)])) for one in ("1.1", "1.8")]
    assert old == new


def test_what_is_the_same_is_not_taken_apart_again() -> None:
    users, orders = Table("public.users"), Table("public.orders")
    reader = _atoms.Reader()
    first = reader.read(Snapshot("postgresql", tables=[orders, users]))
    second = reader.read(Snapshot("postgresql", tables=[dataclasses.replace(orders, comment="x"), users]))
    path = ("table", "", "public.users")
    assert second[path] is first[path]
    assert second[("table", "", "public.orders")]["comment"] == "x"
