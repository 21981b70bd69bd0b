# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of a project say, as plain data for modules and people. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import os
import typing as t

from .. import _start_scripts
from . import _review, _starts
from ._files import Project
from ._graph import Chain


def told(project: Project) -> dict[str, t.Any]:
    """Heads, branches, history, findings, a review of each revision, and what migrates when the application starts."""
    chain, script = project.chain, project.location.script
    return {
        "config": project.location.config,
        "script_location": script,
        "version_locations": list(project.location.versions),
        "usable": chain.usable and not any(each.level == "stop" for each in project.location.findings),
        "heads": sorted(chain.heads),
        "bases": sorted(chain.bases),
        "branches": branches(chain),
        "history": [entry(chain, each) for each in ordered(chain)],
        "findings": [each.to_json() for each in project.findings],
        "reviews": [each.to_json() for each in _review.review_all(chain, project.revisions, project.sources)],
        "starts": [
            *(each.to_json() for each in _starts.find_starts(project.sources, _below(script, project.chdir))),
            *_start_scripts.find(project.scripts),
        ],
    }


def _below(path: str, chdir: str) -> str:
    return os.path.relpath(path, chdir) if path else ""


def branches(chain: Chain) -> dict[str, list[str]]:
    """Branch label -> heads of the branch."""
    found: dict[str, list[str]] = {}
    for head in sorted(chain.heads):
        for label in sorted(chain.labels(head)):
            found.setdefault(label, []).append(head)
    return found


def ordered(chain: Chain) -> list[str]:
    """All revisions, the first one first; those on a circle at the end."""
    return [*chain.order, *(each for each in chain.revisions if each not in chain.order)]


def entry(chain: Chain, own_id: str) -> dict[str, t.Any]:
    revision = chain.revisions[own_id]
    return {
        "revision": own_id,
        "down_revision": list(revision.parents),
        "depends_on": list(revision.depends_on),
        "branch_labels": list(revision.labels),
        "message": revision.message,
        "path": revision.path,
        "head": own_id in chain.heads,
        "branch_point": len(chain.children(own_id)) > 1,
        "merge_point": len(revision.parents) > 1,
    }


def applied(history: t.Sequence[t.Mapping[str, t.Any]], current: t.Iterable[str]) -> list[str]:
    """The revisions that are applied when these are recorded, in the order of the history."""
    labels = {label: each["revision"] for each in history for label in each["branch_labels"]}
    before = {each["revision"]: [*each["down_revision"], *each["depends_on"]] for each in history}
    waiting, seen = [each for each in current if each in before], set()
    while waiting:
        each = waiting.pop()
        if each not in seen and each in before:
            seen.add(each)
            waiting += [labels.get(name, name) for name in before[each]]
    return [each for each in before if each in seen]
