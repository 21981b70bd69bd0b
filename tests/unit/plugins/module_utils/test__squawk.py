# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What squawk is asked and what it says, in the form of squawk 2.70 (control node)."""

from __future__ import annotations

import json

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _squawk

SAID = {"message": "It blocks writes.", "help": "Use `concurrently`.", "rule_name": "require-concurrent-index-creation"}


def test_a_finding_is_one_sentence_and_told_once():
    told = _squawk.findings(json.dumps([SAID, SAID, {**SAID, "help": None}]))
    assert told == [
        "squawk: It blocks writes. Use `concurrently`. (require-concurrent-index-creation)",
        "squawk: It blocks writes. (require-concurrent-index-creation)",
    ]
    assert _squawk.findings("[]") == []
    with pytest.raises(ValueError, match="Expecting value"):
        _squawk.findings("no such option")


def test_what_it_is_asked():
    assert _squawk.text(["CREATE TABLE a ()", "DROP TABLE b; "]) == "CREATE TABLE a ();\nDROP TABLE b;\n"
    assert "--assume-in-transaction" in _squawk.argv("squawk", "shop.0001", True)
    assert "--assume-in-transaction" not in _squawk.argv("squawk", "shop.0001", False)
    assert _squawk.argv("squawk", "shop.0001", False)[-1] == "--stdin-filepath=shop.0001.sql"
