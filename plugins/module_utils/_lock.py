# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deploy lock of one application on one host. Target; PRIVATE to the collection.

A complete file is put in place with link(2), which fails when the name exists: taking the lock is atomic,
and whoever finds it taken can always read by whom.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import typing as t
import uuid

from ansible_collections.seamless.deploy.plugins.module_utils import _contract
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

VERSION = 1


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who holds the lock: for which deploy, who, from where, since when (UTC, ISO 8601), in which boot of the host.

    owner: the ansible-playbook it belongs to (node, pid, started, boot), which only its own control node can ask.
    """

    deploy_id: str
    who: str
    origin: str
    since: str
    boot_id: str = ""
    owner: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, t.Any]:
        return _contract.to_json(self, VERSION)

    @classmethod
    def from_json(cls, data: object) -> Holder:
        return _contract.from_json(cls, data, VERSION, "the deploy lock")

    def sentence(self) -> str:
        return f"{self.who} holds the lock since {self.since}, for deploy {self.deploy_id}, from {self.origin}"


@dataclasses.dataclass(frozen=True)
class Signs:
    """What can be seen of the one who holds the lock.

    owner: gone, alive or unknown, as its control node says. booted: the host was booted since. silent: seconds since
    the last sign of life. running: what still runs of it, "" for nothing.
    """

    owner: str = "unknown"
    booted: bool = False
    silent: float = 0.0
    running: str = ""


def why_stale(signs: Signs, limit: int) -> str:
    """Why a lock may be taken over, or "" when it may not. `limit`: seconds of silence that are too long."""
    if signs.owner == "gone":
        return "its ansible-playbook has ended"
    if signs.owner == "alive":
        return ""
    if signs.booted:
        return "the host was booted since"
    if not signs.running and signs.silent >= limit:
        return f"nothing was heard of it for {signs.silent:.0f} seconds"
    return ""


def boot_id() -> str:
    """This boot of the host, or "" where the kernel does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


class Lock:
    """Methods raise DeployError when the file system refuses."""

    def __init__(self, path: str) -> None:
        self.path = path

    def holder(self) -> t.Optional[Holder]:
        try:
            with open(self.path, encoding="utf-8") as file:
                return Holder.from_json(json.load(file))
        except FileNotFoundError:
            return None
        except ValueError as exc:
            raise DeployError(f"the deploy lock {self.path} is damaged; when no deploy runs, remove the file") from exc
        except OSError as exc:
            raise DeployError(f"the deploy lock {self.path} cannot be read: {exc.strerror}") from exc

    def take(self, holder: Holder) -> t.Optional[Holder]:
        """None when `holder` has the lock now (or had it already), otherwise who has it."""
        with self._draft(holder) as draft:
            try:
                os.link(draft, self.path)
            except FileExistsError:
                found = self.holder()
                if found is None:
                    return self.take(holder)
                return None if found.deploy_id == holder.deploy_id else found
        return None

    def take_over(self, holder: Holder, former: str) -> bool:
        """Whether `holder` has the lock now in place of deploy `former`; false when another one was faster."""
        with self._guard(), self._draft(holder) as draft:
            found = self.holder()
            if found is None or found.deploy_id != former:
                return False
            os.rename(draft, self.path)
        return True

    def release(self, deploy_id: str) -> bool:
        """Whether the lock was this deploy's, and is free now. Another deploy's lock is left alone."""
        with self._guard():
            found = self.holder()
            if found is None or found.deploy_id != deploy_id:
                return False
            os.unlink(self.path)
        return True

    @contextlib.contextmanager
    def _draft(self, holder: Holder) -> t.Iterator[str]:
        """A complete lock beside the real one."""
        draft = f"{self.path}.{uuid.uuid4().hex}"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as file:
                json.dump(holder.to_json(), file)
                file.flush()
                os.fsync(file.fileno())
            yield draft
        except OSError as exc:
            way_out = "deploy as the user that made this directory, or give it to the one who deploys"
            if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                way_out = "make room on the disk of deploy_path, and deploy again"
            raise DeployError(f"the deploy lock {self.path} cannot be taken: {exc.strerror}; {way_out}") from exc
        finally:
            with contextlib.suppress(OSError):
                os.unlink(draft)

    @contextlib.contextmanager
    def _guard(self) -> t.Iterator[None]:
        """Between looking whose lock it is and moving it nobody else moves it."""
        try:
            handle = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY)
        except OSError:  # without the directory there is no lock in it
            yield
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
