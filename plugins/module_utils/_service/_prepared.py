# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entrance stands on: a directory that comes back after a boot, units of systemd. Target; PRIVATE to the collection."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _entrance_upstream
from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance import (
    LinkEntrance,
    check_length,
    check_room,
    target_of,
)
from ansible_collections.seamless.deploy.plugins.module_utils._service._systemd import explain_systemctl

#: Directories that are empty after a boot, so that what is in them must be made again.
VOLATILE = ("/run/", "/var/run/", "/tmp/", "/var/tmp/")
TMPFILES = "/etc/tmpfiles.d"


class Wanted(t.NamedTuple):
    """How the directory of the sockets should be."""

    path: str
    uid: int
    gid: int
    mode: int


def wanted_directory(path: str, owner: str, group: t.Optional[int]) -> Wanted:
    """Only the application and the web server pass; its group is handed on to every socket. Raises DeployError."""
    try:
        user = pwd.getpwnam(owner) if owner else pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DeployError(f"the user {owner} of deploy_user does not exist on this host; make it first") from None
    if group is None:
        return Wanted(path, user.pw_uid, user.pw_gid, 0o755)
    return Wanted(path, user.pw_uid, group, 0o2750)


def tmpfiles_line(wanted: Wanted) -> str:
    """What systemd-tmpfiles makes of the directory at every boot, "" where it stays anyway."""
    if not wanted.path.startswith(VOLATILE):
        return ""
    user, group = pwd.getpwuid(wanted.uid).pw_name, grp.getgrgid(wanted.gid).gr_name
    return f"d {wanted.path} {wanted.mode:04o} {user} {group} -\n"


class Preparation:
    """Brings it about, or says what would be done (`dry`). `changes` tells what, in words."""

    def __init__(self, run: t.Callable[..., tuple], dry: bool) -> None:
        self._run = run
        self._dry = dry
        self.changes: list[str] = []
        self._reload = False

    def directory(self, wanted: Wanted) -> None:
        """The directory of the sockets is there with its owner, group and mode."""
        check_length("deploy_socket_dir", wanted.path)
        try:
            found = os.stat(wanted.path)
            seen = Wanted(wanted.path, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))
        except FileNotFoundError:
            seen = None
        except OSError as exc:
            raise DeployError(
                f"deploy_socket_dir {wanted.path} cannot be looked at: {exc.strerror}; become root"
            ) from exc
        if seen == wanted:
            check_room("deploy_socket_dir", wanted.path)
            return
        self.changes.append(f"{'make' if seen is None else 'correct'} {wanted.path}")
        if self._dry:
            return
        try:
            if seen is None:
                os.makedirs(os.path.dirname(wanted.path), 0o755, exist_ok=True)
                os.mkdir(wanted.path, 0o700)
            os.chown(wanted.path, wanted.uid, wanted.gid)
            os.chmod(wanted.path, wanted.mode)
        except OSError as exc:
            raise DeployError(
                f"deploy_socket_dir {wanted.path} cannot be made with mode {wanted.mode:04o}: {exc.strerror}; become root, "
                "or choose another directory"
            ) from exc
        check_room("deploy_socket_dir", wanted.path)

    def file(self, path: str, text: str, is_unit: bool = False) -> bool:
        """A file of the system says `text`; whether that is new."""
        try:
            with open(path, encoding="utf-8") as file:
                if file.read() == text:
                    return False
        except (OSError, UnicodeDecodeError):
            pass
        self.changes.append(f"write {path}")
        self._reload = self._reload or is_unit
        if not self._dry:
            try:
                os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
                _files.write_file(path, text, 0o644)
            except OSError as exc:
                raise DeployError(f"{path} cannot be written: {exc.strerror}; become root on the target") from exc
        return True

    def units(self, names: t.Sequence[str], changed: t.Collection[str]) -> None:
        """Units of systemd run, now and after a boot; those whose file is new are started anew."""
        if self._reload:
            self._systemctl("daemon-reload")
        for name in names:
            if self._state("is-enabled", name) != "enabled" or self._state("is-active", name) != "active":
                self.changes.append(f"start {name}")
                self._systemctl("enable", "--now", "--", name)
            elif name in changed:
                self.changes.append(f"restart {name}")
                self._systemctl("restart", "--", name)

    def _state(self, verb: str, name: str) -> str:
        return self._run(["systemctl", verb, "--", name], handle_exceptions=False)[1].strip()

    def _systemctl(self, *arguments: str) -> None:
        if self._dry:
            return
        rc, out, err = self._run(["systemctl", "--no-ask-password", *arguments], handle_exceptions=False)
        if rc:
            said = explain_systemctl(rc, err, "system")
            raise DeployError(f"'systemctl {' '.join(arguments)}' failed: {said}", rc=rc, stdout=out, stderr=err)

    def lead(self, kind: str, path: str, socket: str) -> None:
        """An entrance that leads nowhere leads to the `socket` of the live release ("" is none), before a site names it."""
        if kind == "upstream":
            if os.path.lexists(path):
                return
            self.file(path, _entrance_upstream.text_for(socket))
        elif socket and not os.path.lexists(path) and target_of(path) != socket:
            self.changes.append(f"let {path} lead to {socket}")
            if not self._dry:
                LinkEntrance(path, None).point(socket)  # type: ignore[arg-type]
