# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences of catalogs as people read them. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._diff import MEMBERS, Difference

SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": ">"}

#: What is said of a constraint and of an index that do not hold yet.
DOUBTS = {"validated": "NOT VALID", "valid": "INVALID"}

INDENT = "    "


def text(found: t.Iterable[Difference]) -> str:
    """A listing, indented by what belongs to what; empty when nothing differs."""
    lines: list[str] = []
    heading = ""
    for difference in found:
        if difference.owner and difference.owner != heading:
            lines.append(f"  {difference.owner}")
        heading = difference.owner
        lines += [f"{INDENT if difference.owner else ''}{line}" for line in _lines(difference)]
    return "".join(f"{line}\n" for line in lines)


def _lines(difference: Difference) -> list[str]:
    name = difference.object
    if difference.owner and difference.type != "index":
        name = name.rpartition(f"{difference.owner}.")[2]
    first = f"{SIGNS[difference.kind]} {difference.type} {name}"
    if difference.kind == "renamed":
        return [f"{first} is now {difference.after}"]
    if difference.kind == "changed":
        return _changed(first, difference)
    return _whole(first, difference, SIGNS[difference.kind])


def _changed(first: str, difference: Difference) -> list[str]:
    before, after = [_value(value).splitlines() or [""] for value in (difference.before, difference.after)]
    if len(before) == len(after) == 1:
        return [f"{first}: {difference.what}", f"{INDENT}- {before[0]}", f"{INDENT}+ {after[0]}"]
    compared = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    return [f"{first}: {difference.what}"] + [f"{INDENT}{line[0]} {line[1:]}" for line in compared if line[0] != "@"]


def _whole(first: str, difference: Difference, sign: str) -> list[str]:
    """What came or went, with all that it consists of."""
    item = difference.after or difference.before or {}
    if difference.type not in ("table", "view"):
        return [" ".join(part for part in (first, _summary(difference.type, item)) if part)]
    lines = [first] + [f"{INDENT}{sign} {line}" for line in item.get("definition", "").splitlines()]
    for attribute, kind in MEMBERS.items():
        for part in item.get(attribute, []):
            if not part.get("constraint"):
                lines.append(f"{INDENT}{sign} {kind} {part['name']} {_summary(kind, part)}".rstrip())
    return lines


def _summary(kind: str, item: dict[str, t.Any]) -> str:
    """The facts that make an object what it is, on one line."""
    if kind == "column":
        return _column(item)
    if "definition" in item:
        doubts = [word for name, word in DOUBTS.items() if item.get(name) is False]
        return " ".join([item["definition"].strip(), *doubts])
    shown = [(name, value) for name, value in sorted(item.items()) if name not in ("name", "arguments", "body")]
    return ", ".join(f"{name} {_value(value)}" for name, value in shown if value not in ("", [], False, None))


def _column(item: dict[str, t.Any]) -> str:
    words = [item["type"]]
    words += [f"COLLATE {item['collation']}"] if item["collation"] else []
    words += ["NOT NULL"] if item["not_null"] else []
    words += ["(not valid)"] if not item["not_null_valid"] else []
    words += [f"DEFAULT {item['default']}"] if item["default"] else []
    words += [f"GENERATED {item['generation']} AS {item['generated']}"] if item["generation"] else []
    words += [f"IDENTITY {item['identity']}"] if item["identity"] else []
    return " ".join(words)


def _value(value: t.Any) -> str:
    """A plain value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value) or "none"
    return "none" if value in (None, "") else str(value)
