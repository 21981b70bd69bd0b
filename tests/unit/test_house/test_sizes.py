# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and functions stay small enough to be read at once; runs where pytest runs."""

from __future__ import annotations

import ast
import sys
import warnings
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 8), reason="ast knows the end of a function from Python 3.8 on")

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(path for path in (ROOT / "plugins").rglob("*.py") if "doc_fragments" not in path.parts)
DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
FILE = (250, 300)
FUNCTION = (40, 60)
CODE_OF_A_MODULE = 100


def lines(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1  # type: ignore[attr-defined]


def measured(path: Path) -> tuple:
    """Lines of the file, lines of its documentation strings, and (name, lines) of every function."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    documentation = sum(
        lines(node)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DOCUMENTATION
    )
    functions = [
        (node.name, lines(node)) for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    return len(text.splitlines()), documentation, functions


def judged(what: str, length: int, soft: int, hard: int) -> list:
    """The complaint when it is over the hard limit; a warning when it is over the soft one."""
    if length > hard:
        return [f"{what}: {length} lines, over the limit of {hard}"]
    if length > soft:
        warnings.warn(f"{what}: {length} lines, over the soft limit of {soft}", stacklevel=2)
    return []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_file_and_functions_are_small(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    length, documentation, functions = measured(path)

    wrong = judged(name, length, *FILE)
    for function, function_length in functions:
        wrong += judged(f"{name} {function}()", function_length, *FUNCTION)
    if documentation:
        judged(f"{name} without its documentation", length - documentation, CODE_OF_A_MODULE, sys.maxsize)
    assert wrong == []


def test_limits_are_applied() -> None:
    assert judged("x", FILE[1] + 1, *FILE) == ["x: 301 lines, over the limit of 300"]
    assert judged("x", FILE[0], *FILE) == []
    with pytest.warns(UserWarning, match="over the soft limit of 250"):
        assert judged("x", FILE[0] + 1, *FILE) == []
