# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the text of CREATE TABLE and CREATE INDEX tells, and no pragma. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._words import (
    Word,
    is_word,
    name_of,
    split,
    text_of,
    words_of,
)

_TABLE_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
_COLUMN_CONSTRAINTS = (
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
)


@dataclasses.dataclass
class DeclaredConstraint:
    """kind: primary, unique, check or foreign. name: "" where it has none. check: its expression."""

    kind: str
    name: str
    columns: list[str]
    check: str = ""
    deferrable: bool = False
    deferred: bool = False


@dataclasses.dataclass
class DeclaredTable:
    """collations, generated: by column, in lower case. options: the words behind the brackets, in lower case."""

    constraints: list[DeclaredConstraint] = dataclasses.field(default_factory=list)
    collations: dict[str, str] = dataclasses.field(default_factory=dict)
    generated: dict[str, str] = dataclasses.field(default_factory=dict)
    autoincrement: bool = False
    options: list[str] = dataclasses.field(default_factory=list)


@functools.lru_cache(maxsize=4096)  # hundreds of catalogs of one database are read one after the other
def declared_table(statement: str) -> DeclaredTable:
    table = DeclaredTable()
    words = words_of(statement)
    body = next((place for place, word in enumerate(words) if isinstance(word, list)), None)
    if body is None:
        return table
    for item in split(words[body]):
        if is_word(item[0], *_TABLE_CONSTRAINTS):
            _Reader(table, "").read(item)
        else:
            column = name_of(item[0])
            rest = next((n for n, word in enumerate(item) if n and is_word(word, *_COLUMN_CONSTRAINTS)), len(item))
            _Reader(table, column).read(item[rest:])
    table.options = sorted(" ".join(str(word).lower() for word in part) for part in split(words[body + 1 :]))
    return table


def virtual_table(statement: str) -> str:
    """What makes it: "using fts5(body)"."""
    words = words_of(statement)
    place = next((n for n, word in enumerate(words) if is_word(word, "USING")), len(words))
    return text_of(["using", *words[place + 1 :]])


class _Reader:
    """Reads the constraints of one column, or one constraint of a table, into the table."""

    def __init__(self, table: DeclaredTable, column: str) -> None:
        self.table = table
        self.column = column
        self.name = ""
        self.words: list[Word] = []

    def read(self, words: list[Word]) -> None:
        self.words = list(words)
        while self.words:
            word = self.words.pop(0)
            handler = self._HANDLERS.get(word.upper()) if isinstance(word, str) else None
            if handler:
                handler(self)

    def _next(self) -> Word:
        return self.words.pop(0) if self.words else ""

    def _next_is(self, *wanted: str) -> bool:
        return bool(self.words) and is_word(self.words[0], *wanted)

    def _list(self) -> t.Optional[list[Word]]:
        """What stands in brackets here, if anything."""
        return self.words.pop(0) if self.words and isinstance(self.words[0], list) else None

    def _columns(self) -> list[str]:
        given = self._list()
        return [name_of(part[0]) for part in split(given)] if given else [self.column]

    def _add(self, kind: str, columns: list[str], check: str = "") -> None:
        self.table.constraints.append(DeclaredConstraint(kind, self.name, columns, check))
        self.name = ""

    def _constraint(self) -> None:
        self.name = name_of(self._next())

    def _primary(self) -> None:
        self._next()
        self._add("primary", self._columns())

    def _unique(self) -> None:
        self._add("unique", self._columns())

    def _check(self) -> None:
        self._add("check", [], text_of(self._list() or []))

    def _foreign(self) -> None:
        self._next()
        self._add("foreign", self._columns())

    def _references(self) -> None:
        if self.column:
            self._add("foreign", [self.column])
        self._next()
        self._list()

    def _not(self) -> None:
        if self._next_is("DEFERRABLE"):
            self._next()

    def _deferrable(self) -> None:
        last = self.table.constraints[-1]
        last.deferrable = True
        if self._next_is("INITIALLY"):
            self._next()
            last.deferred = is_word(self._next(), "DEFERRED")

    def _default(self) -> None:
        if is_word(self._next(), "+", "-"):
            self._next()

    def _collate(self) -> None:
        self.table.collations[self.column.lower()] = name_of(self._next())

    def _as(self) -> None:
        self.table.generated[self.column.lower()] = text_of(self._list() or [])

    def _autoincrement(self) -> None:
        self.table.autoincrement = True

    def _on(self) -> None:
        self._next()
        if self._next_is("SET", "NO"):
            self._next()
        self._next()

    _HANDLERS: t.ClassVar[t.Dict[str, t.Callable[[_Reader], None]]] = {
        "CONSTRAINT": _constraint,
        "PRIMARY": _primary,
        "UNIQUE": _unique,
        "CHECK": _check,
        "FOREIGN": _foreign,
        "REFERENCES": _references,
        "NOT": _not,
        "DEFERRABLE": _deferrable,
        "DEFAULT": _default,
        "COLLATE": _collate,
        "AS": _as,
        "AUTOINCREMENT": _autoincrement,
        "ON": _on,
    }


@functools.lru_cache(maxsize=4096)
def declared_index(statement: str) -> tuple[list[str], str]:
    """The text of each of its columns, and the condition of a partial index or ""."""
    words = words_of(statement)
    place = next((n for n, word in enumerate(words) if isinstance(word, list)), None)
    if place is None:
        return [], ""
    rest = words[place + 1 :]
    condition = text_of(rest[1:]) if rest and is_word(rest[0], "WHERE") else ""
    return [text_of(part) for part in split(words[place])], condition
