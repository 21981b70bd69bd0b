# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which revisions go into one base, and what its file says."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _chain
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History, Step
from ansible_collections.seamless.deploy.plugins.module_utils._command import _prune
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def chain(**parents: t.Any) -> t.Any:
    """A chain of revisions a, b, ...; `parents` is what each comes after."""
    files = {
        f"versions/{own}.py": f"revision = {own!r}\ndown_revision = {down!r}\nbranch_labels = {('l_' + own,) if own == 'a' else None!r}\n"
        for own, down in parents.items()
    }
    return _chain.read_chain(files)


@pytest.mark.parametrize(
    ("parents", "revision", "expected"),
    [
        ({"a": None, "b": "a", "c": "b"}, "", ["a", "b", "c"]),
        ({"a": None, "b": "a", "c": "b"}, "b", ["a", "b"]),
        ({"a": None, "b": "a", "c": "a", "d": ("b", "c"), "e": "d"}, "d", ["a", "b", "c", "d"]),
        ({"a": None}, "", ["a"]),
    ],
)
def test_everything_before_a_revision_goes_into_its_base(parents: dict, revision: str, expected: list) -> None:
    pruning = _prune.choose(chain(**parents), revision)

    assert list(pruning.pruned) == expected
    assert pruning.revision == expected[-1] and pruning.labels == ("l_a",)


@pytest.mark.parametrize(
    ("parents", "revision", "message"),
    [
        ({"a": None, "b": "a", "c": "a"}, "", "there are 2 heads (b, c); name the revision to prune up to"),
        ({"a": None, "b": "a"}, "x", "no revision file has the id x; name one in full"),
        (
            {"a": None, "b": "a", "c": "a"},
            "b",
            "c comes after a, which would be pruned, and not after b; name a revision that all later ones come after",
        ),
    ],
)
def test_what_one_base_cannot_stand_for_is_refused(parents: dict, revision: str, message: str) -> None:
    with pytest.raises(DeployError) as caught:
        _prune.choose(chain(**parents), revision)
    assert caught.value.msg == message


def test_revisions_that_write_rows_are_refused() -> None:
    history = History({}, [Step("a", [], {}), Step("b", ["a"], {}, writes=True), Step("c", ["b"], {}, writes=True)])

    _prune.refuse_rows(history, frozenset({0}), accepted=False)
    _prune.refuse_rows(history, frozenset({0, 1}), accepted=True)
    with pytest.raises(DeployError) as caught:
        _prune.refuse_rows(history, frozenset({0, 1}), accepted=False)
    assert caught.value.msg.startswith("b change rows, which a base made of a catalog leaves out")


def test_the_file_runs_its_statements_and_a_colon_is_a_colon() -> None:
    text = _prune.text_of(
        _prune.Pruning("b", ("a", "b"), ("shop",)),
        "postgresql",
        ["CREATE TABLE t (x text DEFAULT 'a:b'::text)", "SELECT 1"],
    )
    ran: list = []

    class Op:
        dialect = "postgresql"

        def get_context(self) -> t.Any:
            return type("Context", (), {"dialect": type("Dialect", (), {"name": self.dialect})})

        execute = ran.append

    names: dict = {"op": Op()}
    exec(text.replace("from alembic import op\n", ""), names)
    names["upgrade"]()

    assert ran == ["CREATE TABLE t (x text DEFAULT 'a\\:b'::text)", "SELECT 1"]
    assert (names["revision"], names["down_revision"], names["branch_labels"]) == ("b", None, ("shop",))
    Op.dialect = "sqlite"
    with pytest.raises(RuntimeError, match="was pruned on postgresql, and knows no other database"):
        names["upgrade"]()
    with pytest.raises(NotImplementedError, match="before revision b was pruned"):
        names["downgrade"]()
