# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release's environment file, the same to sh, systemd and Python. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

FILE_NAME = ".environment"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# systemd reads a quote after an unquoted backslash literally, and its older versions a backslash inside single
# quotes as an escape: both characters are safe everywhere only inside double quotes.
_SPECIAL = re.compile(r"['\\]+")
_ESCAPED_IN_DOUBLE = '"\\$`'


def environment_values(variables: t.Mapping[str, t.Any], option: str = "environment") -> dict[str, str]:
    """The variables as text, names and values checked. Raises DeployError, which never holds a value.

    Booleans become True and False as in Ansible's own `environment`; an unset value becomes empty text.
    """
    values = {}
    for name, value in variables.items():
        if not _NAME.match(str(name)):
            raise DeployError(
                f"{option} has the variable name {str(name)!r}; a name is made of letters, digits and _, "
                "and does not begin with a digit"
            )
        if isinstance(value, (dict, list, tuple)):
            raise DeployError(f"{option} has a {type(value).__name__} as the value of {name}; give it as one text")
        text = "" if value is None else str(value)
        if "\0" in text:
            raise DeployError(f"{option} has a NUL character in the value of {name}; no process can receive it")
        values[str(name)] = text
    return values


def format_environment(variables: t.Mapping[str, t.Any]) -> str:
    """The text of the file: NAME='value' lines in the order of their names, newlines and quotes kept."""
    values = environment_values(variables)
    return "".join(f"{name}={_quoted(values[name])}\n" for name in sorted(values))


def _quoted(text: str) -> str:
    return "'" + _SPECIAL.sub(lambda found: "'\"" + found.group().replace("\\", "\\\\") + "\"'", text) + "'"


def parse_environment(text: str) -> dict[str, str]:
    """The variables of such a file; also of one that a person wrote (comments, `export`, any quotes)."""
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        line_end = text.find("\n", position)
        line_end = len(text) if line_end < 0 else line_end
        line = text[position:line_end]
        if not line.strip() or line.lstrip().startswith("#"):
            position = line_end + 1
            continue
        number = text.count("\n", 0, position) + 1
        match = re.match(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=[ \t]*", line)
        if not match:
            raise DeployError(f"the environment file has no NAME=value in line {number}")
        values[match.group(1)], position = _value(text, position + match.end(), number)
    return values


def _value(text: str, position: int, number: int) -> tuple[str, int]:
    """The value that begins at `position`, and where the next line begins."""
    parts: list[str] = []
    quote = ""
    kept = 0  # white space at the end of an unquoted value is dropped down to here
    while position < len(text):
        char = text[position]
        position += 1
        if quote:
            if char == quote:
                quote = ""
            elif quote == '"' and char == "\\" and text[position : position + 1] in tuple(_ESCAPED_IN_DOUBLE):
                parts.append(text[position])
                position += 1
            else:
                parts.append(char)
            kept = len(parts)
        elif char == "\n":
            return "".join(parts[:kept]), position
        elif char in "'\"":
            quote = char
        elif char == "\\" and position < len(text):
            parts.append(text[position] if text[position] != "\n" else "")
            position += 1
            kept = len(parts)
        else:
            parts.append(char)
            kept = kept if char in " \t\r" else len(parts)
    if quote:
        raise DeployError(f"the environment file has a quote in line {number} that never ends")
    return "".join(parts[:kept]), position
