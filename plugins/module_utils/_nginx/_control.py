# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks nginx for its configuration, has it tested and read again. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import re
import shlex
import signal
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _config, _processes

Run = t.Callable[..., tuple]

#: How long a reload may take until new workers serve.
RELOAD_SECONDS = 20.0
INTERVAL = 0.05
LEVEL = re.compile(r"^(?:nginx: |[0-9/]+ [0-9:]+ )?\[(emerg|alert|crit|error|warn)\] (?:[0-9]+#[0-9]+: )?(.*)$")


def words_of(text: str, levels: t.Collection[str] = ("emerg", "alert", "crit")) -> list[str]:
    """What nginx itself says, without its time stamps and process numbers. Pure."""
    found = (LEVEL.match(line.strip()) for line in text.splitlines())
    return [match.group(2) for match in found if match and match.group(1) in levels]


class Control:
    """One nginx: `program` is how it is called, `configuration` its nginx.conf ("" is what runs, or its default)."""

    def __init__(self, run: Run, program: str = "nginx", configuration: str = "") -> None:
        self._run = run
        self._program = program
        self._configuration = configuration

    def running(self) -> _processes.Nginx:
        return _processes.find(self._configuration)

    def _call(self, *options: str) -> tuple[int, str, str]:
        own = ("-c", self._configuration) if self._configuration else self.running().arguments
        try:
            rc, out, err = self._run([self._program, *own, *options], handle_exceptions=False)
        except OSError as exc:
            raise DeployError(
                f"nginx cannot be run as {self._program} ({exc.strerror}): install it, or name it in deploy_nginx_program "
                "(/www/server/nginx/sbin/nginx on a Baota host), or set deploy_web_server to none"
            ) from exc
        return rc, out, err

    def test(self) -> tuple[bool, str]:
        """Whether nginx takes the configuration as it is on disk, and all that it says of it."""
        rc, out, err = self._call("-t")
        return rc == 0, err or out

    def version(self) -> tuple[int, ...]:
        return _config.version_of(self._call("-V")[2])

    def files(self) -> dict[str, str]:
        """The files of the configuration. Raises DeployError when nginx refuses them."""
        rc, out, err = self._call("-T")
        if rc:
            said = "; ".join(words_of(err)) or " ".join(err.split())
            raise DeployError(
                f"nginx refuses its configuration as it is, before anything of this deploy: {said}. Correct that first "
                "('nginx -t' shows it), or it would keep every later change out too"
            )
        return _config.split_files(out)

    def reload(self) -> None:
        """Have the configuration read, and wait until new workers serve by it. Raises DeployError."""
        before = self.running()
        if not before.master:
            raise DeployError(
                "nginx does not run on this host: start it ('systemctl enable --now nginx'), or set deploy_web_server to none"
            )
        log = self._error_log()
        written = _size(log)
        try:
            os.kill(before.master, signal.SIGHUP)
        except OSError as exc:
            raise DeployError(
                f"nginx (process {before.master}) cannot be told to reload: {exc.strerror}; become root"
            ) from exc
        deadline = time.monotonic() + RELOAD_SECONDS
        while time.monotonic() < deadline:
            now = self.running()
            if now.serving() and not now.serving() & before.serving():
                return
            said = words_of(_appended(log, written), ("emerg",))
            if said:
                raise DeployError(f"nginx did not reload and serves as before: {said[0]}")
            time.sleep(INTERVAL)
        raise DeployError(
            f"nginx has no new workers {RELOAD_SECONDS:g} s after it was told to reload; {log or 'its error log'} says why"
        )

    def _error_log(self) -> str:
        """The file that nginx writes errors of a reload to, "" when it is none."""
        rc, out, _err = self._call("-T")
        files = _config.split_files(out) if rc == 0 else {}
        named = _config.main_value(_config.expand(files), "error_log")
        default, prefix = _built_in(self._call("-V")[2])
        path = named[0] if named else default
        own = self.running().arguments
        prefix = own[own.index("-p") + 1] if "-p" in own else prefix
        return os.path.join(prefix, path) if path and path != "stderr" and not path.startswith("syslog:") else ""


def _built_in(text: str) -> tuple[str, str]:
    """The error log and the prefix that nginx was built with, out of `nginx -V`. Pure."""
    options = [word.partition("=") for word in shlex.split(text.partition("configure arguments:")[2])]
    values = {name: value for name, _sep, value in options}
    return values.get("--error-log-path", "logs/error.log"), values.get("--prefix", "/usr/local/nginx")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _appended(path: str, since: int) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            file.seek(since if _size(path) >= since else 0)
            return file.read(65536)
    except OSError:
        return ""
