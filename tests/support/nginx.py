# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx of a test's own: its prefix, its port, ended by its process id (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import typing as t

CONFIGURATION = """
worker_processes 2;
pid {base}/nginx.pid;
error_log {base}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {base}/body;
    proxy_temp_path {base}/proxy;
    fastcgi_temp_path {base}/fastcgi;
    uwsgi_temp_path {base}/uwsgi;
    scgi_temp_path {base}/scgi;
    include {base}/conf.d/*.conf;
    {sites}
}}
"""

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin")


def free_port() -> int:
    """Give a port of the loopback address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Nginx:
    """A running nginx below `base`."""

    def __init__(self, base: pathlib.Path, debian: bool = False) -> None:
        assert PROGRAM
        self.base, self.program, self.port = base, PROGRAM, free_port()
        self.configuration = base / "nginx.conf"
        (base / "conf.d").mkdir(parents=True)
        sites = ""
        if debian:
            for name in ("sites-available", "sites-enabled"):
                (base / name).mkdir()
            sites = f"include {base}/sites-enabled/*;"
        self.configuration.write_text(CONFIGURATION.format(base=base, sites=sites))
        self.site("default", f"server {{ listen 127.0.0.1:{self.port}; server_name fallback; return 204; }}")

    def site(self, name: str, text: str) -> pathlib.Path:
        """Write a site."""
        path = self.base / "conf.d" / f"{name}.conf"
        path.write_text(text)
        return path

    def params(self, **more: t.Any) -> dict[str, t.Any]:
        """Give the options of nginx_site for this nginx."""
        return {"name": "shop", "program": self.program, "configuration": str(self.configuration), **more}

    def get(self, path: str = "/", host: str = "shop") -> tuple[int, str]:
        """Ask, and give status and body."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        head, _blank, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body


@contextlib.contextmanager
def nginx(base: pathlib.Path, debian: bool = False) -> t.Iterator[Nginx]:
    """Run an nginx until the block ends."""
    server = Nginx(base, debian)
    argv = [server.program, "-p", str(base), "-c", str(server.configuration), "-g", "daemon off;"]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                server.get(host="fallback")
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (base / "error.log").read_text()
                time.sleep(0.02)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
