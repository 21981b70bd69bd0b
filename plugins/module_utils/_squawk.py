# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the linter squawk says of the SQL of a migration. Pure; control node; PRIVATE to the collection."""

from __future__ import annotations

import json
import typing as t

#: What django_migrate sets on its own connection.
KNOWN = ("require-lock-timeout", "require-statement-timeout")


def argv(program: str, migration: str, atomic: bool) -> list[str]:
    """It reads the SQL from its standard input. https://squawkhq.com/docs/cli"""
    within = ["--assume-in-transaction"] if atomic else []
    return [program, "--reporter=json", f"--exclude={','.join(KNOWN)}", *within, f"--stdin-filepath={migration}.sql"]


def text(statements: t.Sequence[str]) -> str:
    return "".join(f"{statement.rstrip().rstrip(';')};\n" for statement in statements)


def findings(output: str) -> list[str]:
    """A sentence each. Raises ValueError when this is not what squawk prints."""
    told = []
    for entry in json.loads(output):
        message, remedy = entry["message"].rstrip("."), (entry.get("help") or "").rstrip(".")
        told.append(f"squawk: {message}. {remedy + '. ' if remedy else ''}({entry['rule_name']})")
    return list(dict.fromkeys(told))
