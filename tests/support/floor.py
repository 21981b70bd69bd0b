# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest Python of this machine that code for targets supports, for its unit tests (control node)."""

from __future__ import annotations

import shutil
import sys

from tests.support.checks import cache, call
from tests.support.paths import CHECKOUT

TOOLS = CHECKOUT / "tests" / "requirements-tools.txt"
FLOORS = ("python3.7", "python3.8", "python3.9")


def floor_interpreter() -> tuple[str, str] | None:
    """The oldest interpreter that starts and can make a virtual environment, with its version."""
    program = "import ensurepip, sys, venv; print('%d.%d.%d' % sys.version_info[:3])"
    for name in FLOORS:
        found = shutil.which(name)
        # A name on PATH proves nothing: pyenv leaves commands that only say how to switch them on.
        result = call(found, "-c", program, cwd=CHECKOUT) if found else None
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
            result = call(*command, cwd=CHECKOUT)
            if result.returncode:
                sys.exit(f"test: no environment for Python {version}:\n{result.stdout}")
        made_from.write_text(wanted)
    return str(place / "bin" / "python")
