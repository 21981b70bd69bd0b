# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real supervisord without root, for tests and the demo (control node)."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
import typing as t

TEMPLATE = """\
[unix_http_server]
file={base}/supervisor.sock
chmod=0700

[supervisord]
nodaemon=true
logfile={base}/supervisord.log
pidfile={base}/supervisord.pid
childlogdir={base}
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{base}/supervisor.sock

[include]
files={base}/conf.d/*.conf
"""


class Supervisor:
    """One supervisord: `.config` is its supervisord.conf, `.include_dir` the folder for program files."""

    def __init__(self, base: pathlib.Path) -> None:
        self.base = pathlib.Path(base).resolve() / "supervisor"
        self.config = self.base / "supervisord.conf"
        self.include_dir = self.base / "conf.d"
        self.log = self.base / "supervisord.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> t.Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of supervisord."""
        if self._process is None:
            raise RuntimeError("This supervisord is not running.")
        return self._process.pid

    def start(self) -> None:
        """Write the configuration when there is none, start supervisord and wait until it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        self.include_dir.mkdir(parents=True, exist_ok=True)
        if not self.config.exists():
            user = "user=root\n" if os.geteuid() == 0 else ""
            self.config.write_text(TEMPLATE.format(base=self.base, user=user))
        # Programs must not inherit what belongs to our own tools environment.
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.base,
            env=environment,
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if self.ctl("pid").returncode == 0:
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"supervisord does not start: {self.log.read_text() if self.log.exists() else 'no log'}")

    def stop(self) -> None:
        """Stop supervisord and, through it, every program."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run supervisorctl against this supervisord."""
        argv = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.config), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    def add_program(self, name: str, **options: str) -> None:
        """Write the file of one program and let supervisord take it over."""
        lines = [f"[program:{name}]"] + [f"{key}={value}" for key, value in options.items()]
        (self.include_dir / f"{name}.conf").write_text("\n".join(lines) + "\n")
        self.ctl("update")
