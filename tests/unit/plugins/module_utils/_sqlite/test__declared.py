# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the text of CREATE TABLE and CREATE INDEX tells; any interpreter, no database."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._declared import (
    declared_index,
    declared_table,
    virtual_table,
)
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._words import name_of, text_of, words_of

CONSTRAINTS = [
    ("a integer", []),
    ("a integer PRIMARY KEY", [("primary", "", ["a"], "")]),
    ("a integer CONSTRAINT k PRIMARY KEY DESC ON CONFLICT REPLACE AUTOINCREMENT UNIQUE", [("primary", "k", ["a"], ""), ("unique", "", ["a"], "")]),
    ("a, b, PRIMARY KEY (a, b DESC)", [("primary", "", ["a", "b"], "")]),
    ("a, CONSTRAINT one UNIQUE (a) CONSTRAINT two CHECK (a > 1)", [("unique", "one", ["a"], ""), ("check", "two", [], "a > 1")]),
    ('"a b" text CHECK ("a b" <> \')\')', [("check", "", [], "\"a b\" <> ')'")]),
    ("[a] text UNIQUE, `b` text UNIQUE", [("unique", "", ["a"], ""), ("unique", "", ["b"], "")]),
    ("a DEFAULT 'UNIQUE', b DEFAULT -1 UNIQUE, c DEFAULT (max(1, 2)), d DEFAULT NULL", [("unique", "", ["b"], "")]),
    ("a /* , UNIQUE (a) */, b -- , UNIQUE (b)\n", []),
    ('"check" text, "unique" text, "constraint" text NOT NULL', []),
    ("a varchar(10, 2) NOT NULL CHECK(a IN('x','y')AND length(a)>0)", [("check", "", [], "a IN ('x', 'y') AND length(a) > 0")]),
    ("a REFERENCES t ON DELETE SET NULL ON UPDATE NO ACTION UNIQUE", [("foreign", "", ["a"], ""), ("unique", "", ["a"], "")]),
    ("a, b, CONSTRAINT f FOREIGN KEY (a, b) REFERENCES t (c, d) MATCH FULL", [("foreign", "f", ["a", "b"], "")]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), CONSTRAINTS, ids=[body for body, dummy in CONSTRAINTS])
def test_constraints(body, expected):
    found = declared_table(f"CREATE TABLE x ({body})").constraints
    assert [(one.kind, one.name, one.columns, one.check) for one in found] == expected


@pytest.mark.parametrize(
    ("text", "deferrable", "deferred"),
    [
        ("", False, False),
        ("DEFERRABLE", True, False),
        ("DEFERRABLE INITIALLY DEFERRED", True, True),
        ("DEFERRABLE INITIALLY IMMEDIATE", True, False),
        ("NOT DEFERRABLE", False, False),
        ("NOT DEFERRABLE INITIALLY DEFERRED", False, False),
        ("ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT NULL", True, True),
    ],
)
def test_deferrable(text, deferrable, deferred):
    for body in (f"a REFERENCES t (b) {text}, c", f"a, FOREIGN KEY (a) REFERENCES t {text}"):
        found = declared_table(f"CREATE TABLE x ({body})").constraints
        assert [(one.kind, one.deferrable, one.deferred) for one in found] == [("foreign", deferrable, deferred)]


def test_what_no_pragma_tells():
    table = declared_table(
        'CREATE TABLE "x y" ("Id" integer PRIMARY KEY AUTOINCREMENT, a text COLLATE NOCASE NOT NULL, '
        "b int GENERATED ALWAYS AS (length(a)*2) STORED, c AS (b) VIRTUAL) STRICT, WITHOUT  ROWID"
    )
    assert (table.autoincrement, table.collations, table.generated, table.options) == (
        True,
        {"a": "NOCASE"},
        {"b": "length(a) * 2", "c": "b"},
        ["strict", "without rowid"],
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("CREATE INDEX i ON t (a)", (["a"], "")),
        ('CREATE UNIQUE INDEX "i" ON "t" ("a" DESC, lower("b") COLLATE NOCASE)', (['"a" DESC', 'lower("b") COLLATE NOCASE'], "")),
        ("CREATE INDEX i ON t(a,b)WHERE a>1 AND b IS NOT NULL", (["a", "b"], "a > 1 AND b IS NOT NULL")),
        ("", ([], "")),
    ],
)  # fmt: skip
def test_index(statement, expected):
    assert declared_index(statement) == expected


def test_virtual_table():
    assert (
        virtual_table("CREATE VIRTUAL TABLE w USING fts5(a, tokenize='porter')") == "using fts5(a, tokenize = 'porter')"
    )
    assert virtual_table("CREATE VIRTUAL TABLE w USING dbstat") == "using dbstat"


@pytest.mark.parametrize(
    "text",
    ["", "(", ")", "((", "'", '"', "a '", "[", "/*", "CREATE TABLE", "CREATE TABLE x (,)", "CREATE TABLE x ((,)("],
)
def test_no_text_breaks_it(text):
    declared_table(text)
    declared_index(text)
    virtual_table(text)


def test_words():
    assert words_of("a (b, 'c''d' (\"e\")) -- f\n||x'0f'") == ["a", ["b", ",", "'c''d'", ['"e"']], "||", "x'0f'"]
    assert (
        text_of(words_of("CASE WHEN t.a>=1.5 THEN f( a , -b ) ELSE NULL END"))
        == "CASE WHEN t.a >= 1.5 THEN f(a, - b) ELSE NULL END"
    )
    assert [name_of(word) for word in ('"a""b"', "`c`", "[d e]", "f", "'g'")] == ['a"b', "c", "d e", "f", "g"]
