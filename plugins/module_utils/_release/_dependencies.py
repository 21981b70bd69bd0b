# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which dependencies a release has, by which installer they come, and when they are the same. Pure; target; PRIVATE."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import posixpath
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

Read = t.Callable[[str], t.Optional[str]]

_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s+|=)?(\S+)")
_LOCAL = re.compile(r"(-e\b|--editable\b|\.|/|file:|[^#]*@\s*file:)")
_TABLE = re.compile(r"\[+\s*([^\[\]]+?)\s*\]+\s*(?:#.*)?\Z")
_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)\s*([0-9][0-9.]*)(\.\*)?\Z")
_OTHER_LOCKS = ("poetry.lock", "pdm.lock", "Pipfile.lock", "conda-lock.yml", "environment.yml")


@dataclasses.dataclass(frozen=True)
class InstallOptions:
    """What the user says about dependencies."""

    installer: str = "auto"
    requirements: tuple[str, ...] = ()
    index_url: str = ""
    wheelhouse: str = ""
    install_project: bool = False


@dataclasses.dataclass(frozen=True)
class InstallPlan:
    """installer: pip, uv or none. kind: requirements, lock, project or nothing.

    files: paths relative to the release: requirement files; or the one lock file or pyproject.toml.
    local: a requirement is code of the release itself, which differs from release to release.
    """

    installer: str
    kind: str
    files: tuple[str, ...] = ()
    local: bool = False
    warnings: tuple[str, ...] = ()


def plan_install(options: InstallOptions, project_dir: str, exists: t.Callable[[str], bool], read: Read) -> InstallPlan:
    """Decide from the files of a release. Files are looked for in project_dir, then beside it. Raises DeployError."""
    if options.installer == "none":
        return InstallPlan("none", "nothing")

    def find(name: str) -> str:
        places = [posixpath.normpath(posixpath.join(project_dir, name)), name]
        return next((place for place in places if exists(place)), "")

    if options.requirements:
        files = tuple(_required(name, find) for name in options.requirements)
        return _of_requirements("pip" if options.installer == "auto" else options.installer, files, read)
    lock, requirements, pyproject = find("uv.lock"), find("requirements.txt"), find("pyproject.toml")
    if lock and options.installer in ("auto", "uv"):
        return InstallPlan("uv", "lock", (lock,), local=options.install_project)
    installer = "pip" if options.installer == "auto" else options.installer
    if requirements:
        return _of_requirements(installer, (requirements,), read)
    if pyproject and (options.install_project or has_dependencies(read(pyproject) or "")):
        warning = f"{lock} is not read by pip: the dependencies of {pyproject} are not locked" if lock else ""
        return InstallPlan(installer, "project", (pyproject,), options.install_project, (warning,) if warning else ())
    others = [name for name in (find(other) for other in _OTHER_LOCKS) if name]
    said = f"; {', '.join(others)} is not supported: export it as requirements.txt" if others else ""
    return InstallPlan(
        installer,
        "nothing",
        warnings=(f"no uv.lock, requirements.txt or dependencies in pyproject.toml: nothing is installed{said}",),
    )


def _required(name: str, find: t.Callable[[str], str]) -> str:
    found = find(posixpath.normpath(name))
    if not found:
        raise DeployError(
            f"requirements names {name}, which the release does not have; give it relative to project_dir"
        )
    return found


def _of_requirements(installer: str, files: tuple[str, ...], read: Read) -> InstallPlan:
    lines = [line for text in read_nested(files, read).values() for line in text.splitlines()]
    local = any(_LOCAL.match(line.strip()) for line in lines)
    return InstallPlan(installer, "requirements", files, local)


def read_nested(files: t.Iterable[str], read: Read) -> dict[str, str]:
    """Requirement and constraint files with all that they include, by path. A missing one is for the installer to say."""
    found: dict[str, str] = {}
    waiting = list(files)
    while waiting:
        path = waiting.pop(0)
        text = None if path in found else read(path)
        if text is None:
            continue
        found[path] = text
        for line in text.splitlines():
            match = _INCLUDE.match(line.strip())
            if match and "://" not in match.group(1):
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), match.group(1))))
    return found


def toml_tables(text: str, wanted: t.Sequence[str]) -> str:
    """The lines of the named tables (and what is below them) of a TOML file, without comments and empty lines."""
    kept, inside = [], False
    for line in text.splitlines():
        header = _TABLE.match(line.strip())
        if header:
            name = header.group(1).replace('"', "")
            inside = any(name == table or name.startswith(table + ".") for table in wanted)
        if inside and line.strip() and not line.strip().startswith("#"):
            kept.append(line.strip())
    return "\n".join(kept)


def has_dependencies(pyproject: str) -> bool:
    project = toml_tables(pyproject, ["project"])
    return bool(re.search(r"^dependencies\s*=\s*\[\s*[^\]\s]", project, re.MULTILINE)) or bool(
        re.search(r"^dynamic\s*=\s*\[[^\]]*[\"']dependencies[\"']", project, re.MULTILINE)
    )


def requires_python(pyproject: str) -> str:
    match = re.search(r"^requires-python\s*=\s*[\"']([^\"']*)[\"']", toml_tables(pyproject, ["project"]), re.MULTILINE)
    return match.group(1).strip() if match else ""


def satisfies(version: str, specifier: str) -> bool:
    """Whether a Python version such as 3.11.7 is allowed by `requires-python`. What is not understood is allowed."""
    return all(_clause_holds(_numbers(version), clause.strip()) for clause in specifier.split(",") if clause.strip())


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


def _clause_holds(version: list[int], clause: str) -> bool:
    match = _CLAUSE.match(clause)
    if not match:
        return True
    operator, wanted = match.group(1), _numbers(match.group(2))
    if match.group(3) or operator == "~=":
        prefix = wanted if match.group(3) else wanted[:-1]
        same = version[: len(prefix)] == prefix
        return {"==": same, "!=": not same, "~=": same and version >= wanted}.get(operator, True)
    padded = wanted + [0] * (3 - len(wanted))
    return {
        "==": version == padded,
        "!=": version != padded,
        "<=": version <= padded,
        ">=": version >= padded,
        "<": version < padded,
        ">": version > padded,
    }[operator]


def fingerprint(
    plan: InstallPlan, options: InstallOptions, interpreter: str, location: str, commit: str, read: Read
) -> str:
    """One hash over everything that decides what a virtual environment holds; "" when there is none.

    interpreter: path, version and platform in one text. location: the index, without credentials.
    """
    if plan.installer == "none":
        return ""
    texts = read_nested(plan.files, read) if plan.kind == "requirements" else {}
    for path in () if plan.kind == "requirements" else plan.files:
        pyproject = read(posixpath.join(posixpath.dirname(path), "pyproject.toml")) or ""
        tables = toml_tables(pyproject, ["project", "build-system", "dependency-groups", "tool.uv"])
        texts[path] = (read(path) or "" if plan.kind == "lock" else "") + "\n" + tables
    parts = {
        "texts": texts,
        "kind": plan.kind,
        "installer": plan.installer,
        "interpreter": interpreter,
        "index": location,
        "wheelhouse": options.wheelhouse,
        "project": options.install_project,
        "commit": commit if plan.local or options.install_project else "",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()
