# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite files with rows, and processes that use them (control node)."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pathlib
import sqlite3
import subprocess
import sys
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

#: Opens the file, says so, writes one row after the other until its input ends, and says how many.
WRITER = """
import select, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("SELECT count(*) FROM orders").fetchone()
print("open", flush=True)
written = 0
while not select.select([sys.stdin], [], [], 0.002)[0]:
    if sys.argv[2] == "write":
        connection.execute("INSERT INTO orders (note) VALUES ('by a writer')")
        written += 1
print(written, flush=True)
"""


def make(path: pathlib.Path, rows: int = 100, mode: str = "wal", size: int = 50) -> pathlib.Path:
    """Make a database with two tables."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE orders (id integer PRIMARY KEY, note text NOT NULL)")
        connection.execute("CREATE TABLE lines (id integer PRIMARY KEY, order_id integer REFERENCES orders)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO orders (note) VALUES (?)", (["x" * size] for _row in range(rows)))
        connection.execute("COMMIT")
    return path


def ask(path: str | pathlib.Path, sql: str = "SELECT count(*) FROM orders") -> list[tuple[t.Any, ...]]:
    """Run one statement."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        with connection:
            return connection.execute(sql).fetchall()


def count(path: str | pathlib.Path, table: str = "orders") -> int:
    """Count rows."""
    return int(ask(path, f'SELECT count(*) FROM "{table}"')[0][0])


class User:
    """A process that has a database open, and writes to it where that is wanted."""

    def __init__(self, path: pathlib.Path, write: bool = False, python: str = sys.executable) -> None:
        argv = [python, "-c", WRITER, str(path), "write" if write else "read"]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "open\n"
        self.written = 0

    def end(self) -> int:
        """Let it close the database; how many rows it has written."""
        if self.process.poll() is None:
            out = self.process.communicate("", timeout=60)[0]
            self.written = int(out)
        return self.written

    def __enter__(self) -> User:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end()


def digest(path: str | pathlib.Path) -> str:
    """Give the sha256 of a file."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def beside(path: pathlib.Path) -> list[str]:
    """List what lies in the directory of a database besides it."""
    return sorted(name for name in os.listdir(path.parent) if name != path.name)


def call(name: str, params: dict[str, t.Any], check: bool = False) -> dict[str, t.Any]:
    """Run one of the modules for SQLite in this process, with its own defaults; what it would return."""
    module = importlib.import_module(f"ansible_collections.seamless.deploy.plugins.modules.{name}")
    defaults = {option: spec.get("default") for option, spec in module.ARGUMENT_SPEC.items()}
    unknown = set(params) - set(defaults)
    assert not unknown, unknown
    try:
        return {**module.run({**defaults, **params}, check, time.time())}
    except DeployError as exc:
        return {"failed": True, "msg": exc.msg, **exc.result}
