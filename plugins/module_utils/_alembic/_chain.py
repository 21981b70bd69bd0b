# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a chain of revisions, told from its files alone. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from . import _graph, _revision
from ._finding import LEVELS, Finding
from ._graph import Chain
from ._revision import Revision

#: So many stray revisions of one directory are named one by one.
_FEW = 5
#: What Alembic loads from a directory of revisions.
_LOADED = re.compile(r"(?!\.#|__init__).*\.py$")


def loaded(name: str) -> bool:
    """Whether Alembic takes a file of this name for a revision."""
    return bool(_LOADED.match(name))


def read_chain(
    files: t.Mapping[str, str],
    outside: t.Optional[t.Mapping[str, str]] = None,
    compiled: t.Sequence[str] = (),
    sourceless: bool = False,
) -> Chain:
    """The chain in files that Alembic loads: path to text, in the order in which it loads them.

    outside: other files of the project that may be revisions. compiled: names of compiled files beside them.
    sourceless: Alembic loads these too.
    """
    revisions: list[Revision] = []
    findings: list[Finding] = []
    for path, text in files.items():
        revision, found = _revision.read(path, text)
        revisions += [revision] if revision else []
        findings += found
    stray = _stray(outside or {})
    chain = _graph.link(revisions)
    traces = [*(found.object for found in findings if found.kind == "syntax_error"), *compiled]
    findings += [
        *_duplicates(revisions),
        *_duplicate_labels(chain),
        *_unknown(chain, stray, traces),
        *_circles(chain),
        *_several_heads(chain),
        *_several_bases(chain),
        *_outside(chain, stray),
    ]
    if sourceless or any(found.kind == "computed_id" for found in findings):
        findings = [_unsure(found) for found in findings]
    return dataclasses.replace(chain, findings=tuple(sorted(findings, key=lambda each: LEVELS.index(each.level))))


def _unsure(found: Finding) -> Finding:
    """Where some revisions cannot be told without running them, what seems to be missing may be there."""
    depends = found.kind in ("unknown_parent", "unknown_dependency", "several_heads", "cycle")
    return dataclasses.replace(found, level="warning") if depends and found.level == "stop" else found


def _stray(outside: t.Mapping[str, str]) -> list[Revision]:
    found = [(path, _revision.looks_like_one(text)) for path, text in outside.items()]
    return [dataclasses.replace(revision, path=path) for path, revision in found if revision]


def _duplicates(revisions: t.Sequence[Revision]) -> t.Iterator[Finding]:
    by_id: dict[str, list[str]] = {}
    for revision in revisions:
        by_id.setdefault(revision.id, []).append(revision.path)
    for own_id, paths in by_id.items():
        if len(paths) > 1:
            evidence = f"{' and '.join(paths)} have the same id {own_id}, so that Alembic runs the last one only, with a warning"
            remedy = (
                "give the one that was made later an id of its own (alembic revision makes one), and a down_revision"
            )
            yield Finding("duplicate_id", "stop", own_id, evidence, remedy, paths[-1], own_id)


def _duplicate_labels(chain: Chain) -> t.Iterator[Finding]:
    owners: dict[str, str] = {}
    for own_id, revision in chain.revisions.items():
        for label in revision.labels:
            other = owners.setdefault(label, own_id)
            if other != own_id or label in chain.revisions:
                used = f"revision {other}" if other != own_id else "as the id of a revision"
                evidence = f"the branch label {label} of {revision.path} is already used by {used}"
                yield Finding(
                    "duplicate_label", "stop", label, evidence, "name each branch once", revision.path, own_id
                )


def _unknown(chain: Chain, stray: t.Sequence[Revision], traces: t.Sequence[str]) -> t.Iterator[Finding]:
    for own_id, revision in chain.revisions.items():
        for word, kind, names in (
            ("down_revision", "unknown_parent", revision.parents),
            ("depends_on", "unknown_dependency", revision.depends_on),
        ):
            for name in names:
                if not chain.resolve(name):
                    evidence = f"{word} of {revision.path} names {name}, and no revision file has that id"
                    remedy = _where_it_is(name, chain, own_id, stray, traces)
                    yield Finding(kind, "stop", own_id, evidence, remedy, revision.path, own_id)


def _where_it_is(name: str, chain: Chain, own_id: str, stray: t.Sequence[Revision], traces: t.Sequence[str]) -> str:
    """The remedy. traces: files that cannot be read and compiled ones, which have the id in their name as a rule."""
    lies = next((each.path for each in stray if each.id == name), "")
    if lies:
        return f"{lies} has it: move that file to the other revisions"
    alike = [each for each in chain.revisions if each.startswith(name) and each != own_id]
    alike = alike or difflib.get_close_matches(name, [each for each in chain.revisions if each != own_id], 1, 0.8)
    if len(alike) == 1:
        return f"write {alike[0]}, if that is meant"
    left = next((each for each in traces if name in each.rpartition("/")[2]), "")
    if left.endswith(".py"):
        return f"correct {left}, which cannot be read and seems to be it"
    trace = f" ({left} is left of it)" if left else ""
    parents = [each for each in chain.possible_parents(own_id) if each not in chain.ancestors(own_id)]
    other = f"; where no database has it, point to {parents[0]}, after which nothing else comes" if parents else ""
    return f"bring its file back{trace}, from another branch or from the history of the repository{other}"


def _circles(chain: Chain) -> t.Iterator[Finding]:
    circle = _graph.on_a_circle(chain)
    if circle:
        steps = ", ".join(f"{each} after {' and '.join(chain.before(each))}" for each in circle)
        evidence = f"revisions come after each other in a circle: {steps}"
        remedy = "correct the down_revision or depends_on that was edited last; the first revision of a chain has None"
        yield Finding("cycle", "stop", circle[0], evidence, remedy, chain.revisions[circle[0]].path, circle[0])


def _several_heads(chain: Chain) -> t.Iterator[Finding]:
    heads = [each for each in chain.heads if each in chain.order]
    if len(heads) < 2:
        return
    labels = {each: chain.labels(each) for each in heads}
    own = [labels[each].difference(*(labels[other] for other in heads if other != each)) for each in heads]
    named = "; ".join(f"{each} ({chain.revisions[each].path})" for each in heads)
    if all(own):
        branches = ", ".join(sorted(min(each) for each in own))
        evidence = f"the branches {branches} have a head each: {named}"
        yield Finding("several_heads", "note", branches, evidence, "upgrade to heads, or to label@head for one branch")
        return
    shared = set.intersection(*(chain.ancestors(each) for each in heads))
    fork = next((each for each in reversed(chain.order) if each in shared), "")
    since = f", parted after {fork}" if fork else ", with nothing in common"
    evidence = f"there are {len(heads)} heads{since}: {named}"
    remedy = (
        "write a merge revision in the working copy (alembic merge heads, or alembic_repair with merge_heads) and commit it, or point the "
        "down_revision of the one that no database has yet at the other; until then upgrade to head is refused"
    )
    yield Finding("several_heads", "stop", ", ".join(heads), evidence, remedy)


def _several_bases(chain: Chain) -> t.Iterator[Finding]:
    plain = [each for each in chain.bases if not _labelled(chain, each)]
    if len(chain.bases) > 1 and plain:
        named = "; ".join(f"{each} ({chain.revisions[each].path})" for each in chain.bases)
        evidence = f"{len(chain.bases)} revisions have no down_revision: {named}"
        remedy = "name the revision that the later one comes after, or give it a branch label where it begins a branch of its own"
        yield Finding("several_bases", "warning", ", ".join(chain.bases), evidence, remedy)


def _labelled(chain: Chain, base: str) -> bool:
    return any(chain.revisions[each].labels for each in chain.descendants(base))


def _outside(chain: Chain, stray: t.Sequence[Revision]) -> t.Iterator[Finding]:
    by_folder: dict[str, list[Revision]] = {}
    for revision in stray:
        if not chain.resolve(revision.id):  # else a copy of one that is loaded
            by_folder.setdefault(revision.path.rpartition("/")[0], []).append(revision)
    remedy = "move it to the others, name its directory in version_locations, or set recursive_version_locations where it lies below one"
    for folder, revisions in by_folder.items():
        if len(revisions) > _FEW:
            evidence = f"{folder} has {len(revisions)} revisions, and is not where Alembic looks"
            yield Finding("outside", _importance(chain, revisions), folder, evidence, remedy, folder)
            continue
        for each in revisions:
            joins = [parent for parent in each.parents if parent in chain.revisions]
            follows = f" after {' and '.join(joins)}" if joins else ""
            evidence = f"{each.path} is the revision {each.id}{follows}, and lies where Alembic does not look"
            yield Finding("outside", _importance(chain, [each]), each.id, evidence, remedy, each.path, each.id)


def _importance(chain: Chain, stray: t.Sequence[Revision]) -> str:
    """A warning where they belong to this chain: they come after one of it, or one of it comes after them."""
    named = {parent for each in chain.revisions.values() for parent in each.parents}
    belongs = any(each.id in named or set(each.parents) & set(chain.revisions) for each in stray)
    return "warning" if belongs else "note"
