# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration does to the traffic of a SQLite file, as it was measured on a copy. Pure; target; PRIVATE to the collection.

SQLite lets one writer in at a time, and a transaction keeps all others out from its first write to its end. Where there is no
write-ahead log, readers wait for its last moments too. Most changes of a table copy it whole.
"""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Evidence

#: So many statements of a migration are kept: beyond them only its whole time is known.
KEPT = 200


def impact(evidence: Evidence, stall_seconds: float, framework: str) -> t.Tuple[t.Dict[str, t.Any], t.List[Finding]]:
    """With the keys of the impact on PostgreSQL. stall_seconds: what a writer may wait."""
    held = round(longest(evidence), 2)
    stalls = evidence.rehearsal != "none" and held > stall_seconds
    lock = {
        "relation": "the whole file",
        "mode": "write",
        "blocks": "writes",
        "seconds": held,
        "bytes": evidence.before.bytes,
    }
    result = {
        "stalls": stalls,
        "seconds": round(evidence.seconds, 1),
        "forecast": False,
        "locks": [lock] if evidence.statements else [],
        "rewrites": sorted(evidence.rewritten),
        "scans": [],
        "indexes": _built(evidence),
    }
    return result, [_finding(evidence, held, framework)] if stalls else []


def longest(evidence: Evidence) -> float:
    """Seconds of the longest transaction, which is how long a writer waits."""
    alone = [each.seconds for each in evidence.statements if each.transaction < 0]
    if len(evidence.statements) >= KEPT or any(each.code for each in evidence.statements):
        return evidence.seconds
    together: t.Dict[int, float] = {}
    for each in evidence.statements:
        if each.transaction >= 0:
            together[each.transaction] = together.get(each.transaction, 0.0) + each.seconds
    return max([*alone, *together.values(), 0.0])


def _built(evidence: Evidence) -> t.List[str]:
    before = {index.name for table in evidence.before.tables for index in table.indexes}
    return sorted(
        f"{table.name}.{index.name}"
        for table in evidence.after.tables
        if evidence.before.table(table.name)
        for index in table.indexes
        if index.name not in before
    )


def _finding(evidence: Evidence, held: float, framework: str) -> Finding:
    names = ", ".join(sorted(evidence.rewritten))
    work = f"{names} is copied whole" if names else "one transaction of it runs"
    reason = (
        f"All writes to the file wait for {held:.1f} s in the rehearsal, while {work}; one that waits longer than its own "
        "busy timeout (5 s unless set) fails."
    )
    unit = "revisions" if framework == "alembic" else "migrations"
    remedy = (
        f"Change rows in batches with {unit} of their own that are not atomic"
        if not names
        else "Leave the table as it is"
    )
    return Finding(names or evidence.migration.id, reason, f"{remedy}, or do this in maintenance.")
