# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two catalogs, without sizes and other physical facts. Pure; target; PRIVATE to the collection.

What follows from another difference is none of its own: an index that a constraint stands on, the sequence of an
identity column, a definition that names a renamed column by its new name.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema._diff_names import Names, bare, pairs, same
from ansible_collections.seamless.deploy.plugins.module_utils._schema._json import facts
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Index, Sequence, Snapshot, Table

KINDS = ("added", "removed", "changed", "renamed")

#: Lists of a table or view whose members are compared one by one.
MEMBERS = {"columns": "column", "constraints": "constraint", "indexes": "index", "triggers": "trigger"}

#: Lists of a catalog, beside tables and views.
OBJECTS = {
    "sequences": "sequence",
    "enums": "enum",
    "domains": "domain",
    "functions": "function",
    "extensions": "extension",
    "publications": "publication",
}

#: Lists in which the order says nothing.
_UNORDERED = ("tables", "checks", "options")

#: A field, and those that only say a part of what it says: by the kind of object.
_COVERS = {
    "constraint": {
        "definition": {
            "kind",
            "columns",
            "references",
            "referenced_columns",
            "on_delete",
            "on_update",
            "deferrable",
            "deferred",
        }
    },
    "index": {"definition": {"method", "columns", "unique", "predicate"}},
    "column": {"generated": {"generation"}},
}


@dataclasses.dataclass(frozen=True)
class Difference:
    """One difference. kind: one of KINDS. object: such as "public.orders_order.paid"; where it was renamed, its former name.

    what: the field that changed; "name" of what was renamed; "" of what was added or removed. before, after: plain values;
    None where there is nothing. type: of the object: table, column, index and so on. owner: the table or view it is part of.
    """

    kind: str
    object: str
    what: str = ""
    before: t.Any = None
    after: t.Any = None
    type: str = "table"
    owner: str = ""


def differences(before: Snapshot, after: Snapshot) -> list[Difference]:
    """In the order of the objects' names, tables first. Raises DeployError for catalogs of two kinds of database."""
    if before.dialect != after.dialect:
        raise DeployError(
            f"a catalog of {before.dialect} cannot be compared with one of {after.dialect}; give two of the same kind of database"
        )
    names = Names.between(before, after)
    found: list[Difference] = []
    for kind, attribute in (("table", "tables"), ("view", "views")):
        for old, new in _ordered(pairs(getattr(before, attribute), getattr(after, attribute), names.same_database)):
            found += _of_relation(kind, old, new, names)
    for attribute, kind in OBJECTS.items():
        matched = pairs(getattr(before, attribute), getattr(after, attribute), names.same_database)
        for old, new in _ordered(matched):
            if kind == "sequence" and _follows_its_column(old, new, before, after):
                continue
            found += _of_one(kind, old, new, names.of_owned(old) if kind == "sequence" else names.all)
    return found


def _ordered(matched: list[tuple[t.Any, t.Any]]) -> list[tuple[t.Any, t.Any]]:
    return sorted(matched, key=lambda pair: title(pair[0] or pair[1]))


def title(item: t.Any) -> str:
    """What a person calls it: functions of one name differ in their arguments."""
    return f"{item.name}({item.arguments})" if hasattr(item, "arguments") else item.name


def _of_relation(kind: str, old: t.Any, new: t.Any, names: Names) -> list[Difference]:
    """A table or view, and all its parts when it is there before and after."""
    found = _of_one(kind, old, new, names.of_views() if kind == "view" else names.all)
    if not old or not new:
        return found
    local = names.of_table(old)
    skipped = {"columns"} if kind == "view" else set()
    for attribute, part in MEMBERS.items():
        if attribute in skipped or not hasattr(new, attribute):
            continue
        by_oid = names.same_database and (part != "column" or old.oid == new.oid != 0)
        matched = pairs(getattr(old, attribute), getattr(new, attribute), by_oid)
        if part == "column":
            found += _order_of_columns(kind, old, new, matched)
        for one, other in matched:
            if part == "index" and _follows_its_constraint(one, other, found):
                continue
            known = names.of_reference(local, one) if part == "constraint" else local
            found += _of_one(part, one, other, known, old.name, new.name)
    return found


def _order_of_columns(kind: str, old: t.Any, new: t.Any, matched: list[tuple[t.Any, t.Any]]) -> list[Difference]:
    """SQLite keeps no column in its place when a table is made anew."""
    both = {id(one): other for one, other in matched if one and other}
    before = [one for one in old.columns if id(one) in both]
    wanted = [both[id(one)].name for one in before]
    found = [other.name for other in new.columns if other.name in wanted]
    if wanted == found:
        return []
    return [Difference("changed", new.name, "columns", [one.name for one in before], found, kind)]


def _of_one(
    kind: str, old: t.Any, new: t.Any, known: t.Dict[str, str], old_owner: str = "", owner: str = ""
) -> list[Difference]:
    if not old or not new:
        return [_appeared(kind, old, new, owner)]
    found = []
    # An index lies where its table does, and is called as the constraint that stands on it.
    moved = bare(old.name) != bare(new.name) and not new.constraint if kind == "index" else old.name != new.name
    if moved:
        found.append(Difference("renamed", _path(kind, old, old_owner), "name", old.name, new.name, kind, owner))
    own = {**known, old.name: new.name, **({bare(old.name): bare(new.name)} if kind == "index" else {})}
    changed = [
        name
        for name in _fields(kind, new)
        if not same(getattr(old, name), getattr(new, name), own, name not in _UNORDERED, kind == "view")
    ]
    if kind == "index" and old.constraint and new.constraint and "constraint" in changed:
        changed.remove("constraint")
    for name, covered in _COVERS.get(kind, {}).items():
        changed = [field for field in changed if name not in changed or field not in covered]
    for name in changed:
        values = facts(getattr(old, name)), facts(getattr(new, name))
        found.append(Difference("changed", _path(kind, new, owner), name, *values, type=kind, owner=owner))
    return found


def _appeared(kind: str, old: t.Any, new: t.Any, owner: str) -> Difference:
    there = new or old
    gone = None if new else facts(old)
    return Difference(
        "added" if new else "removed", _path(kind, there, owner), "", gone, facts(new) if new else None, kind, owner
    )


def _fields(kind: str, item: t.Any) -> list[str]:
    """What is compared of an object itself, without its name and its parts."""
    parts = {"name", *(MEMBERS if kind in ("table", "view") else ())}
    compared = [field.name for field in dataclasses.fields(item) if not field.metadata.get("physical")]
    return [name for name in compared if name not in parts]


def _path(kind: str, item: t.Any, owner: str) -> str:
    """An index is a relation, with a name of its own in the schema."""
    return f"{owner}.{item.name}" if owner and kind != "index" else title(item)


def _follows_its_constraint(old: t.Optional[Index], new: t.Optional[Index], found: list[Difference]) -> bool:
    """An index that came, went or changed with the constraint that stands on it."""
    there = new or old
    if there is None or not there.constraint:
        return False
    changed = {one.object.rpartition(f"{one.owner}.")[2] for one in found if one.what == "definition"}
    return old is None or new is None or (there.constraint in changed and old.valid == new.valid)


def _follows_its_column(
    old: t.Optional[Sequence], new: t.Optional[Sequence], before: Snapshot, after: Snapshot
) -> bool:
    """A sequence that came or went with its column, or with the identity of it."""
    there, here, other = (new, after, before) if new else (old, before, after)
    if (old and new) or there is None or not there.owned_by:
        return False
    own, beyond = _column(here, there.owned_by), _column(other, there.owned_by)
    return own is not None and (beyond is None or own.identity != "")


def _column(snapshot: Snapshot, path: str) -> t.Any:
    for table in snapshot.tables:
        if path.startswith(f"{table.name}."):
            found = Table.column(table, path[len(table.name) + 1 :])
            if found:
                return found
    return None
