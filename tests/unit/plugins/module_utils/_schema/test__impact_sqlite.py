# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration does to the traffic of a SQLite file; any interpreter, no database."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Evidence, Statement
from ansible_collections.seamless.deploy.plugins.module_utils._schema._impact_sqlite import impact, longest
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot, Table

MIGRATION = Migration("a.0002", "a", "0002")


def evidence(statements, seconds=9.0, **more):
    catalog = Snapshot("sqlite", tables=[Table("t")], bytes=4096)
    told = [Statement(f"s{number}", *each) for number, each in enumerate(statements)]
    return Evidence(MIGRATION, "data", catalog, catalog, seconds=seconds, statements=told, **more)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], 0.0),
        ([(0.2, 0), (0.3, 0)], 0.5),
        ([(0.2, 0), (0.3, 1), (0.2, 1)], 0.5),
        ([(0.4, -1), (0.3, -1)], 0.4),
        # What the code of a migration does between its statements is part of its transaction.
        ([(0.2, 0, True)], 9.0),
        # Only the first statements are kept.
        ([(0.001, 0)] * 200, 9.0),
    ],
)
def test_a_writer_waits_for_the_longest_transaction(statements, expected):
    assert longest(evidence(statements)) == pytest.approx(expected)


def test_half_a_second_is_no_stall_and_more_is_one_with_what_makes_it():
    short, nothing = impact(evidence([(0.4, 0)]), 0.5, "django")
    assert (short["stalls"], nothing) == (False, []) and short["locks"][0]["relation"] == "the whole file"
    long, (finding,) = impact(evidence([(0.6, 0)], rewritten=["t"]), 0.5, "alembic")
    assert long["stalls"] and long["rewrites"] == ["t"] and finding.object == "t"
    assert "All writes to the file wait for 0.6 s" in finding.evidence and "t is copied whole" in finding.evidence


def test_what_was_not_rehearsed_is_no_stall_of_its_own():
    catalog = Snapshot("sqlite")
    told, findings = impact(Evidence(MIGRATION, "none", catalog, catalog), 0.5, "django")
    assert not told["stalls"] and findings == []
