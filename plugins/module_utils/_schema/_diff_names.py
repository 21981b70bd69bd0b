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

    def of_views(self) -> t.Dict[str, str]:
        """A view can name columns of any table, and a table without its schema where it names a column."""
        found = {**self.all, **{bare(old): bare(new) for old, new in self.all.items()}}
        for names in self.columns.values():
            found.update(names)
        return found


def _renamed(matched: list[tuple[t.Any, t.Any]]) -> dict[str, str]:
    return {old.name: new.name for old, new in matched if old and new and old.name != new.name}


def same(before: t.Any, after: t.Any, known: t.Dict[str, str], ordered: bool = True, loose: bool = False) -> bool:
    """Whether a value is the same one, apart from names that changed.

    loose: a former name may still stand there, as that of another table's column, or behind AS: views keep theirs.
    """
    if before == after:
        return True
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        if ordered:
            return all(same(one, other, known, loose=loose) for one, other in zip(before, after))
        renamed = [known[one] if one in known else one for one in before]
        return sorted(renamed) == sorted(after)
    if not isinstance(before, str) or not isinstance(after, str):
        return False
    return _reworded(_plain(before), _plain(after), known, loose)


def _plain(text: str) -> str:
    """Without quotes, which a name may need before or after it was changed only."""
    return text.replace('"', "")


def _reworded(before: str, after: str, known: t.Dict[str, str], loose: bool) -> bool:
    changed = {old: new for old, new in known.items() if old and old != new}
    if not changed:
        return False
    if loose:
        for old, new in changed.items():
            before = re.sub(rf"(?<![\w$])({re.escape(old)}) AS {re.escape(new)}(?![\w$])", r"\1", before)
    longest_first = "|".join(re.escape(name) for name in sorted(changed, key=len, reverse=True))
    parts = re.split(rf"(?<![\w$])({longest_first})(?![\w$])", before)
    # Names and what stands between them take turns.
    wanted = [_either(part, changed[part], loose) if n % 2 else re.escape(part) for n, part in enumerate(parts)]
    return len(parts) > 1 and re.fullmatch("".join(wanted), after) is not None


def _either(old: str, new: str, loose: bool) -> str:
    new, old = re.escape(new), re.escape(old)
    return f"(?:{new}(?: AS {old})?|{old})" if loose else new
