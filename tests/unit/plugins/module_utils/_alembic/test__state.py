# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the records of a database mean, held against the chain of the code."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _state, _told


def chain(**revisions: t.Any) -> dict:
    """Tell of a chain: revision=parents, or (parents, depends_on, labels)."""
    history = []
    for own_id, given in revisions.items():
        parents, depends, labels = given if isinstance(given, tuple) else (given, [], [])
        history.append({"revision": own_id, "down_revision": parents, "depends_on": depends, "branch_labels": labels})
    return {"history": history}


LINE = chain(a1=[], b2=["a1"], c3=["b2"])
BRANCHES = chain(a1=[], b2=["a1"], x1=([], [], ["blog"]), c3=(["b2"], ["blog"], []))


@pytest.mark.parametrize(
    ("given", "current", "expected"),
    [
        (LINE, [], []),
        (LINE, ["b2"], ["a1", "b2"]),
        (LINE, ["gone"], []),
        (LINE, ["gone", "a1"], ["a1"]),
        (BRANCHES, ["b2"], ["a1", "b2"]),
        (BRANCHES, ["c3"], ["a1", "b2", "x1", "c3"]),
        (chain(a1=["b2"], b2=["a1"]), ["a1"], ["a1", "b2"]),
    ],
)
def test_what_is_applied(given: dict, current: list, expected: list) -> None:
    assert _told.applied(given["history"], current) == expected


@pytest.mark.parametrize(
    ("current", "more", "expected"),
    [
        (["c3"], {}, []),
        (["gone"], {}, [("unknown_revision", "stop", "gone")]),
        (["a1", "c3"], {}, [("overlapping", "stop", "a1")]),
        (["a1", "gone"], {}, [("unknown_revision", "stop", "gone")]),
        ([], {"tables_without_revision": ["users", "notes"]}, [("tables_without_revision", "stop", "users")]),
        (["a1"], {"not_compared": "env.py has none"}, [("not_compared", "note", "env.py")]),
        (["a1"], {"no_plan": "it says no"}, [("no_plan", "stop", "plan")]),
    ],
)
def test_findings(current: list, more: dict, expected: list) -> None:
    usual = {"tables_without_revision": [], "not_compared": "", "no_plan": "", "version_table": "alembic_version"}
    found = _state.findings(LINE, {**usual, "current": current, "missing": _state.unknown(LINE, current), **more})
    assert [(each["kind"], each["level"], each["object"]) for each in found] == expected
    assert all(each["evidence"] and each["remedy"] for each in found)
