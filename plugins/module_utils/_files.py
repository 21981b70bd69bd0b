# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there, and on disk when it is said so. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t


def sync(path: str) -> None:
    """Have a file's content, or a directory's names, on disk."""
    handle = os.open(path or ".", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: str, text: str, mode: int, owner: t.Optional[tuple[int, int]] = None) -> None:
    """Publish a file whole or not at all, on disk when this returns. owner: user and group, if not this process's."""
    folder = os.path.dirname(path)
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".new", dir=folder or ".")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            if owner and owner != (os.geteuid(), os.getegid()):
                os.fchown(handle, *owner)
            os.fchmod(handle, mode)
            os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync(folder)
