# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration does to the traffic on the tables of production. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Evidence, Lock
from ansible_collections.seamless.deploy.plugins.module_utils._schema._impact_words import crowded, stalling
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._schema._works import BLOCKS, Sizes, Work, works

MEGABYTE = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Limits:
    """From when on work on a table is felt. The rates are those of a modest server whose tables are not all in memory.

    small_bytes: tables below it are read or written anew in milliseconds, and never alarm.
    stall_seconds: what a request may wait for a lock that is held, beside the lock budget. Longer is a stall.
    scan_rate, rewrite_rate, index_rate: bytes a second that are read, written anew, or sorted into an index.
    """

    small_bytes: int = MEGABYTE
    stall_seconds: float = 0.5
    scan_rate: int = 200 * MEGABYTE
    rewrite_rate: int = 50 * MEGABYTE
    index_rate: int = 25 * MEGABYTE


LIMITS = Limits()


def impact(
    evidence: Evidence, production: Snapshot, limits: Limits = LIMITS, framework: str = "django"
) -> t.Tuple[t.Dict[str, t.Any], t.List[Finding]]:
    """Locks, rewrites, scans and seconds on production's sizes, and whether they would stall its traffic.

    The seconds of work on tables are a forecast from bytes; those of statements were measured in the rehearsal.
    """
    sizes = Sizes(production, evidence.before)
    todo = [work for work in works(evidence, sizes) if work.data_bytes >= limits.small_bytes]
    holds = [_Hold(lock, _held(lock, evidence, todo, limits)) for lock in _blocking(evidence, sizes, todo)]
    found = _stalls(holds, todo, evidence, limits, framework)
    measured = sum(each.seconds for each in evidence.statements) or evidence.seconds
    result = {
        "stalls": bool(found),
        "seconds": round(measured + sum(seconds(work, limits) for work in todo), 1),
        "forecast": bool(todo),
        "locks": [_shown(hold, sizes) for hold in holds],
        "rewrites": sorted({work.table for work in todo if work.kind == "rewrite"}),
        "scans": sorted({work.table for work in todo if work.kind not in ("rewrite", "index", "unique", "exclusion")}),
        "indexes": sorted({work.object for work in todo if work.kind in ("index", "unique", "exclusion")}),
    }
    return result, [*found, *_several(holds, sizes, evidence, limits, framework)]


class _Hold(t.NamedTuple):
    lock: Lock
    seconds: float


def seconds(work: Work, limits: Limits) -> float:
    """A forecast."""
    if work.kind == "rewrite":
        return work.data_bytes / limits.rewrite_rate + work.index_bytes / limits.index_rate
    if work.index_bytes:
        return work.index_bytes / limits.index_rate
    return work.data_bytes / limits.scan_rate


def _blocking(evidence: Evidence, sizes: Sizes, todo: t.List[Work]) -> t.List[Lock]:
    """Locks that stop requests, on tables that are there; also those that nobody saw because their transaction was one statement."""
    there = {table.name for table in evidence.before.tables if sizes.table(table.name)}
    seen = [lock for lock in evidence.locks if lock.mode in BLOCKS and lock.relation in there]
    tables = {lock.relation for lock in seen}
    return seen + [Lock(work.table, work.mode, -1, 0.0) for work in todo if work.mode and work.table not in tables]


def _transaction(statement: int, evidence: Evidence) -> int:
    return evidence.statements[statement].transaction if 0 <= statement < len(evidence.statements) else 0


def _held(lock: Lock, evidence: Evidence, todo: t.List[Work], limits: Limits) -> float:
    """Seconds from the statement that takes the lock to the end of its transaction."""
    if lock.statement < 0:
        return max(seconds(work, limits) for work in todo if work.table == lock.relation and work.mode == lock.mode)
    within = [work for work in todo if _is_within(work, lock, evidence)]
    measured = lock.seconds if evidence.rehearsal == "data" else 0.0
    return max(measured, sum(seconds(work, limits) for work in within))


def _is_within(work: Work, lock: Lock, evidence: Evidence) -> bool:
    """Whether the work is done while the lock is held."""
    if not work.mode and work.kind != "validate":
        return False  # an index built concurrently, which no transaction can hold
    taken = [each for each in evidence.locks if each.relation == work.table and _can_do(each.mode, work)]
    if not taken:
        return False
    same = [each for each in taken if _transaction(each.statement, evidence) == _transaction(lock.statement, evidence)]
    return any(each.statement >= lock.statement for each in same) or (work.table == lock.relation and bool(same))


def _can_do(mode: str, work: Work) -> bool:
    """A lock of this mode, or of a stronger one, is what the work runs under."""
    if not work.mode:
        return mode == "ShareUpdateExclusiveLock"
    order = list(BLOCKS)
    return mode in order and order.index(mode) >= order.index(work.mode)


def _stalls(
    holds: t.List[_Hold], todo: t.List[Work], evidence: Evidence, limits: Limits, framework: str
) -> t.List[Finding]:
    """One finding for each work that keeps requests waiting, the longest first."""
    found: t.Dict[str, t.Tuple[t.Tuple[float, bool, int], Finding]] = {}
    for hold in holds:
        if hold.seconds <= limits.stall_seconds:
            continue
        done = [work for work in todo if hold.lock.statement < 0 and work.table == hold.lock.relation]
        done = done or [work for work in todo if _is_within(work, hold.lock, evidence)]
        longest = max(done, key=lambda work: seconds(work, limits)) if done else None
        sentence = stalling(hold.lock, hold.seconds, longest, framework)
        own_table = longest is None or longest.table == hold.lock.relation
        rank = (hold.seconds, own_table, list(BLOCKS).index(hold.lock.mode))
        if sentence.object not in found or found[sentence.object][0] < rank:
            found[sentence.object] = (rank, sentence)
    return [finding for _rank, finding in sorted(found.values(), key=lambda pair: pair[0], reverse=True)]


def _several(holds: t.List[_Hold], sizes: Sizes, evidence: Evidence, limits: Limits, framework: str) -> t.List[Finding]:
    """Large tables that one transaction locks one after the other: each waits while the others are held."""
    tables: t.Dict[int, t.Set[str]] = {}
    whole = {table.name: table.partition_of for table in evidence.before.tables if table.partition_of}
    for hold in holds:
        large = sizes.all(hold.lock.relation) >= limits.small_bytes
        if hold.lock.mode == "AccessExclusiveLock" and hold.lock.statement >= 0 and large:
            tables.setdefault(_transaction(hold.lock.statement, evidence), set()).add(
                whole.get(hold.lock.relation, hold.lock.relation)
            )
    return [
        crowded(evidence.migration.id, sorted(names), framework)
        for transaction, names in sorted(tables.items())
        if transaction >= 0 and len(names) > 1
    ]


def _shown(hold: _Hold, sizes: Sizes) -> t.Dict[str, t.Any]:
    return {
        "relation": hold.lock.relation,
        "mode": hold.lock.mode,
        "blocks": BLOCKS[hold.lock.mode],
        "seconds": round(hold.seconds, 2),
        "bytes": sizes.all(hold.lock.relation),
    }
