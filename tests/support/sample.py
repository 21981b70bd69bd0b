# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample applications as git repositories with their releases, their wheels and environments (control node)."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tomllib
import typing as t
import zipfile

from tests.support.paths import CHECKOUT, tool

APPS = CHECKOUT / "tests" / "apps"
#: The new dependency of every fifth release: a package of ours, so that no index can change it.
PAPERSIZES = APPS / "shop" / "packages" / "papersizes"


def python_for_app() -> str:
    """Choose the interpreter for the application: ours, without our tools environment."""
    return str(pathlib.Path(getattr(sys, "_base_executable", sys.executable)))


class SampleRepository:
    """A git repository: one commit and one tag (r1, r2, ...) for every release, each on the release it stands on."""

    #: The folder below tests/apps.
    name: t.ClassVar[str]
    #: What names the dependencies.
    requirements: t.ClassVar[str] = "requirements.txt"

    def __init__(
        self,
        base: pathlib.Path,
        releases: t.Iterable[int] | None = None,
        replaced: dict[str, str] | None = None,
    ) -> None:
        self.replaced = replaced or {}
        self.app = APPS / self.name
        self.path = pathlib.Path(base).resolve() / f"{self.name}.git-work"
        with (self.app / "releases.toml").open("rb") as file:
            self.releases: dict[int, dict[str, t.Any]] = {int(key): value for key, value in tomllib.load(file).items()}
        self._commits: dict[int, str] = {}
        self.path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        for number in sorted(releases or self.releases):
            self._make(number)
        self.git("checkout", "--quiet", "main")

    @property
    def url(self) -> str:
        """Say where to clone from."""
        return f"file://{self.path}"

    def tag(self, number: int) -> str:
        """Name the tag of a release."""
        return f"r{number}"

    def commit(self, number: int) -> str:
        """Give the full commit of a release."""
        return self._commits[number]

    def git(self, *arguments: str) -> str:
        """Run git in the repository, with no configuration but our own."""
        person = {"NAME": self.name, "EMAIL": f"{self.name.replace('_', '-')}@example.org"}
        environment = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
        environment |= {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        argv = ["git", "-C", str(self.path), *arguments]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def change(self, files: dict[str, str], message: str, tag: str = "") -> str:
        """Commit files of a test's own on top of what is checked out; give the commit."""
        for name, content in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(content)
        return self._commit(message, tag)

    def lay_over(self, source: pathlib.Path, removed: t.Iterable[str] = ()) -> None:
        """Add or replace the files below this folder, and take these away."""
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        # Not copy2: with the old times of the files git takes a change of the same size for none ("racy git").
        shutil.copytree(source, self.path, dirs_exist_ok=True, ignore=ignored, copy_function=shutil.copyfile)
        for name in removed:
            (self.path / name).unlink()

    def _commit(self, message: str, tag: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        if tag:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def _make(self, number: int) -> None:
        release = self.releases[number]
        on = release.get("on")
        if on:
            if on not in self._commits:
                self._make(on)
            # Where it continues the last release of main, main moves on; the others are branches of their own.
            branch = "main" if self.git("rev-parse", "main") == self._commits[on] and number == 2 else ""
            self.git("checkout", "--quiet", *([branch] if branch else ["-b", f"release-{number}", self.tag(on)]))
        if number not in self._commits:
            source = self.app / "releases" / release["overlay"] if "overlay" in release else self.app / "base"
            self.lay_over(source, release.get("removed", []))
            self._settle()
            self._commits[number] = self._commit(f"Release {number}: {release['about']}", self.tag(number))

    def _settle(self) -> None:
        """Take other versions of what it needs, for a Python that the newest do not run on."""
        requirements = self.path / self.requirements
        for old, new in self.replaced.items():
            requirements.write_text(requirements.read_text().replace(old, new))


# -- wheels and environments -------------------------------------------------


def build_wheel(source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """Build the wheel of a pure Python package of ours: no build tool and no index is needed for that."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    information = f"{name}-{version}.dist-info"
    files = {str(path.relative_to(source)): path.read_bytes() for path in sorted(source.glob(f"{name}/**/*.py"))}
    files[f"{information}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    wheel = "Wheel-Version: 1.0\nGenerator: seamless.deploy\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{information}/WHEEL"] = wheel.encode()
    record = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(content)}\n")
    files[f"{information}/RECORD"] = ("".join(record) + f"{information}/RECORD,,\n").encode()
    built = target / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(built, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return built


def wheels(requirements: str, base: pathlib.Path | None = None, python: str = "") -> pathlib.Path:
    """Give a directory with every wheel that these lines ask for, and papersizes; downloaded once, then kept."""
    # The base interpreter of a distribution may come without pip; the tools environment of the same version has it.
    python = python or sys.executable
    default = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "seamless-deploy"
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[-1]
    key = hashlib.sha256(requirements.encode() + version.rpartition(".")[0].encode()).hexdigest()[:12]
    house = pathlib.Path(base or default).resolve() / f"wheels-{key}"
    house.mkdir(parents=True, exist_ok=True)
    with (house / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build_wheel(PAPERSIZES, house)
        if not (house / ".complete").exists():
            argv = [python, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
            argv += ["--wheel-dir", str(house), *requirements.splitlines()]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"The wheels of the sample application cannot be fetched: {done.stderr[-1500:]}")
            (house / ".complete").touch()
    return house


def environment(requirements: str) -> pathlib.Path:
    """Give a virtual environment with what these lines ask for, and papersizes; made once, then kept."""
    house = wheels(requirements)
    target = house.with_name(house.name.replace("wheels", "venv"))
    uv = [tool("uv"), "--quiet", "--no-config", "--offline"]
    # Compiled once here: the tests run many short commands, which do not write compiled files themselves.
    install = [*uv, "pip", "install", "--compile-bytecode", "--no-index", "--find-links", str(house)]
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / ".complete").exists():
            for argv in (
                [*uv, "venv", "--no-project", "--clear", "--python", python_for_app(), str(target)],
                [*install, "--python", str(target / "bin" / "python"), *requirements.splitlines(), "papersizes"],
            ):
                done = subprocess.run(argv, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise RuntimeError(f"The environment of the application cannot be made: {done.stderr[-1500:]}")
            (target / ".complete").touch()
    return target
