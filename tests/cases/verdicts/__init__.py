# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All cases of verdicts, by subject (control node)."""

from __future__ import annotations

from tests.cases.verdicts import (
    columns,
    constraints,
    foreign_keys,
    indexes,
    locks,
    surroundings,
    tables,
    types,
    unproven,
)
from tests.cases.verdicts.form import Case

SUBJECTS: dict[str, list[Case]] = {
    "Columns": columns.CASES,
    "Types": types.CASES,
    "Unique and check constraints": constraints.CASES,
    "Foreign keys": foreign_keys.CASES,
    "Tables": tables.CASES,
    "Indexes": indexes.CASES,
    "Locks": locks.CASES,
    "Views, triggers, enums": surroundings.CASES,
    "What proves nothing": unproven.CASES,
}
CASES = [case for cases in SUBJECTS.values() for case in cases]
