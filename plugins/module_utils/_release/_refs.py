# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Branches, tags and commits: which one a version means, and which ones are near. Pure; target; PRIVATE."""

from __future__ import annotations

import difflib
import posixpath
import re
import typing as t
from urllib.parse import urlsplit, urlunsplit

_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}\Z")


def parse_refs(text: str) -> dict[str, str]:
    """Full reference names and the commits they mean.

    text: lines of `git for-each-ref --format='%(objectname) %(*objectname) %(refname)'`, where the second
    column is the commit behind an annotated tag and is empty otherwise.
    """
    refs = {}
    for line in text.splitlines():
        first, _space, rest = line.partition(" ")
        peeled, _space, name = rest.partition(" ")
        if name:
            refs[name] = peeled or first
    return refs


def resolve(version: str, refs: t.Mapping[str, str]) -> str:
    """The commit of a branch or tag, or "" when no reference has that name. A tag comes before a branch."""
    for name in (version, f"refs/tags/{version}", f"refs/heads/{version}"):
        if name in refs:
            return refs[name]
    if version.startswith("origin/"):
        return refs.get("refs/heads/" + version[len("origin/") :], "")
    return ""


def is_ambiguous(version: str, refs: t.Mapping[str, str]) -> bool:
    """Whether a tag and a branch of this name mean different commits."""
    tag, branch = refs.get(f"refs/tags/{version}"), refs.get(f"refs/heads/{version}")
    return bool(tag and branch and tag != branch)


def may_be_commit(version: str) -> bool:
    return bool(_COMMIT.match(version))


def nearest_refs(version: str, refs: t.Iterable[str], limit: int = 5) -> list[str]:
    """Short names of the tags and branches that are most like what was asked for; some of them when none is."""
    names = sorted({re.sub(r"^refs/(heads|tags)/", "", ref) for ref in refs})
    near = difflib.get_close_matches(version, names, n=limit, cutoff=0.5)
    near += [name for name in names if name not in near and (version in name or name in version)]
    return (near or sorted(names, key=_natural, reverse=True))[:limit]


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", name)]


def parse_gitlinks(text: str) -> dict[str, str]:
    """Paths and commits of the submodules in the output of `git ls-tree -r -z`."""
    links = {}
    for entry in text.split("\0"):
        facts, _tab, path = entry.partition("\t")
        if facts.startswith("160000 "):
            links[path] = facts.split()[2]
    return links


def parse_gitmodules(text: str) -> dict[str, str]:
    """Paths and addresses of submodules in the output of `git config -z --list` for `.gitmodules`."""
    modules: dict[str, dict[str, str]] = {}
    for entry in text.split("\0"):
        key, _newline, value = entry.partition("\n")
        section, _dot, variable = key.rpartition(".")
        if section.startswith("submodule."):
            modules.setdefault(section, {})[variable] = value
    return {module["path"]: module["url"] for module in modules.values() if module.get("path") and module.get("url")}


def submodule_url(parent: str, url: str) -> str:
    """The address of a submodule; one that begins with ./ or ../ is relative to its parent's address."""
    if not url.startswith(("./", "../")):
        return url
    if "://" in parent:
        parts = urlsplit(parent)
        return urlunsplit(parts._replace(path=posixpath.normpath(posixpath.join(parts.path, url))))
    host, colon, path = parent.rpartition(":")
    return host + colon + posixpath.normpath(posixpath.join(path, url))
