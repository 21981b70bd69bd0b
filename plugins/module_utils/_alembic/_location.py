# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a project's revisions lie, as its alembic.ini or pyproject.toml says. Reads files only; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import configparser
import dataclasses
import importlib
import os
import re
import sys
import typing as t

from ._finding import Finding

#: Where Alembic and Flask-Migrate keep their configuration; the second unless the application names another directory.
USUAL = ("alembic.ini", os.path.join("migrations", "alembic.ini"), "pyproject.toml")
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}


@dataclasses.dataclass(frozen=True)
class Location:
    """Paths as they are on disk. config, script, versions: "" and () where there are none; then findings say why."""

    config: str = ""
    script: str = ""
    versions: tuple[str, ...] = ()
    recursive: bool = False
    sourceless: bool = False
    findings: tuple[Finding, ...] = ()


def locate(chdir: str, config: str = "", section: str = "", named: t.Sequence[str] = ()) -> Location:
    """Find them. config: relative to chdir, "" for the usual places. section: of alembic.ini, "" for [alembic].

    named: directories that the application gives to Flask-Migrate.
    """
    path = os.path.join(chdir, config) if config else _usual(chdir, named)
    if not path or not os.path.isfile(path):
        return Location(findings=(_no_config(chdir, config),))
    shown = os.path.relpath(path, chdir)
    try:
        options = _options(path, chdir, section or "alembic")
    except (ValueError, configparser.Error, OSError, ImportError) as exc:
        reason = " ".join(str(exc).split())
        found = Finding("config_unreadable", "stop", shown, f"{shown} cannot be read: {reason}", "correct it", shown)
        return Location(config=path, findings=(found,))
    written = options.get("script_location") or _of_flask(path)
    if not written:
        evidence = f"{shown} has no script_location" + (f" in [{section}]" if section else "")
        found = Finding("no_script_location", "stop", shown, evidence, "name the directory with env.py there", shown)
        return Location(config=path, findings=(found,))
    return _places(chdir, path, written, options)


def _places(chdir: str, path: str, written: str, options: t.Mapping[str, t.Any]) -> Location:
    roots = [chdir, *(os.path.join(chdir, each) for each in _listed(options, "prepend_sys_path", r"[,:]\s*|\s+"))]
    script = _directory(written, roots)
    versions = [_directory(each, roots) for each in _listed(options, "version_locations", r",\s*|\s+")]
    versions = versions or [os.path.join(script, "versions")]
    shown = os.path.relpath(path, chdir)
    findings = []
    if not os.path.isfile(os.path.join(script, "env.py")):
        place = os.path.relpath(script, chdir)
        evidence = f"script_location of {shown} is {written}, and {place} has no env.py"
        remedy = "correct the path; relative ones count from the directory in which the application runs (chdir)"
        findings.append(Finding("no_env", "stop", place, evidence, remedy, shown))
    for place in (os.path.relpath(each, chdir) for each in versions if not os.path.isdir(each)):
        evidence = f"the directory of revisions {place} does not exist"
        remedy = (
            "check that it is in the repository (git does not keep an empty directory), or correct version_locations"
        )
        findings.append(Finding("no_versions", "warning", place, evidence, remedy, shown))
    return Location(
        config=path,
        script=script,
        versions=tuple(dict.fromkeys(os.path.normpath(each) for each in versions)),
        recursive=_truth(options.get("recursive_version_locations")),
        sourceless=_truth(options.get("sourceless")),
        findings=tuple(findings),
    )


def _usual(chdir: str, named: t.Sequence[str]) -> str:
    of_flask = [os.path.join(each, "alembic.ini") for each in named]
    for path in (os.path.join(chdir, each) for each in [USUAL[0], *of_flask, *USUAL[1:]]):
        if os.path.isfile(path) and (not path.endswith(".toml") or _tool_alembic(path)):
            return path
    return ""


def _no_config(chdir: str, config: str) -> Finding:
    if config:
        return Finding(
            "no_config", "stop", config, f"config {config} is not a file in {chdir}", "correct the path", config
        )
    others = _configurations(chdir)
    remedy = f"set config to {others[0]}" if others else "set config to the path of alembic.ini, or correct chdir"
    evidence = f"{chdir} has neither alembic.ini nor migrations/alembic.ini nor [tool.alembic] in pyproject.toml"
    return Finding("no_config", "stop", chdir, evidence, remedy)


def _configurations(chdir: str) -> list[str]:
    """Every alembic.ini below a directory, the nearest first."""
    found = []
    for folder, names, files in os.walk(chdir):
        names[:] = sorted(
            name for name in names if not name.startswith(".") and name not in ("site-packages", "node_modules")
        )
        found += [os.path.relpath(os.path.join(folder, "alembic.ini"), chdir)] if "alembic.ini" in files else []
    return sorted(found, key=lambda path: (path.count(os.sep), path))


def _of_flask(path: str) -> str:
    """Flask-Migrate writes no script_location: it is the directory of its alembic.ini."""
    folder = os.path.dirname(os.path.abspath(path))
    return folder if os.path.isfile(os.path.join(folder, "env.py")) else ""


def _options(path: str, chdir: str, section: str) -> dict[str, t.Any]:
    """The options of a section of alembic.ini, and below them those of pyproject.toml, as Alembic takes them."""
    beside = path if path.endswith(".toml") else os.path.join(chdir, "pyproject.toml")
    found = dict(_tool_alembic(beside)) if os.path.isfile(beside) else {}
    if path.endswith(".toml"):
        return found
    here = os.path.dirname(os.path.abspath(path))
    parser = configparser.ConfigParser({"here": here.replace("%", "%%")})
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    if section != "alembic" and not parser.has_section(section):
        section = "alembic"  # the name of a database, and not of a section with revisions of its own
    names = parser.options(section) if parser.has_section(section) else []
    for name in names:
        try:
            found[name] = parser.get(section, name)
        except configparser.InterpolationError:
            found[name] = parser.get(section, name, raw=True)  # filled in by env.py when it runs
    return found


def _tool_alembic(path: str) -> dict[str, t.Any]:
    """[tool.alembic]; {} where this Python cannot read TOML, since Alembic could not either."""
    for name in ("tomllib", "tomli"):
        try:
            toml = importlib.import_module(name)
        except ImportError:
            continue
        with open(path, "rb") as file:
            table = toml.load(file).get("tool", {}).get("alembic", {})
        here = os.path.dirname(os.path.abspath(path))
        return {key: _filled(value, here) for key, value in table.items()} if isinstance(table, dict) else {}
    return {}


def _filled(value: t.Any, here: str) -> t.Any:
    if isinstance(value, list):
        return [_filled(each, here) for each in value]
    return value.replace("%(here)s", here).replace("%%", "%") if isinstance(value, str) else value


def _listed(options: t.Mapping[str, t.Any], name: str, old_style: str) -> list[str]:
    """Several paths in one option. old_style: what separates them where the file does not say."""
    value = options.get(name) or []
    if isinstance(value, str):
        separator = _SEPARATORS.get(options.get("path_separator") or options.get("version_path_separator") or "")
        value = value.split(separator) if separator else re.split(old_style, value)
    return [each.strip() for each in value if each.strip()]


def _directory(written: str, roots: t.Sequence[str]) -> str:
    """A path, or `package:directory` of a package that is looked for without being imported."""
    if os.path.isabs(written) or ":" not in written:
        return os.path.normpath(os.path.join(roots[0], written))
    package, *inside = written.split(":")
    relative = os.path.join(*package.split("."), *inside)
    places = [*roots, os.path.join(roots[0], "src"), *sys.path]
    return next((path for path in (os.path.join(each, relative) for each in places) if os.path.isdir(path)),
                os.path.join(roots[0], relative))  # fmt: skip


def _truth(value: t.Any) -> bool:
    return value is True or str(value or "").strip() == "true"
