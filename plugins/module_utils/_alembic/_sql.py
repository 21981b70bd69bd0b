# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a statement of SQL in a revision is about, by its first words. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
_NAME = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?((?:\"[^\"]+\"|\w+)(?:\.(?:\"[^\"]+\"|\w+))?)"
_TABLE = re.compile(
    rf"^\s*(?:(?:CREATE|ALTER|DROP)\s+(?:UNLOGGED\s+)?TABLE|INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|COPY)\s+{_NAME}",
    re.IGNORECASE,
)
_ON = re.compile(rf"^\s*CREATE\s+(?:UNIQUE\s+)?(?:INDEX|TRIGGER)\b.*?\sON\s+{_NAME}", re.IGNORECASE | re.DOTALL)
_ROWS = re.compile(r"^\s*(INSERT|UPDATE|DELETE|MERGE|COPY|TRUNCATE|REPLACE|CALL|DO)\b", re.IGNORECASE)
_WRITING_QUERY = re.compile(
    r"^\s*(WITH\b.*\b(INSERT|UPDATE|DELETE|MERGE)\b|SELECT\b.*\bsetval\s*\()", re.IGNORECASE | re.DOTALL
)
_SCHEMA = re.compile(r"^\s*(CREATE|ALTER|DROP|COMMENT|RENAME)\b", re.IGNORECASE)
_CONSTRAINT = re.compile(
    r"^\s*ALTER\s+TABLE\b.*\b(ADD\s+(CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|CHECK|EXCLUDE)|DROP\s+CONSTRAINT|SET\s+NOT\s+NULL|VALIDATE)\b",
    re.IGNORECASE | re.DOTALL,
)


def statements(text: str) -> list[str]:
    """One by one, without comments. A semicolon inside of quotes ends none."""
    plain = _COMMENT.sub(" ", text)
    covered = _QUOTED.sub(lambda found: "_" * len(found.group()), plain)
    parts, start = [], 0
    for end in [place.start() for place in re.finditer(";", covered)] + [len(plain)]:
        parts.append(plain[start:end])
        start = end + 1
    return [" ".join(part.split()) for part in parts if part.strip()]


def table_of(statement: str) -> str:
    """The table that it names first, "" when it is about none."""
    found = _TABLE.match(statement) or _ON.match(statement)
    return found.group(1).replace('"', "") if found else ""


def writes_rows(statement: str) -> bool:
    return bool(_ROWS.match(statement) or _WRITING_QUERY.match(statement))


def changes_schema(statement: str) -> bool:
    return bool(_SCHEMA.match(statement))


def changes_constraint(statement: str) -> bool:
    return bool(_CONSTRAINT.match(statement))


def creates(statement: str) -> tuple[str, str]:
    """("TYPE", "mood") of CREATE TYPE mood ..., ("", "") of everything else."""
    found = re.match(
        rf"^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+)?(?:MATERIALIZED\s+)?(\w+)\s+(?:CONCURRENTLY\s+)?{_NAME}",
        statement,
        re.IGNORECASE,
    )
    return (found.group(1).upper(), found.group(2).replace('"', "")) if found else ("", "")


def drops(statement: str) -> tuple[str, str]:
    """("TYPE", "mood") of DROP TYPE mood, ("", "") of everything else."""
    found = re.match(rf"^\s*DROP\s+(?:MATERIALIZED\s+)?(\w+)\s+(?:CONCURRENTLY\s+)?{_NAME}", statement, re.IGNORECASE)
    return (found.group(1).upper(), found.group(2).replace('"', "")) if found else ("", "")
