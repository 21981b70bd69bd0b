# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity with nothing but a package index: no container, no download of pip (control node)."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import sys
import time
import typing as t

from tests.support.checks import CACHE, call
from tests.support.paths import CHECKOUT

# ansible-test keeps its virtual environments and pip's bootstrap in HOME: they get one of their own.
HOME = CACHE / "home"


class Sanity(t.NamedTuple):
    """What ran, what was found, and how long it took."""

    tests: str
    findings: str
    seconds: float


def run_sanity() -> Sanity:
    """All of its tests on the copy of the checkout."""
    began = time.monotonic()
    private_home()
    complete = HOME / ".venvs-complete"
    if not complete.exists():
        # An interrupted run leaves virtual environments without pip, which ansible-test does not repair.
        shutil.rmtree(HOME / ".ansible" / "test" / "venv", ignore_errors=True)
    complete.unlink(missing_ok=True)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    result = call("ansible-test", "sanity", "--python", version, "--color", "no", home=HOME)
    if result.returncode == 0 or "sanity test(s) listed below" in result.stdout:
        complete.touch()
    findings = ""
    if result.returncode:
        errors = re.findall(r"^(?:ERROR|FATAL):.*$", result.stdout, re.MULTILINE)
        findings = "\n".join(errors) if errors and complete.exists() else result.stdout.rstrip() or "nothing was said"
    count = len(re.findall("^Running sanity test", result.stdout, re.MULTILINE))
    return Sanity(f"{count} tests on {version}", findings, time.monotonic() - began)


def private_home() -> None:
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
    listed = call(sys.executable, "-m", "pip", "config", "list", cwd=CHECKOUT).stdout
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
