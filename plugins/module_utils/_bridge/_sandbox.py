# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal may not do: outlive its caller, reach anything but the database, or write files.

Application's interpreter, Linux; PRIVATE to the collection.
"""

from __future__ import annotations

import ctypes
import os
import select
import tempfile
import threading
import typing as t

# From Linux's sched.h, mount.h and unistd.h; the number is that of every architecture that Python has wheels for.
_NEW_USER, _NEW_MOUNTS, _NEW_NETWORK = 0x10000000, 0x00020000, 0x40000000
_READ_ONLY, _PRIVATE, _BIND, _RECURSIVE = 1, 1 << 18, 4096 | 16384, 0x8000
_MOUNT_SETATTR = 442
#: What code may still write to. Nothing of the application belongs there.
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")


class _Attributes(ctypes.Structure):
    """struct mount_attr."""

    _fields_: t.ClassVar = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def end_with(go: int, seconds: t.Optional[float]) -> None:
    """End this process when its caller is gone or the time is up, also where a migration waits for something else than the database."""

    def wait() -> None:
        caller = select.poll()
        caller.register(go, 0)  # nothing but that the other end was closed
        caller.poll(None if seconds is None else int(seconds * 1000))
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def prepare() -> None:
    """Before the first thread: get the right to a sandbox, which root has. Another user becomes the root of a user namespace, as itself."""
    if os.geteuid() == 0 or threading.active_count() > 1:
        return
    # Tried by a child: who is in a namespace and may not say who it is there could not make a file any more.
    child = os.fork()
    if child == 0:
        try:
            _own_namespace()
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1] == 0:
        _own_namespace()


def _own_namespace() -> None:
    """Raises OSError where the kernel, or AppArmor, gives none."""
    user, group = os.geteuid(), os.getegid()
    if not _unshare(_NEW_USER):
        raise OSError("no user namespace")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def enclose(host: str) -> str:
    """Leave no way out but the database, and no file to write: a data migration may send mail or move uploads.

    host: directory of the database's socket, or its file, or a name. What was kept away: "network and files", one of them, or "none".
    A database behind TCP needs the network. Threads of the application would keep both.
    """
    if threading.active_count() > 2:  # this one and that of end_with
        return "none"
    kept = []
    if host.startswith("/") and _unshare(_NEW_NETWORK):
        kept.append("network")
    if _unshare(_NEW_MOUNTS) and _make_read_only(host):
        kept.append("files")
    return " and ".join(kept) or "none"


def _unshare(what: int) -> bool:
    try:
        return ctypes.CDLL(None).unshare(what) == 0
    except (OSError, AttributeError):
        return False


def _make_read_only(host: str) -> bool:
    """All files but temporary ones, and those beside a database that is a file."""
    beside = [os.path.dirname(host)] if os.path.isfile(host) else []
    kept = {os.path.realpath(path) for path in (*_TEMPORARY, tempfile.gettempdir(), *beside)}
    if not _set("/", _Attributes(set=_READ_ONLY, propagation=_PRIVATE), _RECURSIVE):
        return False
    for path in sorted(kept):
        place = os.fsencode(path)
        if ctypes.CDLL(None).mount(place, place, None, _BIND, None) == 0:
            _set(path, _Attributes(clear=_READ_ONLY), 0)
    return True


def _set(path: str, attributes: _Attributes, flags: int) -> bool:
    size = ctypes.sizeof(attributes)
    result = ctypes.CDLL(None).syscall(_MOUNT_SETATTR, -100, os.fsencode(path), flags, ctypes.byref(attributes), size)
    return bool(result == 0)
