# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing what was written to a database at two moments. Pure; target; PRIVATE to the collection.

The counters are PostgreSQL's own statistics. They count rolled back rows too and know nothing of sequences:
equal counters mean that nothing was written, different ones that something may have been.
"""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Changes:
    """What differs between two readings. `reason` says why they cannot be compared, or is empty."""

    reason: str = ""
    tables: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)

    @property
    def unchanged(self) -> bool:
        return not self.reason and not self.tables

    def to_json(self) -> dict[str, t.Any]:
        total = {
            kind: sum(table[kind] for table in self.tables.values()) for kind in ("inserted", "updated", "deleted")
        }
        return {"unchanged": self.unchanged, "reason": self.reason, **total, "tables": self.tables}

    def sentence(self) -> str:
        """For a message: what was written, the busiest tables first."""
        if self.reason:
            return self.reason
        busiest = sorted(
            self.tables, key=lambda name: -sum(self.tables[name][kind] for kind in ("inserted", "updated", "deleted"))
        )
        parts = [_part(name, self.tables[name]) for name in busiest[:5]]
        more = f" and {len(busiest) - 5} more tables" if len(busiest) > 5 else ""
        return "; ".join(parts) + more


def _part(name: str, table: dict[str, t.Any]) -> str:
    counted = [f"{table[kind]} {kind}" for kind in ("inserted", "updated", "deleted") if table[kind]]
    return f"{name}: {', '.join(counted + ([table['other']] if table['other'] else []))}"


def compare(before: dict[str, t.Any], after: dict[str, t.Any]) -> Changes:
    """What was written between two readings of one database's counters."""
    if before.get("oid") != after.get("oid"):
        return Changes("the counters are of two different databases")
    if before.get("since") != after.get("since"):
        return Changes(
            "the server's statistics were reset in between (a crash, or pg_stat_reset), so what was written is not known"
        )
    tables = {}
    old, new = before.get("tables", {}), after.get("tables", {})
    for name in sorted({**old, **new}):
        table = _compare_table(old.get(name), new.get(name))
        if table:
            tables[name] = table
    return Changes("", tables)


def _compare_table(old: t.Optional[list[int]], new: t.Optional[list[int]]) -> t.Optional[dict[str, t.Any]]:
    first, second = old or [0, 0, 0, 0], new or [0, 0, 0, 0]
    if first == second and (old is None) == (new is None):
        return None
    other = "rewritten or truncated" if first[3] != second[3] else ""
    if old is None:
        other = "created"
    elif new is None:
        return {"inserted": 0, "updated": 0, "deleted": 0, "other": "dropped"}
    return {
        "inserted": second[0] - first[0],
        "updated": second[1] - first[1],
        "deleted": second[2] - first[2],
        "other": other,
    }
