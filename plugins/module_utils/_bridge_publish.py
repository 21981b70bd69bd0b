# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes the code for the application's interpreter by its content. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import secrets
import shutil
import stat
import tempfile
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._common import Parts
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

_PACKAGE = "seamless_bridge"
_ROOT = "ansible_collections.seamless.deploy.plugins.module_utils."

# The bridge's own directory leaves sys.path before anything of the application is imported.
_RUN = f"""\
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from {_PACKAGE}.module_utils._bridge import _entry

sys.path[:] = [path for path in sys.path if os.path.abspath(path) != HERE]
_entry.main()
"""


@functools.lru_cache(maxsize=None)
def bridge_files(parts: Parts) -> dict[str, str]:
    """Relative path -> text of everything that is published."""
    files = {"run.py": _RUN, f"{_PACKAGE}/__init__.py": "", f"{_PACKAGE}/module_utils/__init__.py": ""}
    for part in parts.names:
        name = _ROOT + part
        spec = importlib.util.find_spec(name)
        text = t.cast(t.Any, spec.loader).get_source(name) if spec and spec.loader else None
        if text is None:
            raise DeployError(f"the source of {name} is not in the module's payload; this is a fault of the collection")
        package = spec is not None and spec.submodule_search_locations is not None
        path = part.replace(".", "/") + ("/__init__.py" if package else ".py")
        files[f"{_PACKAGE}/module_utils/{path}"] = text
    return files


def content_hash(files: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path}\0{len(files[path].encode('utf-8'))}\0{files[path]}".encode())
    return digest.hexdigest()[:16]


def publish(base: str, parts: Parts) -> str:
    """Put this framework's bridge below `base` unless it is there whole. Returns its run.py."""
    files = bridge_files(parts)
    home = os.path.join(base, content_hash(files))
    try:
        if os.path.lexists(home):
            _refuse_foreign(home)
            if _is_complete(home, files):
                return os.path.join(home, "run.py")
            os.rename(home, f"{home}.damaged-{secrets.token_hex(4)}")
        os.makedirs(base, mode=0o755, exist_ok=True)
        _write_tree(base, home, files)
    except OSError as exc:
        raise DeployError(
            f"the bridge cannot be published below bridge_path {base}: {exc.strerror}; "
            "name a directory that the task's user may write"
        ) from exc
    return os.path.join(home, "run.py")


def published(base: t.Optional[str], parts: Parts) -> bool:
    """Whether this very bridge is there already."""
    files = bridge_files(parts)
    home = os.path.join(base or "", content_hash(files))
    return bool(base) and os.path.isdir(home) and _is_complete(home, files)


def _write_tree(base: str, home: str, files: dict[str, str]) -> None:
    """Not forced to the disk: what a power cut leaves of it is read before it is run, and replaced."""
    work = tempfile.mkdtemp(prefix=".bridge-", dir=base)
    try:
        for path, text in files.items():
            target = os.path.join(work, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            os.chmod(target, 0o644)
        for folder, _folders, _names in os.walk(work):
            os.chmod(folder, 0o755)
        with contextlib.suppress(OSError):  # another task published the same one meanwhile
            os.rename(work, home)
        if not _is_complete(home, files):
            raise DeployError(f"the bridge in {home} is damaged and could not be replaced; remove that directory")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _refuse_foreign(home: str) -> None:
    """Code is only run where nobody else can write it."""
    found = os.lstat(home)
    if found.st_uid not in (0, os.geteuid()) or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
        raise DeployError(
            f"{home} could have been written by another user and is not run; remove it, or set bridge_path to a directory "
            "that only the application's user writes"
        )


def _is_complete(home: str, files: dict[str, str]) -> bool:
    for path, text in files.items():
        try:
            with open(os.path.join(home, path), encoding="utf-8", newline="") as file:
                if file.read() != text:
                    return False
        except (OSError, ValueError):
            return False
    return True
