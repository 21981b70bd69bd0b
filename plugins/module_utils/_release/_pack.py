# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packing a directory of the control node into one archive for the target. Control node; PRIVATE to the collection."""

from __future__ import annotations

import fnmatch
import gzip
import os
import tarfile
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

ARCHIVES = (".tar.gz", ".tgz", ".tar", ".tar.xz", ".txz", ".zip")

#: What a working directory holds and no release needs.
DEFAULT_EXCLUDE = [".git", ".venv", "venv", "__pycache__", "*.pyc", "node_modules", ".env"]


def is_archive(path: str) -> bool:
    return path.lower().endswith(ARCHIVES)


def is_excluded(path: str, patterns: t.Sequence[str]) -> bool:
    """Whether a relative path is left out: a pattern without a slash fits a name anywhere, one with a slash the path."""
    name = path.rpartition("/")[2]
    for pattern in patterns:
        plain = pattern.strip("/")
        if fnmatch.fnmatchcase(path if "/" in plain else name, plain):
            return True
    return False


def list_files(directory: str, patterns: t.Sequence[str]) -> list[str]:
    """Relative paths of everything that is packed, sorted; a directory comes before what it holds."""
    found = []
    for folder, names, files in os.walk(directory):
        base = os.path.relpath(folder, directory).replace(os.sep, "/")
        prefix = "" if base == "." else base + "/"
        names[:] = [name for name in names if not is_excluded(prefix + name, patterns)]
        found += [prefix + name for name in names]
        found += [prefix + name for name in files if not is_excluded(prefix + name, patterns)]
    return sorted(found)


def pack(directory: str, archive: str, patterns: t.Sequence[str]) -> int:
    """Write the archive, the same bytes for the same files, and return how many entries it has. Raises DeployError."""
    paths = list_files(directory, patterns)
    if not paths:
        raise DeployError(
            f"source is the directory {directory}, which holds no files besides those left out by exclude"
        )
    with open(archive, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in paths:
                info = tar.gettarinfo(os.path.join(directory, *path.split("/")), path)
                if info is None or not (info.isfile() or info.isdir() or info.issym() or info.islnk()):
                    continue  # a socket or a pipe belongs to a running process, not to a release
                _neutral(info)
                if info.isfile():
                    with open(os.path.join(directory, *path.split("/")), "rb") as file:
                        tar.addfile(info, file)
                else:
                    tar.addfile(info)
    return len(paths)


def _neutral(info: tarfile.TarInfo) -> None:
    """Take out what differs between two copies of the same files."""
    if info.islnk():
        info.type = tarfile.REGTYPE
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
