# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of systemd, of the system or of one user. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _logs, _process
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit, UnitStatus
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Sight

Run = t.Callable[..., tuple]

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "MainPID",
    "Result",
    "ExecMainCode",
    "ExecMainStatus",
    "NeedDaemonReload",
    "UnitFileState",
    "FragmentPath",
    "CanReload",
    "Job",
)
RUNNING = ("active", "reloading", "activating")
BOOT = ("enabled", "enabled-runtime", "alias")
INTERVAL = 0.05

#: Exit statuses that systemd itself gives before the program runs (systemd.exec(5)), and what each asks for.
#: Where systemd looks for units, from systemd.unit(5).
DIRECTORIES = {
    "system": (
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ),
    "user": ("~/.config/systemd/user", "~/.local/share/systemd/user", "/etc/systemd/user"),
}
BEFORE_EXEC = {
    "200": "its WorkingDirectory does not exist or is not accessible",
    "203": "the program of its ExecStart is missing or not executable, or its interpreter is",
    "209": "its output cannot be set up",
    "216": "its Group does not exist",
    "217": "its User does not exist",
    "226": "its mount namespace cannot be set up, look at its paths",
}


def parse_show(text: str) -> dict[str, str]:
    """The KEY=VALUE lines of `systemctl show`. Pure."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value for key, _sep, value in pairs}


def explain_end(shown: dict[str, str]) -> str:
    """How the main process ended, "" when it has not. Pure."""
    status, code = shown.get("ExecMainStatus", ""), shown.get("ExecMainCode", "")
    if code in ("", "0"):
        return ""
    text = f"ended by signal {status}" if code in ("2", "3") else f"exit status {status}"
    meaning = BEFORE_EXEC.get(status, "")
    return f"{text}: {meaning}" if meaning else text


def explain_failure(shown: dict[str, str]) -> str:
    """Why a unit will not serve, "" while it may. Pure."""
    active, sub = shown.get("ActiveState", ""), shown.get("SubState", "")
    queued = shown.get("Job", "") not in ("", "0")
    dead = active == "failed" or sub == "auto-restart" or (active in ("inactive", "deactivating") and not queued)
    if not dead:
        return ""
    ended = explain_end(shown)
    return f"systemd says {active} ({sub}), result {shown.get('Result', 'unknown')}" + (f", {ended}" if ended else "")


def explain_systemctl(rc: int, stderr: str, scope: str) -> str:
    """What a refusal of systemctl asks for. Pure."""
    text = " ".join(stderr.split())
    if "not been booted with systemd" in text:
        return "systemd does not run on this host (it is not process 1); use manager=supervisor"
    if "Failed to connect to" in text and scope == "user":
        return (
            "the systemd manager of this user does not run; switch it on with 'loginctl enable-linger USER' as root, or "
            f"use systemd_scope=system. systemctl said: {text}"
        )
    if "uthentication" in text or "ccess denied" in text or "ermission denied" in text:
        return f"this user may not manage system units; become root, or use systemd_scope=user. systemctl said: {text}"
    return f"systemctl said: {text or f'exit status {rc}'}"


class SystemdManager:
    """Implements ServiceManager with `run` of the signature of AnsibleModule.run_command."""

    def __init__(self, run: Run, scope: str) -> None:
        self._run = run
        self._scope = scope
        self._many = self._unread = False
        self._boot: dict[str, bool] = {}
        self.warnings: list[str] = []

    @contextlib.contextmanager
    def together(self) -> t.Iterator[None]:
        """Have systemd read its files once for all units, at the end, and where a new definition asks for it."""
        self._many = True
        try:
            yield
        except BaseException:
            with contextlib.suppress(DeployError):
                self._end_together()
            raise
        self._end_together()

    def _end_together(self) -> None:
        self._many = False
        if self._unread:
            self._reread()

    def read_definitions(self) -> None:
        self._reread()

    def reads(self, definition: str) -> bool:
        return os.path.dirname(definition) in map(os.path.expanduser, DIRECTORIES[self._scope])

    def _reread(self) -> None:
        self._systemctl("reload systemd's unit files", "daemon-reload")
        self._unread = False

    def _call(self, program: str, *arguments: str) -> tuple[int, str, str]:
        argv = [program] + (["--user"] if self._scope == "user" else []) + list(arguments)
        environment = {"LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
        if self._scope == "user":
            environment["XDG_RUNTIME_DIR"] = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
        try:
            rc, out, err = self._run(argv, environ_update=environment, handle_exceptions=False)
        except OSError as exc:
            raise DeployError(
                f"{program} cannot be run ({exc.strerror}): this host has no systemd; use manager=supervisor"
            ) from exc
        return rc, out, err

    def _systemctl(self, what: str, *arguments: str) -> str:
        rc, out, err = self._call("systemctl", "--no-ask-password", *arguments)
        if rc:
            raise DeployError(
                f"cannot {what}: {explain_systemctl(rc, err, self._scope)}", rc=rc, stdout=out, stderr=err
            )
        return out

    def _show(self, unit: Unit) -> dict[str, str]:
        names = ",".join(PROPERTIES)
        return parse_show(
            self._systemctl(f"read the state of {unit.name}", "show", "-p", names, "--", service(unit.name))
        )

    def status(self, unit: Unit) -> UnitStatus:
        shown = self._show(unit)
        active, sub = shown.get("ActiveState", ""), shown.get("SubState", "")
        running = active in RUNNING and sub != "auto-restart"
        # Within `together` systemd has not read yet what was enabled or disabled.
        boot = self._boot.get(unit.name, shown.get("UnitFileState", "") in BOOT)
        return UnitStatus(
            shown.get("LoadState") == "loaded", running, int(shown.get("MainPID") or 0), f"{active} ({sub})", boot
        )

    def look(self, unit: Unit) -> Sight:
        shown = self._show(unit)
        active = shown.get("ActiveState", "")
        detail = f"{active} ({shown.get('SubState', '')})"
        return Sight(int(shown.get("MainPID") or 0), active == "active", explain_failure(shown), detail)

    def last_end(self, unit: Unit) -> str:
        return explain_end(self._show(unit))

    def start(self, unit: Unit) -> None:
        self._load(unit)
        name = service(unit.name)
        if not self._set_boot(unit, "enable"):
            self.warnings.append(
                f"{unit.name} cannot be enabled: give its definition an [Install] section with WantedBy="
            )
        self._call("systemctl", "reset-failed", "--", name)
        self._systemctl(f"start {unit.name}", "start", "--no-block", "--", name)

    def _load(self, unit: Unit) -> None:
        shown = self._show(unit)
        stale = shown.get("NeedDaemonReload") == "yes" and not self._unread
        if stale or shown.get("LoadState") != "loaded":
            self._reread()
            shown = self._show(unit)
        state = shown.get("LoadState")
        if state == "not-found":
            where = unit.definition or f"{service(unit.name)} in the unit directory of scope {self._scope}"
            raise DeployError(
                f"systemd has no unit {service(unit.name)}: its definition {where} is missing; put it there"
            )
        if state == "masked":
            raise DeployError(f"{service(unit.name)} is masked; run 'systemctl unmask {service(unit.name)}' first")
        if state != "loaded":
            raise DeployError(
                f"systemd does not load {service(unit.name)} ({state}): correct {shown.get('FragmentPath') or 'its definition'}, "
                f"'systemd-analyze verify {service(unit.name)}' names the line"
            )

    def _set_boot(self, unit: Unit, word: str) -> bool:
        """Enable or disable a unit; whether it comes back after a boot now."""
        name = service(unit.name)
        if not self._many:
            self._systemctl(f"{word} {unit.name}", word, "--", name)
            return self._show(unit).get("UnitFileState") in BOOT
        self._systemctl(f"{word} {unit.name}", word, "--no-reload", "--", name)
        self._unread = True
        _rc, out, _err = self._call("systemctl", "is-enabled", "--", name)
        self._boot[unit.name] = out.strip() in BOOT
        return self._boot[unit.name]

    def stop(self, unit: Unit, timeout: float) -> None:
        shown = self._show(unit)
        name = service(unit.name)
        members = _process.family(int(shown.get("MainPID") or 0))
        self._systemctl(f"stop {unit.name}", "stop", "--no-block", "--", name)
        self._wait_gone(unit, members, timeout)
        if self._boot.get(unit.name, shown.get("UnitFileState", "") in BOOT):
            self._set_boot(unit, "disable")
        self._call("systemctl", "reset-failed", "--", name)

    def _wait_gone(self, unit: Unit, members: dict[int, int], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        killed = False
        while True:
            left = _process.survivors(members)
            if not left and self._show(unit).get("ActiveState") in ("inactive", "failed"):
                return
            if time.monotonic() >= deadline:
                if killed:
                    raise DeployError(
                        f"{unit.name} does not end, not even by KILL: processes {left} are still there", survivors=left
                    )
                killed, deadline = True, time.monotonic() + 10.0
                self._call("systemctl", "kill", "-s", "KILL", "--", service(unit.name))
                for pid in left:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(INTERVAL)

    def reload(self, unit: Unit) -> None:
        self._load(unit)
        if self._show(unit).get("CanReload") != "yes":
            raise DeployError(f"{unit.name} has no ExecReload in its definition; add one, or use state=restarted")
        self._systemctl(f"reload {unit.name}", "reload", "--", service(unit.name))

    def forget(self, unit: Unit) -> None:
        self._boot.pop(unit.name, None)
        if self._many:
            self._unread = True
        else:
            self._reread()
        self._call("systemctl", "reset-failed", "--", service(unit.name))

    def log_tail(self, unit: Unit, lines: int) -> list[str]:
        with contextlib.suppress(DeployError):
            rc, out, _err = self._call(
                "journalctl", "--no-pager", "-q", "-o", "cat", "-n", str(lines), "-u", service(unit.name)
            )
            return _logs.tail(out.splitlines(), lines) if rc == 0 else []
        return []


def service(name: str) -> str:
    """The unit's full name. Pure."""
    suffixes = (".service", ".socket", ".timer", ".target", ".path")
    return name if name.endswith(suffixes) else f"{name}.service"
