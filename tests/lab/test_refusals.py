# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot work is refused over SSH before anything is touched; the other cases are long ones (control node)."""

from __future__ import annotations

import pathlib
import subprocess

import pytest

from tests.lab.refused import expect_one_reason, full_run, refused, sudoers, wants_password
from tests.lab.stage import LENT, LabStage

# A connection that is kept open would not ask for the host's key again.
ANEW = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no"}


@pytest.fixture(scope="module")
def stage(one_host: LabStage) -> LabStage:
    """Give one host that has everything."""
    return one_host


def strange_key(stage: LabStage, base: pathlib.Path) -> str:
    """Know another key for the host than it has, and give the arguments with which ssh looks there."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(base / "other")], check=True)
    public = " ".join((base / "other.pub").read_text().split()[:2])
    (base / "known_hosts").write_text(f"{stage.hosts['app1'].address} {public}\n")
    return f"-F none -o StrictHostKeyChecking=yes -o UserKnownHostsFile={base / 'known_hosts'}"


def serve(stage: LabStage) -> None:
    """Have a release serve, whichever it is."""
    if not stage.serving():
        stage.live(1)


def test_a_first_deploy_by_somebody_without_sudo_leaves_nothing(stage: LabStage) -> None:
    host, path = stage.hosts["app1"], "/srv/another"
    with sudoers(host, "# nothing\n"):
        result = stage.run("deploy.yml", 1, deploy_app="another", deploy_path=path)
    expect_one_reason(
        result, ["Nothing was touched", "deployer on app1 cannot become root by sudo", "visudo", "deploy_user"]
    )
    assert host.run(f"test -e {path}", check=False).returncode != 0


def test_sudo_that_wants_a_password_is_refused_while_a_release_serves(stage: LabStage) -> None:
    serve(stage)
    fault = sudoers(stage.hosts["app1"], "deployer ALL=(ALL) ALL\n")
    refused(stage, ["deployer on app1 cannot become root by sudo", "NOPASSWD", "ansible_become_password"], fault=fault)


def test_sudo_to_root_alone_is_refused_with_the_other_user(stage: LabStage) -> None:
    serve(stage)
    fault = sudoers(stage.hosts["app1"], "deployer ALL=(root) NOPASSWD: ALL\n")
    refused(stage, ["Nothing was touched", "deployer on app1 cannot become shop by sudo", "deploy_user"], fault=fault)


def test_an_administrator_whom_nobody_may_become_is_refused(stage: LabStage) -> None:
    serve(stage)
    fault = sudoers(stage.hosts["app1"], "deployer ALL=(root,shop) NOPASSWD: ALL\n")
    words = [
        "Nothing was touched",
        "deployer on app1 cannot become postgres by sudo",
        "correct deploy_database_admin_user",
    ]
    refused(stage, words, fault=fault, **LENT)


@pytest.mark.long
def test_a_server_that_does_not_let_its_administrator_in_is_refused(stage: LabStage) -> None:
    serve(stage)
    words = ["does not let the operating system's user postgres in", "wants a password", "'local all postgres peer'"]
    refused(stage, words, fault=wants_password(stage.hosts["app1"]), **LENT)


def test_a_host_whose_key_has_changed_is_named_with_what_ssh_says(stage: LabStage, tmp_path: pathlib.Path) -> None:
    serve(stage)
    refused(
        stage,
        ["Nothing was touched", "app1 does not answer", "Host key verification failed"],
        env=ANEW,
        ansible_ssh_common_args=strange_key(stage, tmp_path),
    )


@pytest.mark.long
def test_a_full_run_is_found_before_the_migrations(stage: LabStage) -> None:
    serve(stage)
    fault = full_run(stage.hosts["app1"])
    refused(stage, ["no room in /run/systemd", "16 MiB", "make room"], fault=fault)
