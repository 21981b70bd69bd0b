# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of two catalogs are the same one, and what renames do to the text of others. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

#: Lists of a catalog whose members can be named in definitions of others.
_NAMED = ("tables", "views", "sequences", "enums", "domains", "functions")


def bare(name: str) -> str:
    """Without its schema."""
    return name.partition(".")[2] or name


def identity(item: t.Any) -> int:
    """What stays when an object is renamed; 0 where there is no such thing."""
    return int(getattr(item, "oid", 0) or getattr(item, "number", 0))


def pairs(before: list[t.Any], after: list[t.Any], by_identity: bool) -> list[tuple[t.Any, t.Any]]:
    """Each object of either list once, with itself in the other one, or None."""
    matched: list[tuple[t.Any, t.Any]] = []
    old, new = list(before), list(after)
    keys: list[t.Callable[[t.Any], t.Any]] = [lambda item: (item.name, getattr(item, "arguments", ""))]
    for key in ([identity] if by_identity else []) + keys:
        candidates = {key(item): item for item in new if key(item)}
        both = [(item, candidates[key(item)]) for item in old if key(item) in candidates]
        matched += both
        gone = {id(item) for pair in both for item in pair}
        old, new = [item for item in old if id(item) not in gone], [item for item in new if id(item) not in gone]
    return matched + [(item, None) for item in old] + [(None, item) for item in new]


@dataclasses.dataclass(frozen=True)
class Names:
    """all: former name -> new name of what others can name. columns: the same of columns, by former name of their table."""

    same_database: bool
    all: t.Dict[str, str]
    columns: t.Dict[str, t.Dict[str, str]]

    @classmethod
    def between(cls, before: Snapshot, after: Snapshot) -> Names:
        same_database = before.database_oid == after.database_oid != 0
        if not same_database:
            return cls(False, {}, {})
        renamed: dict[str, str] = {}
        columns: dict[str, dict[str, str]] = {}
        for attribute in _NAMED:
            for old, new in pairs(getattr(before, attribute), getattr(after, attribute), True):
                if not old or not new:
                    continue
                if old.name != new.name:
                    renamed[old.name] = new.name
                if attribute == "tables" and old.oid == new.oid:
                    of_table = _renamed(pairs(old.columns, new.columns, True))
                    columns.update({old.name: of_table} if of_table else {})
        return cls(True, renamed, columns)

    def of_table(self, old: t.Any) -> t.Dict[str, str]:
        return {**self.all, **self.columns.get(old.name, {})}

    def of_reference(self, local: t.Dict[str, str], constraint: t.Any) -> t.Dict[str, str]:
        """A foreign key names columns of the other table too."""
        return {**self.columns.get(constraint.references, {}), **local} if constraint else local

    def of_owned(self, sequence: t.Any) -> t.Dict[str, str]:
        owned_by = sequence.owned_by if sequence else ""
        of_owner = [names for table, names in self.columns.items() if owned_by.startswith(f"{table}.")]
        return {**self.all, **(of_owner[0] if of_owner else {})}

    def all_columns(self) -> t.Dict[str, str]:
        """A view can name columns of any table."""
        found = dict(self.all)
        for names in self.columns.values():
            found.update(names)
        return found


def _renamed(matched: list[tuple[t.Any, t.Any]]) -> dict[str, str]:
    return {old.name: new.name for old, new in matched if old and new and old.name != new.name}


def same(before: t.Any, after: t.Any, known: t.Dict[str, str], ordered: bool = True) -> bool:
    """Whether a value is the same one, apart from names that changed."""
    if before == after:
        return True
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        others = after if ordered else sorted(after)
        renamed = before if ordered else sorted(before, key=lambda item: _reworded(item, known))
        return all(same(one, other, known) for one, other in zip(renamed, others))
    if not isinstance(before, str) or not isinstance(after, str):
        return False
    wanted, text = _reworded(before, known), _plain(after)
    return wanted != _plain(before) and wanted in (text, _without_former_names(text, known))


def _plain(text: str) -> str:
    """Without quotes, which a name may need before or after it was changed only."""
    return text.replace('"', "")


def _reworded(text: str, known: t.Dict[str, str]) -> str:
    changed = {old: new for old, new in known.items() if old and old != new}
    if not changed:
        return _plain(text)
    longest_first = sorted(changed, key=len, reverse=True)
    pattern = "|".join(re.escape(name) for name in longest_first)
    return re.sub(rf"(?<![\w$])({pattern})(?![\w$])", lambda match: changed[match.group(1)], _plain(text))


def _without_former_names(text: str, known: t.Dict[str, str]) -> str:
    """A view goes on to give a renamed column under its former name, and says so."""
    for old, new in known.items():
        text = re.sub(rf"(?<![\w$])({re.escape(new)}) AS {re.escape(old)}(?![\w$])", r"\1", text)
    return text
