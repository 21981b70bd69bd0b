# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file a URL of SQLite names. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import urllib.parse

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

SCHEMES = ("sqlite", "sqlite3")
HOW = "write it as sqlite:////ABSOLUTE/PATH, with four slashes"


def is_sqlite(url: object) -> bool:
    """Whether a URL is one of SQLite, with or without a driver (sqlite+aiosqlite)."""
    return isinstance(url, str) and url.partition(":")[0].partition("+")[0].lower() in SCHEMES


def path_of(url: str, option: str) -> str:
    """The absolute path of the file. Raises DeployError; `option` is what a message calls the URL."""
    parts = urllib.parse.urlsplit(url)
    path = urllib.parse.unquote(parts.path[1:])
    if parts.netloc or path in ("", ":memory:"):
        raise DeployError(f"{option} names no file of SQLite; {HOW}")
    if not path.startswith("/"):
        raise DeployError(
            f"{option} names the SQLite file {path!r}, whose place depends on the directory that a process starts in; {HOW}"
        )
    if path.endswith("/") or ".." in path.split("/"):
        raise DeployError(f"{option} names {path!r}, which is no plain path of a file; {HOW}")
    return path
