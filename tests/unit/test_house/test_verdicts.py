# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of verdicts in the documents are those of the cases; runs where pytest runs."""

from __future__ import annotations

import sys

import pytest

if sys.version_info < (3, 11):
    pytest.skip("the cases are read by the control node", allow_module_level=True)

from tests.cases.verdicts import CASES
from tests.cases.verdicts.form import demanded
from tests.support.verdict_table import DOCUMENTS, with_tables


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.parent.name)
def test_table_is_not_stale(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == with_tables(text, DOCUMENTS[path]), "run python -m tests.support.verdict_table"


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 80
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.expected for case in CASES} == {"expand", "contract", "either", "blocking", "inconclusive"}


def test_demands_are_written_as_the_bridge_writes_them() -> None:
    table = demanded(
        {"t": ["id bigint pk", "to_id bigint null fk=other", "a numeric(6,2) unique", "unique(a, to_id)"]}
    )["t"]

    assert list(table["columns"]) == ["id", "to_id", "a"]
    assert table["columns"]["a"]["type"] == "numeric(6,2)"
    assert table["columns"]["id"]["generated"] and table["columns"]["to_id"]["null"]
    assert table["foreign_keys"][0]["table"] == "other"
    assert table["unique"] == [["id"], ["a"], ["a", "to_id"]]
