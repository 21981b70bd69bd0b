# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels for the Python of each suite, and one environment for each version of Ansible (control node)."""

from __future__ import annotations

import fcntl
import hashlib
import pathlib
import shutil
import sys

from tests.lab.image import PYTHONS
from tests.lab.needs import cache, call
from tests.support.shop import APP, build_wheel

# Django 5.2 does not run on the Python of Debian 11: the print shop itself runs on 4.2 as well.
REPLACED = {
    "bullseye": {"Django==5.2.19": "Django==4.2.30", "gunicorn==27.0.1": "gunicorn==23.0.0", "==2.9.13": "==2.9.12"}
}
TOOLS = ("psycopg2-binary>=2.9.9",)
# pip asks our own Python, not the target's, what "python_version < 3.11" means.
MORE = {"bullseye": ("typing_extensions>=4",)}
PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
# The newest Python that each version of Ansible still runs on is not needed: the oldest that it takes is.
ANSIBLE_PYTHONS = {"2.16": (3, 10), "2.19": (3, 11), "2.21": (3, 12)}


def requirements(suite: str) -> str:
    """Give what the print shop needs on this suite."""
    text = (APP / "base" / "requirements.txt").read_text()
    for old, new in REPLACED.get(suite, {}).items():
        text = text.replace(old, new)
    return text


def wheelhouse(suite: str, wanted: str = "") -> pathlib.Path:
    """Give a directory with every wheel that a deploy of the print shop, or of what is wanted, needs there; downloaded once, then kept."""
    wanted, tools = wanted or requirements(suite), (*TOOLS, *MORE.get(suite, ()))
    key = hashlib.sha256(f"{wanted}{tools}{PLATFORMS}".encode()).hexdigest()[:12]
    house = cache() / f"wheels-{PYTHONS[suite]}-{key}"
    with (cache() / ".wheels.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not house.exists():
            partial = house.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            listed = partial / "requirements.txt"
            listed.write_text(wanted)
            machine = call("uname", "-m").strip()
            argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            argv += ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHONS[suite]}"]
            argv += [f"--platform={platform}_{machine}" for platform in PLATFORMS]
            call(*argv, "--dest", partial, "--requirement", listed, *tools)
            build_wheel(APP / "packages" / "papersizes", partial)
            partial.rename(house)
    return house


def controller(version: str) -> str:
    """Give the ansible-playbook of a version such as 2.16, in an environment of its own; made once, then kept."""
    python = _python(ANSIBLE_PYTHONS[version])
    home = cache() / f"ansible-{version}"
    with (cache() / f".ansible-{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / ".complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            call(python, "-m", "venv", home)
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            call(*pip, f"ansible-core~={version}.0")
            (home / ".complete").touch()
    return str(home / "bin" / "ansible-playbook")


def _python(oldest: tuple[int, int]) -> str:
    """Find a Python that is new enough: on the PATH, or beside the others of pyenv."""
    pyenv = sorted(pathlib.Path.home().glob(".pyenv/versions/3.*/bin/python"))
    for minor in range(oldest[1], 15):
        found = shutil.which(f"python3.{minor}")
        beside = [str(path) for path in pyenv if path.parts[-3].startswith(f"3.{minor}.")]
        for candidate in [*beside, *([found] if found else [])]:
            try:
                call(candidate, "-c", "import venv, ensurepip")
            except RuntimeError:
                continue
            return candidate
    raise RuntimeError(f"no Python {oldest[0]}.{oldest[1]} or newer was found for this version of Ansible")
