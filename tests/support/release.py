# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small git repositories, wheels and deploy paths for the tests of the module `release` (control node)."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import pathlib
import subprocess
import threading
import time
import typing as t
import zipfile

from ansible_collections.seamless.deploy.plugins.modules import release as module

_GIT = {
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@example.invalid",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def run_command(
    args: list[str], cwd: str | None = None, environ_update: dict[str, str] | None = None, **_other: object
) -> tuple[int, str, str]:
    """AnsibleModule.run_command, as far as the collection uses it."""
    done = subprocess.run(
        args, cwd=cwd, env={**os.environ, **(environ_update or {})}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


class Repository:
    """A git repository with a branch `main`."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *command: str) -> str:
        """Run git here and return what it prints."""
        return subprocess.run(
            ["git", *command], cwd=self.path, env={**os.environ, **_GIT}, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()

    def commit(self, files: dict[str, str], tag: str = "") -> str:
        """Write files, commit everything, and return the commit."""
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change")
        if tag:
            self.git("tag", tag)
        return self.head()

    def head(self) -> str:
        """Give the commit that is checked out."""
        return self.git("rev-parse", "HEAD")


class Target:
    """A deploy path, driven through the module's own `run`."""

    def __init__(self, root: pathlib.Path, run: t.Callable[..., tuple[int, str, str]] = run_command) -> None:
        self.root = root
        self._run = run

    def run(self, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """Run the module with these options and its own defaults."""
        spec = module.argument_spec()
        params = {name: facts.get("default") for name, facts in spec.items()}
        return module.run({**params, "path": str(self.root), **options}, check_mode, self._run)

    def prepare(self, repository: Repository, **options: t.Any) -> dict[str, t.Any]:
        """Prepare a release of a repository."""
        return self.run(repository=str(repository.path), **options)

    def activate(self, release: str, **options: t.Any) -> dict[str, t.Any]:
        """Make a release the live one."""
        return self.run(state="activated", release=release, **options)

    def deploy(self, repository: Repository, **options: t.Any) -> dict[str, t.Any]:
        """Prepare and activate; returns what preparing returned."""
        made = self.prepare(repository, **options)
        self.activate(made["release"])
        return made


_PROGRAM = """
import json, sys
def main():
    print(json.dumps({"version": "%s", "prefix": sys.prefix, "program": sys.executable}))
"""


def make_wheel(folder: pathlib.Path, name: str, version: str) -> pathlib.Path:
    """Write a wheel with one module and one console script, without any build tool."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", _PROGRAM % version)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def snapshot(path: pathlib.Path) -> dict[str, tuple[int, int, int]]:
    """Describe everything below a directory so that any touch shows; empty when it does not exist."""
    if not path.exists():
        return {}
    found = {}
    for entry in sorted([path, *path.rglob("*")]):
        facts = entry.lstat()
        found[str(entry)] = (facts.st_mode, facts.st_mtime_ns, facts.st_ino)
    return found


class BasicAuthServer:
    """Static files over HTTP on loopback, for one user and password. `seen` holds the paths that were asked for."""

    def __init__(self, folder: pathlib.Path, user: str, password: str) -> None:
        wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.seen: list[tuple[str, bool]] = []
        seen = self.seen

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: t.Any) -> None:
                super().__init__(*arguments, directory=str(folder))

            def do_GET(self) -> None:
                time.sleep(0.1)  # whoever asks lives long enough to be seen by recording_run
                allowed = self.headers.get("Authorization") == wanted
                seen.append((self.path, allowed))
                if allowed:
                    super().do_GET()
                    return
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="test"')
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: t.Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> BasicAuthServer:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _below(pid: str) -> t.Iterator[str]:
    """Yield the arguments of every process below one."""
    for listing in pathlib.Path("/proc", pid, "task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in listing.read_text().split():
                with contextlib.suppress(OSError):
                    yield (
                        pathlib.Path("/proc", child, "cmdline")
                        .read_bytes()
                        .replace(b"\0", b" ")
                        .decode(errors="replace")
                    )
                yield from _below(child)


def recording_run(arguments: list[str]) -> t.Callable[..., tuple[int, str, str]]:
    """Give a run_command that also writes down the arguments of every process below it, as `ps` would show them."""

    def run(args: list[str], **how: t.Any) -> tuple[int, str, str]:
        watched: list[str] = []
        stop = threading.Event()

        def watch() -> None:
            while not stop.is_set():
                watched.extend(_below("self"))
                stop.wait(0.02)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            return run_command(args, **how)
        finally:
            stop.set()
            thread.join()
            arguments.extend([" ".join(args), *watched])

    return run
