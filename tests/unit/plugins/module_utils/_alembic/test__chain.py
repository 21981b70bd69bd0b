# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of revisions, whole and broken, told from their files alone."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _chain, _revision


def text(own: str, down: t.Any = None, created: str = "", **more: t.Any) -> str:
    """Write a revision file."""
    lines = [f'"""Change {own}\n\nRevision ID: {own}\nCreate Date: {created or "2026-01-01 00:00:00"}\n"""']
    names = {"revision": own, "down_revision": down, "branch_labels": None, "depends_on": None, **more}
    lines += [f"{name} = {value!r}" for name, value in names.items()]
    return "\n".join([*lines, "def upgrade():\n    pass\n\ndef downgrade():\n    pass\n"])


def chain(*files: str, **options: t.Any) -> t.Any:
    """Read these files as versions/1.py and so on."""
    return _chain.read_chain({f"versions/{number}.py": each for number, each in enumerate(files, 1)}, **options)


def kinds(found: t.Any) -> list:
    """Give (kind, level, object) of the findings."""
    return [(each.kind, each.level, each.object) for each in found.findings]


def remedy(found: t.Any, kind: str) -> str:
    """Give the remedy of the one finding of a kind."""
    return next(each.remedy for each in found.findings if each.kind == kind)


LINE = (text("a1"), text("b2", "a1"), text("c3", "b2"))


def test_a_line_of_revisions() -> None:
    found = chain(*reversed(LINE))
    assert found.findings == () and found.usable
    assert found.order == ("a1", "b2", "c3") and found.heads == ("c3",) and found.bases == ("a1",)
    assert found.ancestors("b2") == {"a1", "b2"} and found.descendants("b2") == {"b2", "c3"}
    assert found.revisions["b2"].message == "Change b2"


def test_branches_merges_labels_and_dependencies() -> None:
    found = chain(
        text("a1"),
        text("b2", "a1"),
        text("c3", ("a1",)),
        text("d4", ["b2", "c3"]),
        text("e5", None, branch_labels=("blog",), depends_on="d4"),
        text("f6", "e5", depends_on=["a1"]),
        text("g7", "d4", branch_labels="shop", depends_on="blog"),
    )
    assert found.heads == ("f6", "g7") and found.bases == ("a1", "e5")
    assert found.parents("d4") == ["b2", "c3"] and found.before("g7") == ["d4", "e5"]
    assert found.labels("f6") == {"blog"} and found.ancestors("f6") == {"a1", "b2", "c3", "d4", "e5", "f6"}
    # Both branches are named: that is meant, and said. That a1 begins without a label is not: its descendant g7 has one.
    assert kinds(found) == [("several_heads", "note", "blog, shop")]
    assert "label@head" in remedy(found, "several_heads")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([text("a1"), "def upgrade(:\n"], [("syntax_error", "stop", "versions/2.py")]),
        ([text("a1"), "\0"], [("syntax_error", "stop", "versions/2.py")]),
        ([text("a1"), "HELPERS = 1\n"], [("no_revision", "stop", "versions/2.py")]),
        (
            [text("a1"), "revision = 'b2'\ndef upgrade(): pass\n"],
            [("no_down_revision", "stop", "b2"), ("several_heads", "stop", "a1, b2"), ("several_bases", "warning", "a1, b2")],
        ),
        ([text("a1"), text("b2", "gone")], [("unknown_parent", "stop", "b2"), ("several_heads", "stop", "a1, b2")]),
        ([text("a1", depends_on="gone")], [("unknown_dependency", "stop", "a1")]),
        ([text("a1"), text("b2", "a1"), text("b2", "a1")], [("duplicate_id", "stop", "b2")]),
        ([text("a1"), text("b2", "c3"), text("c3", "b2")], [("cycle", "stop", "b2")]),
        ([text("a1"), text("b2", "b2")], [("cycle", "stop", "b2")]),
        ([text("a1", depends_on="b2"), text("b2", "a1")], [("cycle", "stop", "a1")]),
        ([text("a1", branch_labels="x"), text("b2", "a1", branch_labels="x")], [("duplicate_label", "stop", "x")]),
        ([text("a1"), text("b2", "a1"), text("c3", "a1")], [("several_heads", "stop", "b2, c3")]),
        ([text("a-1")], [("illegal_id", "stop", "a-1")]),
        ([text("a:1")], [("illegal_id", "warning", "a:1")]),
        ([text("a" * 33)], [("long_id", "warning", "a" * 33)]),
        ([text("a1").replace("def upgrade", "def upgrade_all")], [("no_upgrade", "stop", "a1")]),
        ([text("a1").replace("= None", "= previous()", 1)], [("computed_id", "warning", "versions/1.py")]),
        ([text("a1").replace("'a1'", "uuid4().hex")], [("computed_id", "warning", "versions/1.py")]),
    ],
)  # fmt: skip
def test_broken_chains(files: list, expected: list) -> None:
    assert kinds(chain(*files)) == expected
    for found in chain(*files).findings:
        assert found.evidence and found.remedy and "\n" not in found.evidence


def test_what_only_shows_when_it_runs_makes_no_stop() -> None:
    computed = text("b2", "a1").replace("'b2'", "name()", 1).replace("revision = 'b2'", "revision = name()")
    found = chain(text("a1"), computed, text("c3", "b2"))
    assert {(kind, level) for kind, level, _object in kinds(found)} >= {
        ("computed_id", "warning"),
        ("unknown_parent", "warning"),
    }
    assert found.usable
    assert kinds(chain(text("c3", "b2"), sourceless=True)) == [("unknown_parent", "warning", "c3")]


@pytest.mark.parametrize(
    "body",
    ["from helper import *", "from helper import upgrade", "if True:\n    def upgrade(): pass", "upgrade = other"],
)
def test_ways_to_have_an_upgrade(body: str) -> None:
    assert _revision.read("x.py", f"revision = 'a1'\ndown_revision = None\n{body}\n")[1] == []


@pytest.mark.parametrize(
    ("line", "parents"),
    [
        ("down_revision: Union[str, None] = 'b2'", ("b2",)),
        ("PREVIOUS = 'b2'\ndown_revision = PREVIOUS", ("b2",)),
        ("down_revision = ('b2', 'c3')", ("b2", "c3")),
        ("down_revision = ()", ()),
    ],
)
def test_ways_to_write_a_parent(line: str, parents: tuple) -> None:
    revision, found = _revision.read("versions/x.py", f"revision = 'x1'\n{line}\ndef upgrade(): pass\n")
    assert revision and revision.parents == parents and found == []


def test_names_of_files_that_alembic_loads() -> None:
    assert _chain.loaded("ab_x.py") and not _chain.loaded("__init__.py") and not _chain.loaded(".#ab.py")
    assert not _chain.loaded("ab_x.py.orig") and not _chain.loaded("ab_x.pyc")
    old = _chain.read_chain({"versions/ab12.py": "down_revision = None\ndef upgrade(): pass\n"})
    assert list(old.revisions) == ["ab12"]  # Alembic before 0.2 took the id from the name of the file


def test_remedy_for_a_parent_that_is_not_there() -> None:
    child = text("c3", "b2ff", created="2026-03-01")
    base = (text("a1", created="2026-01-01"), text("b9", "a1", created="2026-02-01"))
    assert "point to b9" in remedy(chain(*base, child), "unknown_parent")
    assert "point to" not in remedy(chain(child), "unknown_parent")
    compiled = remedy(chain(*base, child, compiled=["versions/__pycache__/b2ff_x.cpython-311.pyc"]), "unknown_parent")
    assert "(versions/__pycache__/b2ff_x.cpython-311.pyc is left of it)" in compiled
    assert "write b2ff99" in remedy(chain(text("b2ff99"), child), "unknown_parent")
    broken = _chain.read_chain({"versions/b2ff_x.py": "def (", "versions/c3.py": child})
    assert "correct versions/b2ff_x.py" in remedy(broken, "unknown_parent")
    elsewhere = chain(*base, child, outside={"old/b2ff.py": text("b2ff", "b9"), "old/tool.py": "print(1)"})
    assert "old/b2ff.py has it" in remedy(elsewhere, "unknown_parent")
    assert ("outside", "warning", "b2ff") in kinds(elsewhere)


def test_a_copy_of_a_revision_elsewhere_is_nothing_to_say() -> None:
    assert kinds(chain(*LINE, outside={"backup/c3.py": LINE[2]})) == []
    assert kinds(chain(*LINE, outside={"other/z.py": text("z9")})) == [("outside", "note", "z9")]
    assert ("outside", "warning", "z9") in kinds(chain(text("a1", "z9"), outside={"other/z.py": text("z9")}))


def test_many_stray_revisions_are_one_finding() -> None:
    outside = {f"versions/old/{n}.py": text(f"o{n}", f"o{n - 1}" if n else "c3") for n in range(9)}
    assert kinds(chain(*LINE, outside=outside)) == [("outside", "warning", "versions/old")]


def test_where_heads_part() -> None:
    found = chain(*LINE, text("d4", "b2"))
    assert "parted after b2" in found.findings[0].evidence and "versions/4.py" in found.findings[0].evidence
    assert not found.findings[0].level == "warning" and found.usable  # upgrade to heads works


def test_parents_that_a_broken_revision_could_have() -> None:
    found = chain(*(text(f"r{n}", f"r{n - 1}" if n else None, created=f"2026-01-0{n + 1}") for n in range(4)),
                  text("x1", "gone", created="2026-01-09"), text("x2", "x1", created="2026-01-10"))  # fmt: skip
    assert found.possible_parents("x1") == ["r3"] and found.descendants("x1") == {"x1", "x2"}
    days = {"a1": "2026-01-01", "b2": "2026-01-05", "c3": "2026-01-09", "d4": "2026-02-01"}
    ends = chain(*(text(each, None, day) for each, day in days.items()), text("x1", "gone", "2026-01-10"))
    assert ends.possible_parents("x1") == ["c3", "b2", "a1", "d4"]  # made before it, the latest first; then the others


def test_a_chain_of_hundreds_is_read_in_order() -> None:
    files = {f"versions/{n}.py": text(f"r{n}", f"r{n - 1}" if n else None) for n in reversed(range(400))}
    assert _chain.read_chain(files).order == tuple(f"r{n}" for n in range(400))
