# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which questions follow from a failure, and how the answers read; any interpreter, no database."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import VIOLATIONS, Violation
from ansible_collections.seamless.deploy.plugins.module_utils._schema._violations import (
    Query,
    key_parts,
    relevant,
    sentence,
)

ALL = [Query("public.t.c", kind, "SELECT 1") for kind in VIOLATIONS]
DDL, DML = ["ALTER TABLE t ALTER c SET NOT NULL"], ["ALTER TABLE t ADD c int", "UPDATE t SET c = 1"]


@pytest.mark.parametrize(
    ("sqlstate", "statements", "data", "kinds"),
    [
        ("23502", DDL, False, list(VIOLATIONS)),
        ("23502", DML, False, ["null"]),
        ("23502", DDL, True, ["null"]),
        ("23505", DML, False, ["duplicate"]),
        ("23503", DML, False, ["orphan"]),
        ("23514", DML, False, ["check"]),
        ("22001", DML, False, ["range"]),
        ("23P01", DML, False, []),
        ("P0001", DDL, False, []),
        ("42P07", DDL, False, []),
        ("", DDL, False, []),
    ],
)
def test_a_migration_that_changes_rows_is_asked_only_for_what_it_failed_on(sqlstate, statements, data, kinds):
    assert [query.kind for query in relevant(ALL, sqlstate, statements, data)] == kinds


@pytest.mark.parametrize("kind", VIOLATIONS)
def test_a_sentence_names_object_number_and_keys(kind):
    several = sentence(Violation("public.t.c", kind, 7, ["1", "2"]))
    assert several.startswith("7 rows have ") and " public.t.c" in several
    assert several.endswith(" (such as primary key 1, 2).")
    assert sentence(Violation("public.t.c", kind, 1, ["1, a"])).startswith("1 row has ")
    assert sentence(Violation("public.t.c", kind, 2, ["1, a", "2, b"])).endswith(" (primary key 1, a; 2, b).")
    assert sentence(Violation("public.t.c", kind, 2)).endswith(".") and "primary" not in sentence(
        Violation("public.t.c", kind, 2)
    )


@pytest.mark.parametrize(
    ("definition", "parts"),
    [
        ("CREATE UNIQUE INDEX u ON public.t USING btree (a, b)", ["a", "b"]),
        (
            "CREATE UNIQUE INDEX u ON public.t USING btree (lower((a)::text) text_pattern_ops DESC)",
            ["lower((a)::text)"],
        ),
        (
            "CREATE UNIQUE INDEX u ON public.t USING btree (f(a, 'x),('), ((a || ')'::text)))",
            ["f(a, 'x),(')", "((a || ')'::text))"],
        ),
        ('CREATE UNIQUE INDEX u ON public.t USING btree ("a,b") INCLUDE (c) WHERE (d > 0)', ['"a,b"']),
    ],
)
def test_an_index_is_taken_apart(definition, parts):
    assert key_parts(definition) == parts
