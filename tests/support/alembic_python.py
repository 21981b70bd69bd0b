# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments with the oldest supported and the newest Alembic, for the migration helpers' tests (control node)."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import pathlib
import subprocess
import sys

from tests.support.shop import python_for_app

PACKAGES = {
    "oldest": [
        "alembic==1.8.*",
        "sqlalchemy[asyncio]==1.4.*",
        "flask-migrate==4.0.0",
        "flask-sqlalchemy==3.0.*",
        "psycopg2-binary",
        "asyncpg==0.29.*",
        "aiosqlite==0.19.*",
    ],
    "newest": [
        "alembic",
        "sqlalchemy[asyncio]",
        "flask-migrate",
        "flask-sqlalchemy",
        "psycopg2-binary",
        "asyncpg",
        "aiosqlite",
        "psycopg[binary]",
    ],
}


@functools.cache
def alembic_python(age: str) -> str:
    """Give the interpreter of an environment with Alembic, Flask-Migrate and drivers; made once, then kept."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "seamless-deploy"
    key = hashlib.sha256(f"{PACKAGES[age]} {sys.version_info[:2]}".encode()).hexdigest()[:12]
    target = cache / f"alembic-{age}-{key}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / ".complete").exists():
            subprocess.run([python_for_app(), "-m", "venv", "--clear", str(target)], check=True, capture_output=True)
            argv = [str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run([*argv, *PACKAGES[age]], capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"The environment with the {age} Alembic cannot be made: {done.stderr[-1500:]}")
            (target / ".complete").touch()
    return str(target / "bin" / "python")
