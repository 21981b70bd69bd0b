# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether systemd-logind ends the steps of a deploy when their login ends. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import pwd
import re
import shlex
import typing as t

Run = t.Callable[..., t.Tuple[int, str, str]]

#: Only a process in the scope of a session ends with it; who has become another user is still there.
SESSION = re.compile(r"/user-(\d+)\.slice/session-[^/]+\.scope$", re.MULTILINE)
ASK = ["busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"]
PROPERTIES = ["KillUserProcesses", "KillExcludeUsers", "KillOnlyUsers"]


def user_of_session(cgroups: str) -> t.Optional[int]:
    """The number of the user whose login a process belongs to, from its /proc/PID/cgroup; None when it belongs to none."""
    found = SESSION.search(cgroups)
    return int(found.group(1)) if found else None


def ends(answer: str, user: str) -> bool:
    """Whether logind ends what a user leaves behind, from its properties as busctl tells them."""
    lines = [shlex.split(line) for line in answer.splitlines()]
    if len(lines) != len(PROPERTIES):
        return False
    always, excluded, only = lines[0] == ["b", "true"], lines[1][2:], lines[2][2:]
    if user in (excluded or ["root"]):
        return False
    return user in only if only else always


def warning(run: Run, path: str = "/proc/self/cgroup") -> str:
    """What to say before a deploy on such a host, "" where its steps outlive their connection, or nobody knows."""
    user = ""
    with contextlib.suppress(OSError, KeyError):
        with open(path, encoding="utf-8") as file:
            number = user_of_session(file.read())
        user = pwd.getpwuid(number).pw_name if number is not None else ""
    if not user:
        return ""
    with contextlib.suppress(OSError, ValueError):
        rc, answer, _error = run([*ASK, *PROPERTIES], handle_exceptions=False)
        if rc == 0 and ends(answer, user):
            return (
                f"systemd-logind of this host ends all processes of a login together with it (KillUserProcesses), and this deploy has logged in as {user}: "
                "a step that still runs when the connection is lost is ended half way, and the next run brings the deploy to an end; "
                f"name {user} in KillExcludeUsers of /etc/systemd/logind.conf"
            )
    return ""
