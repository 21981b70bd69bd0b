# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a case: a migration between two releases, and what is true of it (control node)."""

from __future__ import annotations

import dataclasses
import re
import typing as t

BIG = 2 * 1024**3

Tables = dict[str, list[str]]
#: A list is one transaction; a statement that stands alone runs outside of any.
Migration = t.Sequence[str | list[str]]

COLUMN = re.compile(
    r"^(?P<name>\w+) (?P<type>.+?)(?P<flags>(?: (?:pk|null|unique|db_default|generated|natural|fk=\S+|no_constraint|on_delete=\w+))*)$"
)


@dataclasses.dataclass(frozen=True)
class Release:
    """What a release demands, and what it runs beside the statements that follow from that.

    tables: by name, a list such as "note varchar(20) null" or "unique(a, b)". Flags: pk (numbered by the database),
    natural (a pk that it is not), null, unique, db_default, generated, fk=TABLE, no_constraint, on_delete=WORD.
    """

    tables: Tables = dataclasses.field(default_factory=dict)
    runs: list[str] = dataclasses.field(default_factory=list)
    raw: list[str] = dataclasses.field(default_factory=list)
    deletes: list[str] | None = None
    drivers: dict[str, str] = dataclasses.field(default_factory=lambda: {"psycopg": "3.2"})
    known: bool = True


@dataclasses.dataclass(frozen=True)
class Case:
    """expected: the word. says: words that the findings must have, of reason or remedy. silent: no finding but what the new release needs of an expand.

    after_new: what the new release has written when the old one runs after the migration. sizes: of production's tables.
    """

    name: str
    setup: str
    migration: Migration
    old: Release
    new: Release
    expected: str
    stalls: bool = False
    says: list[str] = dataclasses.field(default_factory=list)
    silent: bool = False
    framework: str = "django"
    rehearsal: str = "schema"
    data: bool = False
    after_new: list[str] = dataclasses.field(default_factory=list)
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)
    since: int = 16

    @property
    def proven(self) -> bool:
        return self.expected != "inconclusive"


def demanded(tables: Tables) -> dict[str, t.Any]:
    """As the bridge's `describe` gives it."""
    return {name: _table(lines) for name, lines in tables.items()}


def _table(lines: list[str]) -> dict[str, t.Any]:
    columns: dict[str, t.Any] = {}
    keys, unique = [], []
    for line in lines:
        if line.startswith("unique("):
            unique.append([part.strip() for part in line[7:-1].split(",")])
            continue
        found = COLUMN.match(line)
        if found is None:
            raise ValueError(f"{line!r} is no column")
        name, flags = found["name"], found["flags"].split()
        columns[name] = {
            "field": name,
            "type": found["type"],
            "null": "null" in flags,
            "primary_key": "pk" in flags or "natural" in flags,
            "db_default": "db_default" in flags,
            "generated": "generated" in flags or "pk" in flags,
        }
        unique += [[name]] if {"pk", "natural", "unique"} & set(flags) else []
        words = dict(flag.split("=") for flag in flags if "=" in flag)
        if "fk" in words:
            on_delete = words.get("on_delete", "NO_ACTION")
            constraint = "no_constraint" not in flags
            key = {"column": name, "table": words["fk"], "references": "id", "on_delete": on_delete}
            keys.append({**key, "constraint": constraint})
    return {"model": "", "managed": True, "columns": columns, "foreign_keys": keys, "unique": unique}
