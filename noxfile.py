# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions behind ./run: demo, test and the single checks; runs in .venv on the machine of a developer or of CI."""

from __future__ import annotations

import ast
import configparser
import functools
import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nox

ROOT = Path(__file__).resolve().parent
CACHE = ROOT / ".nox"
TREE = CACHE / "tree"
COLLECTION = TREE / "ansible_collections" / "seamless" / "deploy"
# ansible-test keeps its virtual environments and pip's bootstrap in HOME: they get one of their own.
HOME = CACHE / "home"
TOOLS = ROOT / "tests" / "requirements-tools.txt"
FLOORS = ("python3.7", "python3.8", "python3.9")
CHECKS = ("house", "yaml", "style", "floor", "typing", "docs", "lint", "build", "sanity")

# .venv is the only environment: ./run has made it and nox must not make another.
nox.options.default_venv_backend = "none"
nox.options.error_on_external_run = False
nox.options.sessions = []
# nox itself speaks on failure only: every session prints its own line of result.
logging.getLogger("nox").setLevel(logging.WARNING)


# What the sessions share


def say(text: str) -> None:
    print(text, flush=True)


def call(*command: str, cwd: Path = COLLECTION, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A tool that sees the copy as the installed collection, and asks nothing."""
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(TREE), "ANSIBLE_HOME": str(CACHE / "ansible")}
    env.pop("ANSIBLE_CONFIG", None)
    # For the checks only: tests and demo see the machine's own PATH, as a deploy does.
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    if home:
        env["HOME"] = str(home)
    pipe: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, cwd=cwd, env=env, text=True, check=False, **pipe)


def run(session: nox.Session, *command: str, cwd: Path = COLLECTION) -> str:
    """Run a tool quietly; its output appears when it fails, and fails the session."""
    result = call(*command, cwd=cwd)
    if result.returncode:
        say(result.stdout.rstrip())
        session.error(f"{command[2] if command[0] == sys.executable else command[0]} found the above")
    return result.stdout


def python(session: nox.Session, *arguments: str, cwd: Path = COLLECTION) -> str:
    return run(session, sys.executable, *arguments, cwd=cwd)


def git(*arguments: str, cwd: Path) -> str:
    result = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"check: git {arguments[0]} failed in the checkout: {result.stderr.strip()}")
    return result.stdout


def cache() -> Path:
    """The directory of what the sessions make, or one line that says why there is none."""
    try:
        CACHE.mkdir(exist_ok=True)
    except PermissionError:
        sys.exit(f"run: {CACHE} cannot be made: the checkout belongs to another user")
    if not os.access(CACHE, os.W_OK):
        sys.exit(f"run: {CACHE} is not writable: it belongs to another user, remove it")
    return CACHE


@functools.cache
def tree() -> None:
    """Copy what git knows, or would add, to where ansible-test accepts it: a repository in a collection tree."""
    cache()
    shutil.rmtree(COLLECTION, ignore_errors=True)
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, COLLECTION / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    git("init", "--quiet", cwd=COLLECTION)
    git("add", "--all", cwd=COLLECTION)


def check(description: str) -> Callable[[Callable[[nox.Session], str]], Callable[[nox.Session], None]]:
    """Make a session of a function that returns what it has found out; one line tells the result."""

    def decorate(function: Callable[[nox.Session], str]) -> Callable[[nox.Session], None]:
        def session_function(session: nox.Session) -> None:
            started = time.monotonic()
            tree()
            try:
                result = function(session)
            except BaseException:
                say(f"check: {function.__name__:<7} FAILED ({description})")
                raise
            say(f"check: {function.__name__:<7} ok, {time.monotonic() - started:.0f} s: {result}")

        session_function.__doc__ = description
        return nox.session(name=function.__name__)(session_function)

    return decorate


# ./run demo, ./run test, ./run check


@nox.session
def demo(session: nox.Session) -> None:
    """A deploy under load, a failed one and the way back, on this machine."""
    # In the place of nox: signals, exit code and the last line are the demo's own.
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "tests.demo", *session.posargs])


@nox.session
def test(session: nox.Session) -> None:
    """The tests: unit, integration or both."""
    # The last line belongs to pytest; the exit code says the rest.
    logging.getLogger("nox").setLevel(logging.CRITICAL + 1)
    parts, arguments = ["unit", "integration"], list(session.posargs)
    if arguments and arguments[0] in parts:
        parts = [arguments.pop(0)]
    passed = unit(arguments) if "unit" in parts else True
    if "integration" in parts:
        say("test: integration")
        passed = pytest(sys.executable, "tests/integration", "-v", "--durations=15", *arguments) and passed
    if not passed:
        session.error("some tests failed")


@nox.session(name="check")
def check_session(session: nox.Session) -> None:
    """All checks, or those that are named."""
    for name in session.posargs or CHECKS:
        if name not in CHECKS:
            session.error(f"no check is called {name}: there are {', '.join(CHECKS)}")
        session.notify(name, posargs=[])


def pytest(interpreter: str, *arguments: str) -> bool:
    """Whether all passed. On Ctrl-C pytest takes down what it has started, however long that takes."""
    process = subprocess.Popen(
        [interpreter, "-m", "pytest", *arguments], cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    )
    try:
        return process.wait() == 0
    except KeyboardInterrupt:
        process.wait()
        sys.exit(130)


def unit(arguments: list[str]) -> bool:
    floor = floor_interpreter()
    if floor:
        say(f"test: unit, on this Python {sys.version.split()[0]}, then on the oldest one found: {floor[1]}")
    else:
        say(
            f"test: unit, on Python {sys.version.split()[0]} only: none of {', '.join(FLOORS)} runs here,"
            " so nothing shows that the code for targets works on them"
        )
    passed = pytest(sys.executable, "tests/unit", *arguments)
    if floor:
        passed = pytest(floor_environment(*floor), "tests/unit", *arguments) and passed
    return passed


def floor_interpreter() -> tuple[str, str] | None:
    """The oldest interpreter that starts and can make a virtual environment, with its version."""
    program = "import ensurepip, sys, venv; print('%d.%d.%d' % sys.version_info[:3])"
    for name in FLOORS:
        found = shutil.which(name)
        # A name on PATH proves nothing: pyenv leaves commands that only say how to switch them on.
        result = call(found, "-c", program, cwd=ROOT) if found else None
        if found and result and result.returncode == 0:
            return found, result.stdout.strip()
    return None


def floor_environment(interpreter: str, version: str) -> str:
    """The Python of a virtual environment with pytest alone: pure code must need nothing else."""
    place = cache() / f"floor-{version}"
    made_from = place / ".made-from"
    wanted = TOOLS.read_text()
    if not made_from.exists() or made_from.read_text() != wanted:
        shutil.rmtree(place, ignore_errors=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for command in ([interpreter, "-m", "venv", str(place)], [*pip, "--constraint", str(TOOLS), "pytest"]):
            result = call(*command, cwd=ROOT)
            if result.returncode:
                sys.exit(f"test: no environment for Python {version}:\n{result.stdout}")
        made_from.write_text(wanted)
    return str(place / "bin" / "python")


# The single checks


@check("structure: argument specs, sizes, names, translations")
def house(session: nox.Session) -> str:
    output = python(session, "-m", "pytest", "-q", "--tb=short", "tests/unit/test_house", cwd=ROOT)
    for line in re.findall(r"UserWarning: (.*over the soft limit.*)$", output, re.MULTILINE):
        say(f"check: house   note: {line}")
    return output.strip().splitlines()[-1].strip("= ")


@check("YAML style")
def yaml(session: nox.Session) -> str:
    python(session, "-m", "yamllint", "--strict", ".")
    return "yamllint"


@check("Python style and format")
def style(session: nox.Session) -> str:
    python(session, "-m", "ruff", "check", "--no-cache", ".")
    python(session, "-m", "ruff", "format", "--no-cache", "--check", ".")
    return "ruff check, ruff format"


@check("oldest Python of the code for targets")
def floor(session: nox.Session) -> str:
    places = [f"plugins/{name}" for name in ("modules", "module_utils") if (COLLECTION / "plugins" / name).is_dir()]
    # Protocol stands under TYPE_CHECKING only: no target's Python sees it. The unit tests prove that on the floor.
    run(
        session,
        "vermin",
        "--exclude",
        "typing.Protocol",
        "--no-tips",
        "--violations",
        "--no-eval-annotations",
        "-t=3.7-",
        *places,
    )
    return "vermin: Python 3.7 and newer"


@check("types")
def typing(session: nox.Session) -> str:
    here = COLLECTION.relative_to(TREE)
    mypy = ["-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(CACHE / "mypy")]
    # Twice, because each part imports the other code by another name: ansible_collections.… and tests.support.
    plugins = python(session, *mypy, str(here / "plugins"), cwd=TREE).strip().splitlines()[-1]
    support = python(session, *mypy, "tests/support").strip().splitlines()[-1]
    return f"plugins: {plugins}; tests/support: {support}"


@check("documentation of the modules, change log")
def docs(session: nox.Session) -> str:
    run(session, "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", ".")
    run(session, "antsibull-changelog", "lint")
    return "antsibull-docs, antsibull-changelog"


@check("playbooks and roles")
def lint(session: nox.Session) -> str:
    output = run(session, "ansible-lint", "--offline", "--nocolor").strip().splitlines()
    return output[-1] if output else "ansible-lint, profile production"


@check("the collection builds, and without caches")
def build(session: nox.Session) -> str:
    target = CACHE / "build"
    shutil.rmtree(target, ignore_errors=True)
    # From the checkout itself: what build_ignore forgets lies there and not in the copy.
    run(session, "ansible-galaxy", "collection", "build", "--output-path", str(target), str(ROOT), cwd=ROOT)
    (archive,) = target.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    unwanted = [
        name for name in names if re.search(r"(^|/)(\.|__pycache__|tests/(apps|demo|integration|support|unit)/)", name)
    ]
    if unwanted:
        session.error(f"build_ignore in galaxy.yml lets these into the archive: {', '.join(unwanted[:10])}")
    return f"{archive.name}, {len(names)} files, {archive.stat().st_size // 1024} KiB"


@check("ansible-test sanity")
def sanity(session: nox.Session) -> str:
    private_home(session)
    complete = HOME / ".venvs-complete"
    if not complete.exists():
        # An interrupted run leaves virtual environments without pip, which ansible-test does not repair.
        shutil.rmtree(HOME / ".ansible" / "test" / "venv", ignore_errors=True)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    result = call("ansible-test", "sanity", "--python", version, "--color", "no", home=HOME)
    if result.returncode == 0 or "sanity test(s) listed below" in result.stdout:
        complete.touch()
    if result.returncode:
        findings = re.findall(r"^(?:ERROR|FATAL):.*$", result.stdout, re.MULTILINE)
        say("\n".join(findings) if complete.exists() else result.stdout.rstrip())
        session.error("ansible-test found the above")
    return f"ansible-test, {len(re.findall('^Running sanity test', result.stdout, re.MULTILINE))} tests on {version}"


def private_home(session: nox.Session) -> None:
    """A HOME for ansible-test: the user's own pip configuration, and pip from ensurepip instead of a download."""
    scripts = HOME / ".ansible" / "test" / "cache"
    scripts.mkdir(parents=True, exist_ok=True)
    program = (
        "import subprocess, sys\n"
        "subprocess.check_call([sys.executable, '-m', 'ensurepip', '--default-pip'])\n"
        "subprocess.check_call([sys.executable, '-m', 'pip', 'install', '-q', 'pip=={}'])\n"
    )
    for version in ("24.2", "25.2"):
        (scripts / f"get_pip_{version.replace('.', '_')}.py").write_text(program.format(version))
    settings: dict[str, dict[str, str]] = {}
    listed = run(session, sys.executable, "-m", "pip", "config", "list", cwd=ROOT)
    # Files first: an environment variable counts more, and ansible-test would drop it.
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, separator, value = line.partition("=")
        section, _dot, key = name.replace(":env:", "global").partition(".")
        if separator and section in ("global", "install"):
            settings.setdefault(section, {})[key] = str(ast.literal_eval(value))
    parser = configparser.RawConfigParser()
    parser.read_dict(settings)
    config = HOME / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.unlink(missing_ok=True)
    config.touch(mode=0o600)
    with config.open("w") as file:
        parser.write(file)
