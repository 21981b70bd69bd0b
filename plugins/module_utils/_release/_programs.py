# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the programs of a release's services are there. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def program(unit: t.Mapping[str, t.Any]) -> str:
    """The program of a unit's command, "" unless it is told by its path."""
    words = str(unit.get("command") or "").split()
    if words and words[0] == "/usr/bin/env":
        words = [word for word in words[1:] if "=" not in word]
    return words[0] if words and words[0].startswith("/") else ""


def check(units: t.Iterable[t.Mapping[str, t.Any]], exists: t.Callable[[str], bool]) -> None:
    """Refuse units that could never run. Raises DeployError."""
    for unit in units:
        path, name = program(unit), unit.get("unit") or unit.get("name")
        if path and not exists(path):
            raise DeployError(
                f"units has {name}, and the program of {name}, {path}, does not exist; correct its command, or let the "
                "requirements bring it"
            )
