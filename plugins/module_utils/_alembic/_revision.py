# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One revision file, read without running it. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import dataclasses
import re
import typing as t
import warnings

from ._finding import Finding

#: What Alembic gives a meaning in `ae10@head` and `+1`; the colon is for ranges.
ILLEGAL = "@-+:"
#: The column version_num of alembic_version.
LONGEST_ID = 32
_IDENTIFIERS = ("revision", "down_revision", "branch_labels", "depends_on")
_OLD_STYLE = re.compile(r"([a-f0-9]+)\.py$")
_CREATED = re.compile(r"^Create Date:\s*(.+?)\s*$", re.MULTILINE)


class Unknown(Exception):
    """A value that only shows when the file runs."""


@dataclasses.dataclass(frozen=True)
class Revision:
    """What a revision file says of itself. parents: its down_revision. created: as text, in a form that sorts."""

    id: str
    path: str
    parents: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    message: str = ""
    created: str = ""


def parsed(text: str) -> ast.Module:
    """The syntax tree of a file. Raises SyntaxError or ValueError; what Python would warn of stays unsaid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def read(path: str, text: str) -> tuple[t.Optional[Revision], list[Finding]]:
    """(revision, findings) of one file; no revision where it cannot be told which one it is."""
    try:
        tree = parsed(text)
    except (SyntaxError, ValueError, RecursionError) as exc:
        line = getattr(exc, "lineno", None)
        reason = getattr(exc, "msg", "") or str(exc) or type(exc).__name__
        return None, [_unreadable(path, path if line is None else f"{path}:{line}", reason)]
    values, unknown = _assigned(tree)
    findings = [_computed(path, name) for name in unknown]
    if "revision" in unknown:
        return None, findings
    old_style = _OLD_STYLE.match(path.rpartition("/")[2]) if "down_revision" in values else None
    own_id = values.get("revision", old_style.group(1) if old_style else "")
    if not isinstance(own_id, str) or not own_id:
        return None, [*findings, _no_revision(path)]
    findings += _about_id(own_id, path)
    if "down_revision" not in values and "down_revision" not in unknown:
        findings.append(_no_parent(own_id, path))
    if not _defines(tree, "upgrade"):
        findings.append(_no_upgrade(own_id, path))
    document = ast.get_docstring(tree) or ""
    created = _CREATED.search(document)
    revision = Revision(
        id=own_id,
        path=path,
        parents=_names(values.get("down_revision")),
        depends_on=_names(values.get("depends_on")),
        labels=_names(values.get("branch_labels")),
        message=" ".join(document.split("\n\n")[0].split()),
        created=created.group(1) if created else "",
    )
    return revision, findings


def looks_like_one(text: str) -> t.Optional[Revision]:
    """The revision in a file that lies anywhere, None where it is no revision file."""
    if "down_revision" not in text or "revision" not in text:
        return None
    try:
        tree = parsed(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    values, _unknown = _assigned(tree)
    own_id = values.get("revision")
    if not isinstance(own_id, str) or not own_id or "down_revision" not in values or not _defines(tree, "upgrade"):
        return None
    return Revision(own_id, "", _names(values["down_revision"]))


def value_of(node: ast.AST, known: t.Mapping[str, t.Any]) -> t.Any:
    """A literal, or a name that stands for one. Raises Unknown."""
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return [value_of(item, known) for item in node.elts]
    try:
        return ast.literal_eval(node)  # type: ignore[arg-type]
    except (ValueError, TypeError, SyntaxError):
        raise Unknown from None


def _assigned(tree: ast.Module) -> tuple[dict[str, t.Any], list[str]]:
    """(names of the file with literal values, those identifiers whose value only shows when the file runs)."""
    values: dict[str, t.Any] = {}
    unknown: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        for name in [target.id for target in targets if isinstance(target, ast.Name)]:
            try:
                values[name] = value_of(value, values)
            except Unknown:
                values.pop(name, None)
                unknown += [name] if name in _IDENTIFIERS and name not in unknown else []
    return values, [name for name in unknown if name not in values]


def _names(value: t.Any) -> tuple[str, ...]:
    """What Alembic takes as one name or several."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(item) for item in value or () if item) if isinstance(value, (list, tuple, set)) else ()


def _defines(tree: ast.Module, name: str) -> bool:
    """Whether a module has this function: defined, imported or assigned."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return True
        if isinstance(node, (ast.Import, ast.ImportFrom)) and {name, "*"} & {e.asname or e.name for e in node.names}:
            return True
        if isinstance(node, ast.Assign) and name in [getattr(target, "id", "") for target in node.targets]:
            return True
    return False


def _about_id(own_id: str, path: str) -> t.Iterator[Finding]:
    illegal = sorted(set(own_id) & set(ILLEGAL))
    if illegal:
        evidence = f"the id {own_id} of {path} has {' '.join(illegal)} in it, which Alembic refuses or reads as a range"
        level = "warning" if illegal == [":"] else "stop"  # refused by the newest Alembic only
        yield Finding("illegal_id", level, own_id, evidence, "use letters, digits and _", path, own_id)
    if len(own_id) > LONGEST_ID:
        evidence = f"the id {own_id} has {len(own_id)} characters and the column version_num takes {LONGEST_ID}"
        remedy = "shorten it here and in the files that name it, before it is applied anywhere; PostgreSQL refuses to record it"
        yield Finding("long_id", "warning", own_id, evidence, remedy, path, own_id)


def _unreadable(path: str, place: str, reason: str) -> Finding:
    evidence = f"{place} cannot be read as Python: {reason}"
    return Finding(
        "syntax_error", "stop", path, evidence, "correct it; Alembic loads every file before it does anything", place
    )


def _computed(path: str, name: str) -> Finding:
    evidence = f"the value of {name} in {path} is worked out when the file runs"
    remedy = "write it as a literal; until then nothing that follows from it can be told without running the file"
    return Finding("computed_id", "warning", path, evidence, remedy, path)


def _no_revision(path: str) -> Finding:
    evidence = f"{path} lies among the revision files and has no revision"
    remedy = (
        "give it a revision and a down_revision, or move it out: Alembic refuses to load any revision with it there"
    )
    return Finding("no_revision", "stop", path, evidence, remedy, path)


def _no_parent(own_id: str, path: str) -> Finding:
    evidence = f"{path} has no down_revision"
    remedy = "name the revision that it comes after, or None where it is the first"
    return Finding("no_down_revision", "stop", own_id, evidence, remedy, path, own_id)


def _no_upgrade(own_id: str, path: str) -> Finding:
    return Finding(
        "no_upgrade",
        "stop",
        own_id,
        f"{path} has no upgrade()",
        "write it, with pass when nothing changes",
        path,
        own_id,
    )
