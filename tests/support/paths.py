# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short temporary directories and free ports for tests and the demo (control node)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import sys
import tempfile
import typing as t

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def make_short_directory(prefix: str = "sd-") -> pathlib.Path:
    """Make a directory whose path is short enough for unix sockets and that other users may pass through."""
    # A socket path has 107 bytes, and TMPDIR may be long (macOS, CI): /tmp itself is preferred.
    parent = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else tempfile.gettempdir()
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=parent)).resolve()
    path.chmod(0o711)
    return path


@contextlib.contextmanager
def short_directory(prefix: str = "sd-") -> t.Iterator[pathlib.Path]:
    """Give a short directory and remove it afterwards, with all that is in it."""
    path = make_short_directory(prefix)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    """Find a TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tool(name: str) -> str:
    """Find a program of the tools environment, or of the PATH."""
    beside = pathlib.Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise FileNotFoundError(f"{name} is neither beside {sys.executable} nor on the PATH: run ./run once.")
    return found
