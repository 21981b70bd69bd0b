# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions behind ./run: bench, demo, lab, test and the single checks; runs in .venv on the machine of a developer or of CI."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from tests.lab.needs import servers, why_not  # noqa: E402
from tests.support.checks import CACHE, COLLECTION, TREE, call, say, tree  # noqa: E402
from tests.support.floor import FLOORS, floor_environment, floor_interpreter  # noqa: E402
from tests.support.sanity import Sanity, run_sanity  # noqa: E402

CHECKS = ("house", "yaml", "style", "floor", "typing", "docs", "lint", "build", "sanity")

# .venv is the only environment: ./run has made it and nox must not make another.
nox.options.default_venv_backend = "none"
nox.options.error_on_external_run = False
nox.options.sessions = []
# nox itself speaks on failure only: every session prints its own line of result.
logging.getLogger("nox").setLevel(logging.WARNING)


# What the sessions share


def run(session: nox.Session, *command: str, cwd: Path = COLLECTION) -> str:
    """Run a tool quietly; its output appears when it fails, and fails the session."""
    result = call(*command, cwd=cwd)
    if result.returncode:
        say(result.stdout.rstrip())
        session.error(f"{command[2] if command[0] == sys.executable else command[0]} found the above")
    return result.stdout


def python(session: nox.Session, *arguments: str, cwd: Path = COLLECTION) -> str:
    return run(session, sys.executable, *arguments, cwd=cwd)


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


# ./run bench, ./run demo, ./run lab, ./run test, ./run check


@nox.session
def demo(session: nox.Session) -> None:
    """A deploy under load, a failed one and the way back, on this machine."""
    # In the place of nox: signals, exit code and the last line are the demo's own.
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "tests.demo", *session.posargs])


@nox.session
def lab(session: nox.Session) -> None:
    """Hosts of a lab: up, down, ssh HOST."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "tests.lab", *session.posargs])


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against a peer: deploy, rehearse, stall."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "tests.bench", *session.posargs])


@nox.session
def test(session: nox.Session) -> None:
    """The tests: unit, integration, lab, or all."""
    # The last line belongs to pytest; the exit code says the rest.
    logging.getLogger("nox").setLevel(logging.CRITICAL + 1)
    parts, arguments = ["unit", "integration", "lab"], list(session.posargs)
    if arguments and arguments[0] in parts:
        parts = [arguments.pop(0)]
    long = ["--long"] if "--long" in arguments else []
    arguments = [argument for argument in arguments if argument != "--long"]
    # A path replaces the whole part: ./run test tests/unit/test_house
    named = [argument for argument in arguments if argument.startswith("tests/")]
    parts = [part for part in parts if not named or any(name.startswith(f"tests/{part}") for name in named)]
    if not parts:
        sys.exit(f"run: {', '.join(named)} is not in the part that was asked for")
    passed = unit(arguments if named else ["tests/unit", *arguments]) if "unit" in parts else True
    if "integration" in parts:
        say("test: integration")
        problem = servers()
        if problem:
            say(f"test: some integration tests are left out: {problem}")
        passed = integration(long, arguments) and passed
    if "lab" in parts:
        passed = lab_tests([] if named else ["tests/lab"], [*long, *arguments]) and passed
    if not passed:
        session.error("some tests failed")


@nox.session(name="check")
def check_session(session: nox.Session) -> None:
    """All checks, or those that are named."""
    names = session.posargs or CHECKS
    for name in names:
        if name not in CHECKS:
            session.error(f"no check is called {name}: there are {', '.join(CHECKS)}")
        session.notify(name, posargs=[])
    if "sanity" in names:
        sanity_beside()


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


#: What runs beside each other, by the names of the files: whole deploys, migrations, and then all other tests.
BESIDE = (("deploy_",), ("alembic_", "django_", "migration", "notes_", "rehears", "round_", "sqlite_", "visits"))


def integration(long: list[str], arguments: list[str]) -> bool:
    """Three groups beside each other, where there are two processors: all of them wait for most of their time."""
    told = ["-v", "-rs", "--durations=15", *long]
    if arguments or (os.cpu_count() or 1) < 2:
        where = [] if any(argument.startswith("tests/") for argument in arguments) else ["tests/integration"]
        return pytest(sys.executable, *where, *told, *arguments)
    names = sorted(path.name for path in (ROOT / "tests" / "integration").glob("test_*.py"))
    groups = [[f"tests/integration/{name}" for name in names if name[5:].startswith(begins)] for begins in BESIDE]
    rest = ["tests/integration", *(f"--ignore={path}" for group in groups for path in group)]
    with contextlib.ExitStack() as stack:
        started = []
        for group in (*groups[1:], rest):
            output = stack.enter_context(tempfile.TemporaryFile("w+"))
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *group, *told],
                cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            started.append((process, output))
        passed = pytest(sys.executable, *groups[0], *told)
        for process, output in started:
            passed = process.wait() == 0 and passed
            output.seek(0)
            print(output.read(), flush=True)
    return passed


def lab_tests(where: list[str], arguments: list[str]) -> bool:
    """Whole deploys on booted hosts; where there can be none, that is said and nothing else."""
    problem = why_not()
    if problem:
        say(f"test: lab left out: {problem}")
        return True
    say("test: lab")
    return pytest(sys.executable, *where, "-v", "-rs", "--durations=15", *arguments)


def unit(arguments: list[str]) -> bool:
    floor = floor_interpreter()
    if floor:
        say(f"test: unit, on this Python {sys.version.split()[0]}, then on the oldest one found: {floor[1]}")
    else:
        say(
            f"test: unit, on Python {sys.version.split()[0]} only: none of {', '.join(FLOORS)} runs here,"
            " so nothing shows that the code for targets works on them"
        )
    passed = pytest(sys.executable, *arguments)
    if floor:
        passed = pytest(floor_environment(*floor), *arguments) and passed
    return passed


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
    mypy = ["-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir"]
    # Twice, because each part is imported by another name: ansible_collections.… and tests.support.
    plugins = python(session, *mypy, str(CACHE / "mypy" / "plugins"), str(here / "plugins"), cwd=TREE)
    support = python(session, *mypy, str(CACHE / "mypy" / "support"), "tests/support")
    plugins, support = (output.strip().splitlines()[-1] for output in (plugins, support))
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
        name
        for name in names
        if re.search(r"(^|/)(\.|__pycache__|tests/(apps|bench|demo|integration|lab|support|unit)/)", name)
    ]
    if unwanted:
        session.error(f"build_ignore in galaxy.yml lets these into the archive: {', '.join(unwanted[:10])}")
    return f"{archive.name}, {len(names)} files, {archive.stat().st_size // 1024} KiB"


@functools.cache
def sanity_beside() -> concurrent.futures.Future[Sanity]:
    """Begun once: it takes longer than all other checks together, and one processor of those that there are."""
    tree()
    return concurrent.futures.ThreadPoolExecutor(1).submit(run_sanity)


@check("ansible-test sanity")
def sanity(session: nox.Session) -> str:
    result = sanity_beside().result()
    if result.findings:
        say(result.findings)
        session.error("ansible-test found the above")
    return f"ansible-test, {result.seconds:.0f} s in all: {result.tests}"
