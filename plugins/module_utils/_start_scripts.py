# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts that migrate before they start an application, told from their text. Control node, target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import json
import os
import re
import typing as t

#: Where start scripts lie, below the top of a project.
FOLDERS = ("", "scripts", "bin", "docker", "deploy")
LARGEST = 64 * 1024
#: What a project has at its top: that of a release, or that of a working copy.
_TOP = (".release.json", ".git")
_SHELL = re.compile(r"#!\s*\S*(/env\s+)?\S*\b(ba|da|a|z|k)?sh\b")
#: Files that another program runs; the words in a command that tell of it.
_RUNNERS = {"Procfile": ("honcho", "foreman", "overmind", "hivemind"), "package.json": ("npm", "yarn", "pnpm", "bun")}
#: Commands that apply migrations: how they are written, and how they are called here.
_OPTIONS = r"(?:-\S+(?:\s+[^\s-]\S*)?\s+)*"
COMMANDS = {
    "manage.py migrate": re.compile(r"manage\.py['\"]?,?\s+(?:-\S+\s+)*['\"]?migrate\b"),
    "django-admin migrate": re.compile(r"(?:\bdjango-admin(?:\.py)?|-m\s+django)\s+(?:-\S+\s+)*migrate\b"),
    "flask db upgrade": re.compile(rf"\bflask\s+{_OPTIONS}db\s+upgrade\b"),
    "alembic upgrade": re.compile(rf"\balembic\s+{_OPTIONS}upgrade\b"),
}
_ONLY_SHOWS = re.compile(r"\s--(check|plan|sql|help)\b")
_ONLY_SAYS = re.compile(r"\s*(?:echo|printf|log|info)\b")
#: What keeps simple commands apart on a line.
_APART = re.compile(r"&&|\|\||[;|&(){}]|\b(?:then|else|do|exec)\b")
_TEST = re.compile(r"\[\[?\s+(?P<not>!\s+)?(?P<what>.+?)\s+\]\]?")
_VARIABLE = r"\"?\$\{?(?P<name>[A-Za-z_]\w*)(?::?-(?P<default>[^}\"]*))?\}?\"?"
_COMPARED = re.compile(_VARIABLE + r"\s+(?P<how>==?|!=)\s+[\"']?(?P<value>[^\s\"']*)[\"']?$")
_GIVEN = re.compile(r"-(?P<how>[nz])\s+" + _VARIABLE + "$")

Found = t.Dict[str, t.Any]


def migrates(text: str) -> str:
    """The command in a line of shell, or of a unit, that applies migrations; "" where none does."""
    if text.lstrip().startswith("#"):
        return ""
    for part in _APART.split(re.sub(r"\s#.*", "", text)):
        if not _ONLY_SAYS.match(part) and not _ONLY_SHOWS.search(part):
            found = [name for name, written in COMMANDS.items() if written.search(part)]
            if found:
                return found[0]
    return ""


def runs(command: str, path: str) -> bool:
    """Whether a command of a unit, or a line of another script, runs this file."""
    name = os.path.basename(path)
    words = re.split(r"[\s\"'=;|&(){}]+", command)
    if any(word in _RUNNERS.get(name.split(".dev")[0], ()) for word in map(os.path.basename, words)):
        return True
    # Without an extension it would be a word like any other.
    return any(os.path.basename(word) == name for word in words if "." in name or "/" in word)


def find_scripts(chdir: str) -> t.List[Found]:
    """The places in the scripts of a project where it migrates. chdir: the project, or a directory in it."""
    return find(read_scripts(chdir))


def find(scripts: t.Mapping[str, str]) -> t.List[Found]:
    """scripts: path -> text. The answer has the form of what is found in Python files."""
    return [_told(path, *site, scripts) for path in sorted(scripts) for site in _sites(path, scripts[path])]


def read_scripts(chdir: str) -> t.Dict[str, str]:
    """Path, below the top of the project -> text of its small scripts."""
    top = _top(os.path.realpath(chdir))
    folders = [os.path.join(top, each) for each in FOLDERS] + [os.path.realpath(chdir)]
    found = {}
    for folder in dict.fromkeys(os.path.normpath(each) for each in folders):
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) and os.access(folder, os.R_OK) else []
        for path in (os.path.join(folder, name) for name in names):
            text = _text(path)
            if text:
                found[os.path.relpath(path, top)] = text
    return found


def _top(chdir: str) -> str:
    folder = chdir
    while not any(os.path.lexists(os.path.join(folder, name)) for name in _TOP):
        above = os.path.dirname(folder)
        if above == folder:
            return chdir
        folder = above
    return folder


def _text(path: str) -> str:
    """The text of a script; "" for any other file."""
    name = os.path.basename(path)
    known = name.endswith((".sh", ".bash")) or name.split(".")[0] == "Procfile" or name == "package.json"
    if not (known or "." not in name) or not os.path.isfile(path):
        return ""
    try:
        if os.path.getsize(path) > LARGEST:
            return ""
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if known or _SHELL.match(text) else ""


def _sites(path: str, text: str) -> t.Iterator[t.Tuple[int, str, t.Optional[Found]]]:
    """Line, command, and what switches it off."""
    name = os.path.basename(path)
    if name == "package.json":
        yield from _of_package(text)
        return
    guards: t.List[t.Optional[Found]] = []
    for number, line in _lines(text):
        # The release phase of a Procfile is run by a platform before it starts anything.
        if name.startswith("Procfile") and line.startswith("release:"):
            continue
        word = line.strip().split(" ", 1)[0]
        if word == "if":
            guards.append(_switch(line))
        elif word in ("else", "elif") and guards:
            guards[-1] = _switch(line) if word == "elif" else None
        command = migrates(line)
        if command:
            on_line = _switch(line[: line.find(command.split()[0])]) if word != "if" else None
            yield number, command, next((each for each in (on_line, *reversed(guards)) if each), None)
        if re.search(r"(^|[;\s])fi\s*(;|$)", line) and guards:
            guards.pop()


def _lines(text: str) -> t.Iterator[t.Tuple[int, str]]:
    """Lines with those that they go on in; a line has the number of its first one."""
    waiting, begun = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun if waiting else number
        if line.endswith("\\"):
            waiting += line[:-1] + " "
            continue
        yield begun, waiting + line
        waiting = ""


def _of_package(text: str) -> t.Iterator[t.Tuple[int, str, t.Optional[Found]]]:
    try:
        scripts = json.loads(text).get("scripts") or {}
        commands = [(name, migrates(str(command))) for name, command in scripts.items()]
    except (ValueError, AttributeError):
        return
    for name, command in commands:
        if command:
            place = text.find(json.dumps(name))
            yield text.count("\n", 0, max(place, 0)) + 1, command, None


def _switch(condition: str) -> t.Optional[Found]:
    """What makes a condition of shell false; None where it does not hang on one variable."""
    test = _TEST.search(condition)
    if not test or len(_TEST.findall(condition)) > 1:
        return None
    compared, given = _COMPARED.match(test.group("what")), _GIVEN.match(test.group("what"))
    match = compared or given
    if not match:
        return None
    default, name = match.group("default") or "", match.group("name")
    if compared:
        wanted, equal = match.group("value"), match.group("how") != "!="
    else:
        wanted, equal = "", match.group("how") == "z"
    otherwise = condition[test.end() :].lstrip().startswith("||")
    equal = equal is not (bool(test.group("not")) is not otherwise)
    if (default == wanted) is not equal:
        return {"kind": "environment", "name": name, "value": None}
    other = "0" if wanted != "0" else "1"
    return {"kind": "environment", "name": name, "value": other if equal else wanted}


_BREAKS = (
    "without the plan and its limits for locks, in every unit that starts with it, and also what a deploy holds back"
)
_UNKNOWN = "; and older code then fails at a revision that it does not know, so that there is no way back"


def _told(path: str, line: int, command: str, switch: t.Optional[Found], scripts: t.Mapping[str, str]) -> Found:
    place = f"{path}:{line}"
    unknown = "" if "migrate" in command else _UNKNOWN
    if switch and switch["value"] is None:
        remedy = f"it is off while {switch['name']} is not set: do not set it for the application"
    elif switch:
        remedy = f"set {switch['name']} to {switch['value']!r} in the environment of the application (deploy_environment), and let the deploy migrate"
    else:
        remedy = "take it out and let the deploy migrate, or set deploy_without_migrations, which leaves it out"
    return {
        "kind": "migrates_at_start",
        "level": "note",
        "object": place,
        "evidence": f"{place} applies migrations ({command}) whenever it is run, {_BREAKS}{unknown}",
        "remedy": remedy,
        "place": place,
        "revision": "",
        "when": "script",
        "command": command,
        "scripts": _callers(path, scripts),
        "switch": switch or {"kind": "wrapper"},
    }


def _callers(path: str, scripts: t.Mapping[str, str]) -> t.List[str]:
    """This script, and those by which it is run."""
    found = [path]
    for each in found:
        found += [other for other in sorted(scripts) if other not in found and _names(scripts[other], each)]
    return found


def _names(text: str, path: str) -> bool:
    return any(runs(line, path) for _number, line in _lines(text) if not line.lstrip().startswith("#"))
