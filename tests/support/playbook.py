# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the collection's playbooks from the checkout, as a user does (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import typing as t

from tests.support.paths import CHECKOUT, tool
from tests.support.shop import python_for_app

MESSAGE = re.compile(r'^ +"msg": (\[\n.*?\n +\])$', re.MULTILINE | re.DOTALL)
OF_A_HOST = re.compile(r'^ok: \[(\S+)\] => \{\n +"msg": (\[\n.*?\n +\])$', re.MULTILINE | re.DOTALL)
RECAP = re.compile(r"^(\S+)\s*: (ok=\d+ .*)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run of ansible-playbook came to; `stdout` holds what it said on both channels, in order."""

    rc: int
    stdout: str
    stats: dict[str, dict[str, int]]

    @property
    def changed(self) -> int:
        """Count the changed tasks of all hosts."""
        return sum(counts.get("changed", 0) for counts in self.stats.values())

    @property
    def report(self) -> list[str]:
        """Give the lines of the last list that the play showed: a deploy's report."""
        shown = MESSAGE.findall(self.stdout)
        return [str(line) for line in json.loads(shown[-1])] if shown else []

    @property
    def reports(self) -> dict[str, list[str]]:
        """Give the lines of the last list that the play showed of each host: which of them comes last is chance."""
        return {host: [str(line) for line in json.loads(shown)] for host, shown in OF_A_HOST.findall(self.stdout)}


def parse_recap(output: str) -> dict[str, dict[str, int]]:
    """Read the PLAY RECAP: host -> {ok, changed, unreachable, failed, skipped, rescued, ignored}."""
    recap = output.rpartition("PLAY RECAP")[2] if "PLAY RECAP" in output else ""
    return {
        host: {name: int(count) for name, _equals, count in (pair.partition("=") for pair in counts.split())}
        for host, counts in RECAP.findall(recap)
    }


def local_inventory(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    """Make an inventory of this machine alone, reached without SSH, with the application's Python and not ours."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": python_for_app(), **variables}
    return {"all": {"hosts": {"localhost": host}}}


def collections_tree(base: pathlib.Path) -> pathlib.Path:
    """Make a tree in which Ansible finds the checkout as the collection seamless.deploy."""
    tree = base / "collections"
    link = tree / "ansible_collections" / "seamless" / "deploy"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(CHECKOUT)
    return tree


def playbook_environment(base: pathlib.Path, env: dict[str, str] | None = None) -> dict[str, str]:
    """Make the environment of a run: nothing of the machine's own Ansible, its caches in our directory."""
    # An empty one: without it Ansible would look for the user's.
    configuration = base / "ansible.cfg"
    configuration.touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON", "VIRTUAL"))}
    return {
        **kept,
        # supervisorctl is found beside our tools, but python3 and the rest stay the machine's.
        "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(pathlib.Path(sys.executable).parent)]),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(collections_tree(base)),
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(base / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(base / "ansible" / "local"),
        "ANSIBLE_REMOTE_TEMP": str(base / "ansible" / "remote"),
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_NOCOWS": "1",
        **(env or {}),
    }


def run_playbook(
    playbook: str,
    inventory: dict[str, t.Any],
    *arguments: str,
    env: dict[str, str] | None = None,
    base: pathlib.Path | None = None,
    log: pathlib.Path | None = None,
    timeout: float = 900,
    program: str = "",
) -> Result:
    """Run a playbook of the checkout, a path or a name such as seamless.deploy.deploy.

    `inventory` is either a whole inventory (a dictionary with `all`) or the variables of this machine alone.
    """
    with start_playbook(playbook, inventory, *arguments, env=env, base=base, log=log, program=program) as play:
        return play.wait(timeout)


class Play:
    """A run of ansible-playbook under way."""

    def __init__(self, argv: list[str], env: dict[str, str], output: pathlib.Path) -> None:
        self.output = output
        with output.open("ab") as written:
            self._start = written.tell()
            # Its workers belong to a session of its own.
            pipes: dict[str, t.Any] = {"stdin": subprocess.DEVNULL, "stdout": written, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen(argv, cwd=CHECKOUT, env=env, start_new_session=True, **pipes)

    def said(self) -> str:
        """Give what it has said so far."""
        return self.output.read_bytes()[self._start :].decode(errors="replace")

    def wait(self, timeout: float = 900) -> Result:
        """Wait for the end; a run that takes too long is ended."""
        try:
            code = self.process.wait(timeout=timeout)
        finally:
            self.end()
        return Result(code, self.said(), parse_recap(self.said()))

    def kill(self) -> Result:
        """End it at once with its workers, as AWX does; what it has started on the targets goes on there."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.wait(10)

    def end(self) -> None:
        """End it in an orderly way when it still runs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def start_playbook(
    playbook: str,
    inventory: dict[str, t.Any],
    *arguments: str,
    env: dict[str, str] | None = None,
    base: pathlib.Path | None = None,
    log: pathlib.Path | None = None,
    program: str = "",
) -> t.Iterator[Play]:
    """Start a playbook as `run_playbook` does, and end it when the block ends before it."""
    if "all" not in inventory:
        inventory = local_inventory(inventory)
    beside = CHECKOUT / playbook
    with contextlib.ExitStack() as stack:
        temporary = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sd-play-", dir=base)))
        hosts = temporary / "hosts.json"
        hosts.touch(mode=0o600)
        hosts.write_text(json.dumps(inventory))
        what = str(beside if beside.exists() else playbook)
        argv = [program or tool("ansible-playbook"), "-i", str(hosts), what, *arguments]
        play = Play(argv, playbook_environment(base or temporary, env), log or temporary / "output")
        stack.callback(play.end)
        yield play
