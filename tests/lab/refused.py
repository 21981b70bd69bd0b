# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deploy that must be refused with one reason, while customers are served, and what is wrong with the host (control node)."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import typing as t

from tests.lab.host import Host
from tests.lab.stage import LabStage
from tests.support.playbook import Result

FAILED = re.compile(
    r"^(?:fatal|failed): \[\S+\].*?: FAILED! => (\{.*\})$|^failed: \[\S+\].*? => (\{.*\})$", re.MULTILINE
)
SUDOERS = "/etc/sudoers.d/deployer"


def reasons(result: Result) -> list[str]:
    """Give what every failed task says, in order, without the words that Ansible puts before it."""
    messages = [str(json.loads(first or second)["msg"]) for first, second in FAILED.findall(result.stdout)]
    return [message.removeprefix("Task failed: ") for message in messages]


def expect_one_reason(result: Result, words: list[str]) -> str:
    """Expect a failure whose last message has all words, and that no task before it said anything else."""
    assert result.rc != 0, result.stdout
    assert "Traceback" not in result.stdout
    said = reasons(result)
    assert said, result.stdout
    print(f"\n   {said[-1]}")
    assert [word for word in words if word not in said[-1]] == [], said[-1]
    assert [one for one in said if one.rstrip(".") not in said[-1]] == []
    return said[-1]


def refused(
    stage: LabStage,
    words: list[str],
    release: int = 2,
    fault: contextlib.AbstractContextManager[None] | None = None,
    **changes: t.Any,
) -> Result:
    """Deploy a release that must be refused, and expect that customers notice nothing and all stays as it was.

    Nobody but the deploy logs in while the fault is there: with a full /run that alone takes half a minute.
    """
    live, before = stage.serving(), stage.footprint()
    with stage.traffic(rate=50, before=1, after=1) as traffic, contextlib.ExitStack() as faults:
        if fault:
            faults.enter_context(fault)
        result = stage.run("deploy.yml", release, **changes)
    traffic.told("refused")
    expect_one_reason(result, words)
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.report.versions) == {live}
    assert stage.footprint() == before
    for name in stage.app:
        assert stage.look(name).last["detail"]["result"] in ("succeeded", "rolled_back", "refused")
    return result


@contextlib.contextmanager
def sudoers(host: Host, text: str) -> t.Iterator[None]:
    """Let the user who connects do what this line says, or nothing."""
    kept = host.read(SUDOERS)
    host.write(SUDOERS, text, mode=0o440)
    try:
        yield
    finally:
        host.write(SUDOERS, kept, mode=0o440)


@contextlib.contextmanager
def wants_password(host: Host) -> t.Iterator[None]:
    """Have the server ask everybody for a password, its own user too."""
    path = host.run("ls /etc/postgresql/*/main/pg_hba.conf").stdout.strip()
    kept = host.read(path)
    host.write(path, "local all all scram-sha-256\nhost all all all scram-sha-256\n")
    host.run("systemctl reload 'postgresql@*'")
    try:
        yield
    finally:
        host.write(path, kept, mode=0o640, owner="postgres")
        host.run("systemctl reload 'postgresql@*'")


@contextlib.contextmanager
def missing(host: Host, path: str) -> t.Iterator[None]:
    """Take a program away for a while."""
    name = shlex.quote(path)
    host.inside(f"mv {name} {name}.away")
    try:
        yield
    finally:
        host.inside(f"mv {name}.away {name}")


@contextlib.contextmanager
def full_run(host: Host) -> t.Iterator[None]:
    """Fill the file system of /run, up to what people need to log in."""
    host.inside("head -c 2M /dev/zero >/run/.left; cat /dev/zero >/run/.filled 2>/dev/null; rm /run/.left")
    try:
        yield
    finally:
        host.inside("rm -f /run/.filled")


@contextlib.contextmanager
def present(host: Host, path: str, text: str) -> t.Iterator[None]:
    """Have a file for a while."""
    host.write(path, text)
    try:
        yield
    finally:
        host.inside(f"rm -f {shlex.quote(path)}")
