# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values of a column do not fit the type that it gets. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._schema._types import NUMBERS, WIDTHS, normal

#: First major with pg_input_is_valid().
_VALIDATES = 16


def quoted(name: str, separator: str = "") -> str:
    """An identifier; with a separator, "schema.name" in two."""
    parts = name.split(separator, 1) if separator else [name]
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def unfit(column: str, before: str, after: str, catalog: Snapshot, server: str) -> str:
    """The condition in SQL for values of `column` that ALTER TYPE refuses; "" where all fit, or nobody can tell."""
    old, new = normal(before), normal(after)
    if before == after or old == new or old.array or new.array:
        return ""
    labels = _labels(after, catalog)
    if labels is not None:
        return f"{column}::text <> ALL (ARRAY[{', '.join(map(literal, labels))}]::text[])"
    if new.family == "string":
        return _longer(column, old, new)
    if old.family in NUMBERS:
        return _beyond(column, old, new)
    major = int(server.split(".")[0]) if server[:1].isdigit() else 0
    if old.family == "string" and major >= _VALIDATES:
        return f"NOT pg_catalog.pg_input_is_valid({column}::text, {literal(after)})"
    if old.family == "string" and new.family == "integer":
        return rf"{column}::text !~ '^\s*[+-]?[0-9]+\s*$'"
    return ""


def _labels(after: str, catalog: Snapshot) -> t.Optional[t.List[str]]:
    names = {after.replace('"', ""), f"public.{after}"}
    return next((enum.labels for enum in catalog.enums if enum.name in names), None)


def _longer(column: str, old: t.Any, new: t.Any) -> str:
    """Blanks at the end are cut off without a word."""
    if not new.modifiers or (old.family == "string" and old.modifiers and old.modifiers[0] <= new.modifiers[0]):
        return ""
    return f"pg_catalog.char_length(pg_catalog.rtrim({column}::text)) > {new.modifiers[0]}"


def _beyond(column: str, old: t.Any, new: t.Any) -> str:
    if new.family == "integer":
        if old.family == "integer" and WIDTHS[old.name] <= WIDTHS[new.name]:
            return ""
        limit = 2 ** (8 * WIDTHS[new.name] - 1)
        return f"pg_catalog.round({column}::numeric) NOT BETWEEN {-limit} AND {limit - 1}"
    if new.family == "decimal" and new.modifiers and new.modifiers[0] >= new.modifiers[1] >= 0:
        digits, places = new.modifiers
        return f"pg_catalog.abs(pg_catalog.round({column}::numeric, {places})) >= {10 ** (digits - places)}"
    return ""
