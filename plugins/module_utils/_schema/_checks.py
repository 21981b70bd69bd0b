# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a release keeps a check constraint that it has never heard of. Pure; target; PRIVATE to the collection.

Only forms whose meaning is certain are understood; all others may be broken by what the release writes.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Wanted
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Constraint, Table
from ansible_collections.seamless.deploy.plugins.module_utils._schema._types import normal

NOT_NULL = re.compile(r"^\(*\"?(\w+)\"? IS NOT NULL\)*$", re.IGNORECASE)
LENGTH = re.compile(r"^\(*(?:char_length|length)\(\(*\"?(\w+)\"?\)*(?:::text)?\)+ <= (\d+)\)*$", re.IGNORECASE)
SEES_NULL = re.compile(r"\b(IS|COALESCE|CASE|NUM_NULLS|NUM_NONNULLS|AND)\b", re.IGNORECASE)
LABELS = re.compile(
    r"^\(*\(*\"?(\w+)\"?\)*(?:::[\w ]+)? = ANY \(+(?:ARRAY)?\[(.*)\]\)*(?:::[\w \[\]]+)?\)*$", re.IGNORECASE
)
EQUAL = re.compile(r"^\(*\(*\"?(\w+)\"?\)*(?:::[\w ]+)? = ('(?:[^']|'')*')(?:::[\w ]+)?\)*$", re.IGNORECASE)
LITERAL = re.compile(r"'((?:[^']|'')*)'")
BOUND = re.compile(r"^\(*\"?(\w+)\"? (>=|>|<=|<) \(?'?(-?\d+(?:\.\d+)?)'?\)?(?:::[\w ]+)?\)*$")


def body(constraint: Constraint) -> str:
    """What a check asks, without the word itself."""
    return re.sub(r"^CHECK\s*", "", constraint.definition.strip(), flags=re.IGNORECASE)


def kept(constraint: Constraint, want: Wanted, table: Table) -> bool:
    """Whether nothing that the release writes can break the check."""
    text = body(constraint)
    if any(_always_filled(part, want) for part in _alternatives(text)):
        return True
    column = NOT_NULL.match(text)
    if column and column.group(1) in want.columns:
        return False
    length = LENGTH.match(text)
    if length and length.group(1) in want.columns:
        limit = normal(str(want.columns[length.group(1)].get("type") or "")).modifiers
        return bool(limit and limit[0] <= int(length.group(2)))
    unknown = [name for name in constraint.columns if name not in want.columns]
    if not unknown:
        return False
    filled = [name for name in unknown if _filled(name, table)]
    if len(filled) == len(constraint.columns):
        return True  # the rows that are there have the same values, and were checked
    return not filled and not SEES_NULL.search(text)


def _always_filled(text: str, want: Wanted) -> bool:
    column = NOT_NULL.match(text)
    return bool(column and column.group(1) in want.columns and not want.columns[column.group(1)].get("null"))


def _alternatives(text: str) -> t.List[str]:
    """The parts of which one is enough: what stands between OR, outside of parentheses and of strings."""
    text = _bare(text)
    parts, depth, begin, quoted = [], 0, 0, False
    for place, character in enumerate(text):
        quoted = quoted != (character == "'")
        depth += 0 if quoted else {"(": 1, ")": -1}.get(character, 0)
        if not quoted and depth == 0 and text.startswith(" OR ", place):
            parts.append(text[begin:place])
            begin = place + len(" OR ")
    # AND binds closer than OR: a part of one is not enough.
    return [_bare(part) for part in [*parts, text[begin:]]]


def _bare(text: str) -> str:
    """Without the parentheses around all of it."""
    text = text.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(text: str) -> int:
    """Where the parenthesis is closed that a text begins with."""
    depth, quoted = 0, False
    for place, character in enumerate(text):
        quoted = quoted != (character == "'")
        depth += 0 if quoted else {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return place
    return -1


def _filled(name: str, table: Table) -> bool:
    column = table.column(name)
    return column is not None and bool(column.default or column.identity or column.generated)


def implied(constraint: Constraint, others: t.Iterable[Constraint]) -> bool:
    """Whether another check allows no more than this one: whoever keeps that one keeps this one."""
    return any(_narrower(body(other), body(constraint)) for other in others if other.kind == "check")


def _narrower(one: str, other: str) -> bool:
    if one == other:
        return True
    here, there = _labels(one), _labels(other)
    if here and there:
        return here[0] == there[0] and here[1] <= there[1]
    low, high = BOUND.match(one), BOUND.match(other)
    if not low or not high or low.group(1) != high.group(1) or low.group(2)[0] != high.group(2)[0]:
        return False
    return _tighter(low.group(2), float(low.group(3)), high.group(2), float(high.group(3)))


def _tighter(one: str, one_bound: float, other: str, other_bound: float) -> bool:
    if one_bound == other_bound:
        return one == other or len(one) == 1
    return one_bound > other_bound if one[0] == ">" else one_bound < other_bound


def _labels(text: str) -> t.Optional[t.Tuple[str, t.FrozenSet[str]]]:
    found = LABELS.match(text) or EQUAL.match(text)
    if not found:
        return None
    return found.group(1), frozenset(LITERAL.findall(found.group(2)))
