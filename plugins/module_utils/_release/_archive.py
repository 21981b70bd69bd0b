# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacking an archive that is not trusted to stay inside its directory, and hashing a tree. Target; PRIVATE."""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import stat
import tarfile
import typing as t
import zipfile
import zlib

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def unpack(archive: str, directory: str, name: str, strip: bool = True) -> None:
    """Write what the archive holds into an existing, empty directory. `name` is how messages call the archive.

    With `strip`, a single top-level directory is taken off. Raises DeployError, before anything is written, for members that
    would land outside.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                _unpack_zip(zipped, directory, name, strip)
        else:
            with tarfile.open(archive) as tar:
                _unpack_tar(tar, directory, name, strip)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as exc:
        raise DeployError(f"source is {name}, which is not a complete tar or zip archive ({exc})") from exc


def _unpack_tar(tar: tarfile.TarFile, directory: str, name: str, strip: bool) -> None:
    members = [member for member in tar.getmembers() if member.type not in (tarfile.XGLTYPE,)]
    links = {member.name: member.linkname for member in members if member.issym()}
    paths = safe_paths([member.name for member in members], links, name, strip)
    if not any(member.isfile() for member in members):
        raise DeployError(f"source is {name}, which holds no files")
    for member in members:
        path = paths[member.name]
        target = os.path.join(directory, *path.split("/"))
        if not path or member.isdir():
            os.makedirs(target if path else directory, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if member.issym():
            os.symlink(member.linkname, target)
        elif member.isfile() or member.islnk():
            content = tar.extractfile(member)
            if content is not None:
                _write(target, content, bool(member.mode & 0o100))


def _unpack_zip(zipped: zipfile.ZipFile, directory: str, name: str, strip: bool) -> None:
    members = zipped.infolist()
    links = {
        member.filename: zipped.read(member).decode("utf-8", "replace")
        for member in members
        if stat.S_ISLNK(member.external_attr >> 16)
    }
    paths = safe_paths([member.filename for member in members], links, name, strip)
    if all(member.filename.endswith("/") for member in members):
        raise DeployError(f"source is {name}, which holds no files")
    for member in members:
        path = paths[member.filename]
        target = os.path.join(directory, *path.split("/"))
        if not path or member.filename.endswith("/"):
            os.makedirs(target if path else directory, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if member.filename in links:
            os.symlink(links[member.filename], target)
        else:
            with zipped.open(member) as content:
                _write(target, content, bool((member.external_attr >> 16) & 0o100))


def safe_paths(names: t.Sequence[str], links: t.Mapping[str, str], archive: str, strip: bool) -> dict[str, str]:
    """Where each member is written, relative to the release. Raises DeployError."""
    paths = {}
    for name in names:
        path = posixpath.normpath(name.replace("\\", "/"))
        if path.startswith(("/", "../")) or path == ".." or path[1:2] == ":":
            raise DeployError(f"source is {archive}, whose member {name!r} would be written outside the release")
        paths[name] = "" if path == "." else path
    tops = {path.split("/")[0] for path in paths.values() if path}
    inner = [path for path in paths.values() if "/" in path]
    strip = strip and len(tops) == 1 and bool(inner)
    for name, target in links.items():
        landing = posixpath.normpath(posixpath.join(posixpath.dirname(paths[name]), target))
        top = next(iter(tops)) + "/" if strip else ""
        if target.startswith("/") or landing.startswith("..") or not (landing + "/").startswith(top):
            raise DeployError(f"source is {archive}, whose link {name!r} leads out of the release, to {target!r}")
        if any(other.startswith(paths[name] + "/") for other in paths.values()):
            raise DeployError(f"source is {archive}, whose link {name!r} has files below it; it would lead them astray")
    if strip:
        return {name: path.partition("/")[2] for name, path in paths.items()}
    return paths


def _write(target: str, content: t.IO[bytes], executable: bool) -> None:
    if os.path.lexists(target):
        os.unlink(target)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755 if executable else 0o644)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(content, file)


def tree_hash(directory: str) -> str:
    """One hash over names, contents, links and executable bits, whatever the times and owners are."""
    total = hashlib.sha256()
    for folder, names, files in os.walk(directory):
        names.sort()
        for name in sorted(files + [name for name in names if os.path.islink(os.path.join(folder, name))]):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, directory).replace(os.sep, "/")
            total.update(f"{_kind(path)} {relative}\0{_content_hash(path)}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()[:40]


def _kind(path: str) -> str:
    if os.path.islink(path):
        return "link"
    return "program" if os.stat(path).st_mode & 0o100 else "file"


def _content_hash(path: str) -> str:
    if os.path.islink(path):
        return os.readlink(path)
    content = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            content.update(block)
    return content.hexdigest()
