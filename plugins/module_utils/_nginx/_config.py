# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that nginx prints with -T, as a tree of directives. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import re
import typing as t

MARKER = re.compile(r"^# configuration file (.+):$")
VERSION = re.compile(r"nginx version: [^/\s]+/([0-9.]+)")


@dataclasses.dataclass
class Directive:
    """One directive with its arguments, the file it stands in, and what its block holds."""

    name: str
    args: list[str]
    file: str = ""
    line: int = 0
    block: t.Optional[list[Directive]] = None

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


def version_of(text: str) -> tuple[int, ...]:
    """The version that `nginx -V` names, (0,) when it names none."""
    found = VERSION.search(text)
    return tuple(int(part) for part in found.group(1).strip(".").split(".")) if found else (0,)


def split_files(dump: str) -> dict[str, str]:
    """The files of a dump in the order in which nginx read them; the first is nginx.conf."""
    files: dict[str, list[str]] = {}
    current: list[str] = []
    for line in dump.splitlines():
        marker = MARKER.match(line)
        if marker:
            current = files.setdefault(marker.group(1), [])
        else:
            current.append(line)
    return {name: "\n".join(lines) for name, lines in files.items()}


def tokens(text: str) -> t.Iterator[tuple[str, str, int]]:
    """("word" or the sign itself, its text, its line). Quotes and ${...} belong to words, comments to nothing."""
    at, line, size = 0, 1, len(text)
    while at < size:
        sign = text[at]
        if sign in " \t\r\n":
            line += sign == "\n"
            at += 1
        elif sign == "#":
            end = text.find("\n", at)
            at = size if end < 0 else end
        elif sign in ";{}":
            yield sign, sign, line
            at += 1
        else:
            word, end = _word(text, at)
            yield "word", word, line
            line += text.count("\n", at, end)
            at = end


def _word(text: str, at: int) -> tuple[str, int]:
    if text[at] in "\"'":
        quote, at, found = text[at], at + 1, []
        while at < len(text) and text[at] != quote:
            if text[at] == "\\" and at + 1 < len(text):
                at += 1
            found.append(text[at])
            at += 1
        return "".join(found), at + 1
    start = at
    while at < len(text) and text[at] not in " \t\r\n;{}":
        if text[at] == "\\":
            at += 1
        elif text[at : at + 2] == "${":
            at = text.find("}", at)
            at = len(text) if at < 0 else at
        at += 1
    # A word is never empty: a sign that begins none was taken before.
    return text[start:at], at


def parse(text: str, file: str = "") -> list[Directive]:
    """The directives of one file; what nginx would refuse is read as far as it goes."""
    stack: list[list[Directive]] = [[]]
    words: list[str] = []
    first, skipping = 0, 0
    for kind, word, line in tokens(text):
        if skipping:  # Lua and the like, in which braces are all that counts
            skipping += {"{": 1, "}": -1}.get(kind, 0)
        elif kind == "word":
            first = first if words else line
            words.append(word)
        elif kind == "}":
            if len(stack) > 1:
                stack.pop()
            words = []
        else:
            if words:
                directive = Directive(words[0], words[1:], file, first)
                stack[-1].append(directive)
                if kind == "{" and directive.name.endswith("_by_lua_block"):
                    skipping = 1
                elif kind == "{":
                    directive.block = []
                    stack.append(directive.block)
            words = []
    return stack[0]


def expand(files: t.Mapping[str, str]) -> list[Directive]:
    """The whole configuration as one tree, with the included files in the place of their `include`."""
    trees = {name: parse(text, name) for name, text in files.items()}
    main = next(iter(files), "")
    return _included(trees.get(main, []), trees, os.path.dirname(main), 0)


def _included(
    found: list[Directive], trees: t.Mapping[str, list[Directive]], prefix: str, depth: int
) -> list[Directive]:
    result: list[Directive] = []
    for directive in found:
        if directive.name == "include" and directive.args and depth < 20:
            for name in matching(directive.args[0], prefix, trees):
                result += _included(trees[name], trees, prefix, depth + 1)
        else:
            block = directive.block
            inner = None if block is None else _included(block, trees, prefix, depth)
            result.append(dataclasses.replace(directive, block=inner))
    return result


def matching(pattern: str, prefix: str, names: t.Iterable[str]) -> list[str]:
    """The files that an `include` means; relative patterns start beside nginx.conf."""
    whole = os.path.join(prefix, pattern)
    depth = whole.count("/")
    return [name for name in names if fnmatch.fnmatchcase(name, whole) and name.count("/") == depth]


def walk(
    tree: t.Iterable[Directive], above: tuple[Directive, ...] = ()
) -> t.Iterator[tuple[Directive, tuple[Directive, ...]]]:
    """Every directive with the blocks it stands in, outermost first."""
    for directive in tree:
        yield directive, above
        if directive.block is not None:
            yield from walk(directive.block, (*above, directive))


def includes_of(files: t.Mapping[str, str]) -> list[str]:
    """The patterns of files that nginx reads inside `http`, absolute."""
    main = next(iter(files), "")
    prefix = os.path.dirname(main)
    found = []
    for directive, above in walk(parse(files.get(main, ""), main)):
        if directive.name == "include" and directive.args and [outer.name for outer in above] == ["http"]:
            found.append(os.path.join(prefix, directive.args[0]))
    return found


def site_path(files: t.Mapping[str, str], name: str, exists: t.Callable[[str], bool]) -> tuple[str, str]:
    """Where a new site goes, and the link that switches it on ("" without one); ("", "") when no place is known."""
    patterns = includes_of(files)
    for pattern in patterns:
        directory = os.path.dirname(pattern)
        available = os.path.join(os.path.dirname(directory), "sites-available")
        if os.path.basename(directory) == "sites-enabled" and exists(available):
            file = f"{name}.conf"
            return os.path.join(available, file), os.path.join(directory, file)
    for pattern in patterns:
        directory, file = os.path.split(pattern)
        if "*" in file and "*" not in directory and fnmatch.fnmatchcase(f"{name}.conf", file) and exists(directory):
            return os.path.join(directory, f"{name}.conf"), ""
    return "", ""


def main_value(tree: t.Iterable[Directive], name: str) -> list[str]:
    """The arguments of a directive outside of every block, [] without it."""
    return next((directive.args for directive in tree if directive.name == name), [])
