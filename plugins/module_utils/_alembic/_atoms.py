# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalog as single facts, so that hundreds of catalogs can be compared quickly. Pure; target; PRIVATE to the collection.

One atom is one table, column, constraint and so on: its path, and its facts without its parts. The order of columns is no
fact of any of them: a database that was downgraded once has another one.
"""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._diff import MEMBERS, OBJECTS, Difference, title
from ansible_collections.seamless.deploy.plugins.module_utils._schema._json import facts
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

#: Type of the object, the table or view it is part of or "", its name.
Path = t.Tuple[str, str, str]
Value = t.Dict[str, t.Any]
Atoms = t.Dict[Path, Value]

#: What Alembic's batch mode on SQLite calls the table that takes the place of another one.
TEMPORARY = "_alembic_tmp_"

_RELATIONS = {"tables": "table", "views": "view"}


def atoms(snapshot: Snapshot) -> Atoms:
    return Reader().read(snapshot)


class Reader:
    """Reads the catalogs of one database, one after the other; what is the same as in the last one is not taken apart again."""

    def __init__(self) -> None:
        self._last: t.Dict[t.Tuple[str, str], t.Tuple[t.Any, Atoms]] = {}

    def read(self, snapshot: Snapshot) -> Atoms:
        found: Atoms = {}
        seen = {}
        for attribute, kind in _RELATIONS.items():
            for item in getattr(snapshot, attribute):
                known = self._last.get((kind, item.name))
                same = known and (known[0] is item or known[0] == item)
                own = known[1] if known and same else _of_relation(kind, item)
                seen[(kind, item.name)] = (item, own)
                found.update(own)
        self._last = seen
        for attribute, kind in OBJECTS.items():
            if kind == "sequence" and snapshot.dialect == "sqlite":
                continue  # one for each AUTOINCREMENT, which the column tells already
            for item in getattr(snapshot, attribute):
                found[(kind, "", title(item))] = _value(kind, item)
        return found


def _of_relation(kind: str, item: t.Any) -> Atoms:
    found: Atoms = {(kind, "", item.name): _value(kind, item)}
    for attribute, part in MEMBERS.items():
        if kind == "view" and part == "column":
            continue  # its definition tells them
        for one in getattr(item, attribute, []):
            if part == "index" and one.constraint:
                continue  # the constraint tells it
            found[(part, item.name, one.name)] = _value(part, one)
    return found


def _value(kind: str, item: t.Any) -> Value:
    parts = {"name", *(MEMBERS if kind in ("table", "view") else ())}
    if kind == "extension":
        parts.add("version")  # whatever the server offers when somebody makes it
    return {name: value for name, value in facts(item).items() if name not in parts}


def root(path: Path) -> Path:
    """The table or view that it is part of, or itself. A table and a view of one name are one place."""
    kind, owner, name = path
    if owner:
        return ("relation", "", owner)
    return ("relation", "", name) if kind in ("table", "view") else path


def places(found: t.Iterable[Path]) -> t.Set[Path]:
    return {root(path) for path in found}


def changes(before: Atoms, after: Atoms) -> t.Dict[Path, t.Optional[Value]]:
    """What leads from one to the other; None where something went."""
    changed: t.Dict[Path, t.Optional[Value]] = {
        path: value for path, value in after.items() if before.get(path) != value
    }
    changed.update((path, None) for path in before if path not in after)
    return changed


def without(found: Atoms, gone: t.Container[Path]) -> Atoms:
    """Without these places and all that belongs to them."""
    return {path: value for path, value in found.items() if root(path) not in gone}


def leftovers(found: Atoms) -> list[Path]:
    """What an attempt that failed has left: tables of Alembic's batch mode, and invalid indexes."""
    tables = [path for path in found if path[0] == "table" and bare(path[2]).startswith(TEMPORARY)]
    names = {path[2] for path in tables}
    invalid = [
        path
        for path, value in found.items()
        if path[0] == "index" and value.get("valid") is False and path[1] not in names
    ]
    return sorted(tables) + sorted(invalid)


def without_leftovers(found: Atoms) -> Atoms:
    gone = leftovers(found)
    kept = without(found, {root(path) for path in gone if path[0] == "table"})
    return {path: value for path, value in kept.items() if path not in gone}


def bare(name: str) -> str:
    """Without its schema."""
    return name.rpartition(".")[2]


def differences(expected: Atoms, real: Atoms) -> list[Difference]:
    """From what is expected to what is there, tables first; what belongs to a table that is missing is not told apart."""
    found = []
    whole = {root(path) for path in {**expected, **real} if not path[1] and (path in expected) != (path in real)}
    for path in sorted({**expected, **real}, key=_order):
        kind, owner, name = path
        before, after = expected.get(path), real.get(path)
        if before == after or (owner and root(path) in whole) or _follows(path, expected, real):
            continue
        shown = f"{owner}.{name}" if owner and kind != "index" else name
        if before is None or after is None:
            word = "added" if before is None else "removed"
            told = [_whole(path, side) if path in side else None for side in (expected, real)]
            found.append(Difference(word, shown, "", told[0], told[1], kind, owner))
            continue
        for what in [what for what in {**before, **after} if before.get(what) != after.get(what)]:
            found.append(Difference("changed", shown, what, before.get(what), after.get(what), kind, owner))
    return _told_once(found)


def _follows(path: Path, expected: Atoms, real: Atoms) -> bool:
    """A sequence that came or went with the column it belongs to."""
    value = expected.get(path) or real.get(path) or {}
    if path[0] != "sequence" or not value.get("owned_by") or (path in expected) == (path in real):
        return False
    table, _dot, column = value["owned_by"].rpartition(".")
    return expected.get(("column", table, column)) != real.get(("column", table, column))


def _told_once(found: list[Difference]) -> list[Difference]:
    """The definition of a constraint or an index says all of it."""
    defined = {(one.type, one.object) for one in found if one.what == "definition"}
    return [one for one in found if one.what in ("definition", "") or (one.type, one.object) not in defined]


def _order(path: Path) -> t.Tuple[int, str, int, str]:
    kind, owner, name = path
    kinds = ["table", "view", *OBJECTS.values(), *MEMBERS.values()]
    return (0 if owner or kind in ("table", "view") else 1, owner or name, kinds.index(kind), name)


def _whole(path: Path, side: Atoms) -> Value:
    """The facts of an object, a table's with its parts."""
    kind, _owner, name = path
    told = {"name": name, **side[path]}
    if kind in ("table", "view"):
        for attribute, part in MEMBERS.items():
            of_kind = sorted(each for each in side if each[0] == part and each[1] == name)
            told[attribute] = [{"name": each[2], **side[each]} for each in of_kind]
    return told
