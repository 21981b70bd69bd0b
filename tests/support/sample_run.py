# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of a sample application run by hand: their command line, their migrations, their server (control node)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import time
import typing as t

from tests.support.load import Answer, request
from tests.support.sample import SampleRepository


class SampleModule(t.Protocol):
    """What a module such as tests.support.visits says of its application."""

    PATH: str
    TABLE: str
    MIGRATE: tuple[str, ...]
    CHECK: tuple[str, ...]
    SERVE: tuple[str, ...]

    def environment(self) -> pathlib.Path:
        """Give the virtual environment."""

    def process_environment(self, url: str) -> dict[str, str]:
        """Give what the application reads from its environment."""


class Application:
    """A checkout of the repository, with an environment that has every dependency."""

    def __init__(self, of: SampleModule, repository: SampleRepository) -> None:
        self.of = of
        self.repository = repository
        self.venv = of.environment()

    def checkout(self, release: int | str) -> None:
        """Put the files of a release into the working tree; a name is a branch or a tag of a test's own."""
        name = self.repository.tag(release) if isinstance(release, int) else release
        self.repository.git("checkout", "--quiet", name)

    def run(self, release: int | str, url: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the release's directory."""
        self.checkout(release)
        options: dict[str, t.Any] = {"cwd": self.repository.path, "env": self._variables(url)}
        return subprocess.run(
            [str(self.venv / "bin" / argv[0]), *argv[1:]], **options, capture_output=True, text=True, check=False
        )

    def migrate(self, release: int | str, url: str) -> subprocess.CompletedProcess[str]:
        """Migrate as the developer does."""
        return self.run(release, url, *self.of.MIGRATE)

    @contextlib.contextmanager
    def serve(self, release: int | str, url: str, entrance: pathlib.Path) -> t.Iterator[subprocess.Popen[bytes]]:
        """Start the web server on this socket, wait until it answers or ends, and stop it afterwards."""
        self.checkout(release)
        entrance.unlink(missing_ok=True)
        argv = [word.format(socket=entrance) for word in self.of.SERVE]
        with entrance.with_suffix(".log").open("wb") as log:
            options: dict[str, t.Any] = {"cwd": self.repository.path, "env": self._variables(url)}
            process = subprocess.Popen(
                [str(self.venv / "bin" / argv[0]), *argv[1:]], **options, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            while process.poll() is None and not answers(entrance):
                time.sleep(0.02)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)

    def _variables(self, url: str) -> dict[str, str]:
        # Without compiled files: two releases may differ within the same second, in files of the same size.
        own = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        return {**own, **self.of.process_environment(url)}


def answers(entrance: pathlib.Path) -> bool:
    """Tell whether somebody listens there."""
    try:
        request(entrance, "GET", "/version/", timeout=10)
    except OSError:
        return False
    return True


def write(entrance: pathlib.Path, path: str, token: str) -> Answer:
    """Send what the load generator sends."""
    return request(entrance, "POST", path, {"token": token, "phone_number": "+440000001", "payment_method": "cash"})
