# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log, small enough for an error message. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import re
import typing as t

LINES = 20
#: How far back the cause of a failure is looked for: gunicorn puts a stack of its own behind the application's.
CAUSE_LINES = 300
LINE_CHARACTERS = 500
BYTES = 64 * 1024

#: How servers and programs mark a line that tells why they end: "[ERROR] ...", "gunicorn: error: ...", "Error: ...".
_ERROR = re.compile(r"\b(ERROR|CRITICAL|FATAL|PANIC)\b|\b[Ee]rror: ")


def tail(lines: t.Iterable[str], count: int = LINES) -> list[str]:
    """The last lines that say something, each cut to a readable length. Pure."""
    kept = [line.rstrip() for line in lines if line.strip()]
    return [line if len(line) <= LINE_CHARACTERS else line[:LINE_CHARACTERS] + " ..." for line in kept[-count:]]


def cause(lines: t.Iterable[str]) -> str:
    """The exception of the last traceback that is the application's own, or the last line that calls itself an error,
    or "". Pure; only for people."""
    found, called, inside = "", "", False
    for line in lines:
        if _ERROR.search(line) and "HaltServer" not in line:
            called = line.strip()
        if "Traceback (most recent call last)" in line:
            inside = True
        elif inside and line.strip() and not line.startswith((" ", "\t")):
            inside = False
            if "HaltServer" not in line and not line.startswith("SystemExit"):
                found = line.strip()
    return (found or called)[:LINE_CHARACTERS]


def tail_of_file(path: str, count: int = LINES) -> list[str]:
    """The end of a file; nothing when it cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - BYTES))
            return tail(file.read().decode("utf-8", "replace").splitlines(), count)
    except OSError:
        return []
