# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a statement as SQLite keeps it, what stands in brackets as a list of its own. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

_WORD = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?(?:\*/|$))
    |(?P<word>[xX]?'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[^\W]+(?:\.\d+)?|[(),]|<>|<=|>=|==|!=|\|\||->>?|<<|>>|.)""",
    re.VERBOSE | re.DOTALL,
)

#: A word, or what stands in brackets.
Word = t.Any


def words_of(statement: str) -> list[Word]:
    """All words; brackets that are never closed are taken as closed at the end."""
    open_lists: list[list[Word]] = [[]]
    for match in _WORD.finditer(statement):
        word = match.group("word")
        if word is None:
            continue
        if word == "(":
            open_lists.append([])
        elif word == ")" and len(open_lists) > 1:
            inner = open_lists.pop()
            open_lists[-1].append(inner)
        else:
            open_lists[-1].append(word)
    while len(open_lists) > 1:
        inner = open_lists.pop()
        open_lists[-1].append(inner)
    return open_lists[0]


def split(words: list[Word]) -> list[list[Word]]:
    """The parts between commas."""
    parts: list[list[Word]] = [[]]
    for word in words:
        if word == ",":
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def is_word(word: Word, *wanted: str) -> bool:
    return isinstance(word, str) and word.upper() in wanted


def name_of(word: Word) -> str:
    """An identifier without its quotes."""
    if not isinstance(word, str) or len(word) < 2 or word[0] not in "\"'`[":
        return str(word)
    closing = "]" if word[0] == "[" else word[0]
    return word[1:-1].replace(closing * 2, closing)


def text_of(words: list[Word]) -> str:
    """Written evenly, whatever blanks and comments there were."""
    text = ""
    for word in words:
        written = f"({text_of(word)})" if isinstance(word, list) else word
        tight = not text or written in (",", ".", ";") or text.endswith(".")
        text += written if tight or (isinstance(word, list) and _calls(text)) else f" {written}"
    return text


def _calls(text: str) -> bool:
    """Whether a bracket after this text is that of a function or a type."""
    last = re.search(r"(\w+)$", text)
    return bool(last) and last is not None and last.group(1).upper() not in _APART


_APART = ("AND", "OR", "NOT", "IN", "AS", "CHECK", "WHEN", "THEN", "ELSE", "BETWEEN", "LIKE", "IS", "CASE")
