# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How git gets in, without a network; runs where pytest runs."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _git_access as git_access

Access = git_access.GitAccess


@pytest.mark.parametrize("repository", ["-upload-pack=x", "ext::sh -c x", "shop", "./shop", "../shop", "file://shop"])
def test_addresses_that_are_refused(repository: str) -> None:
    with pytest.raises(DeployError, match="repository is"):
        git_access.check_repository(repository)


@pytest.mark.parametrize("repository", ["https://h/x", "git@h:x", "ssh://git@h/x", "/srv/x", "file:///srv/x"])
def test_addresses_that_are_taken(repository: str) -> None:
    git_access.check_repository(repository)
    assert git_access.is_local(repository) is (repository.startswith(("/", "file")))


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (Access(), ["StrictHostKeyChecking=yes"]),
        (Access(known_hosts="accept-new"), ["StrictHostKeyChecking=accept-new", "BatchMode=yes"]),
        (Access(key_file="/dev/null"), ["/dev/null", "IdentitiesOnly=yes", 'UserKnownHostsFile="/k h" ']),
    ],
)
def test_ssh_command(access: Access, words: list, tmp_path: Path) -> None:
    command = git_access.git_environment(access, "git@h:x", str(tmp_path), "/k h")["GIT_SSH_COMMAND"]
    assert all(any(word in given for given in shlex.split(command)) for word in words)


def test_a_key_is_private_and_complete(tmp_path: Path) -> None:
    key = "-----BEGIN KEY-----\r\nabc\r\n-----END KEY-----"
    environment = git_access.git_environment(Access(key=key), "git@h:x", str(tmp_path), "/k")
    path = tmp_path / "key"
    assert path.read_text() == "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not [value for value in environment.values() if "BEGIN" in value]


def test_a_key_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="key_file is /no/such"):
        git_access.git_environment(Access(key_file="/no/such"), "git@h:x", str(tmp_path), "/k")


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Username for 'https://h:8443': ", "robot\n"),
        ("Password for 'https://robot@h:8443': ", "s3cret\n"),
        ("Password for 'https://robot@h:8443.evil': ", ""),
        ("Username for 'https://elsewhere': ", ""),
        ("Password for 'https://robot@elsewhere': ", ""),
    ],
)
def test_a_password_is_told_to_its_own_host_only(prompt: str, answer: str, tmp_path: Path) -> None:
    environment = git_access.git_environment(Access(), "https://robot:s3cret@h:8443/x", str(tmp_path), "/k")
    asked = [environment["GIT_ASKPASS"], prompt]
    done = subprocess.run(asked, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=False)
    assert done.stdout.decode() == answer
    assert "s3cret" not in (tmp_path / "askpass").read_text()


@pytest.mark.parametrize(
    ("stderr", "reason", "advice"),
    [
        (
            "Host key verification failed.\nfatal: Could not read from remote repository.\n\nPlease make sure\n",
            "Host key verification failed",
            "known_hosts=accept-new",
        ),
        (
            "@ WARNING @\nOffending ED25519 key in /srv/shop/.deploy/cache/known_hosts:1\n"
            "Host key for h has changed and you have requested strict checking.\nHost key verification failed.\n",
            "key in /srv/shop/.deploy/cache/known_hosts:1; Host key for h has changed",
            "remove the line that is named",
        ),
        ("git@h: Permission denied (publickey).\nfatal: Could not read\n", "Permission denied", "key or key_file"),
        ("fatal: Authentication failed for 'https://u:pw@h/x/'\n", "failed for 'https://h/x/'", "access token"),
        ("remote: Not found.\nfatal: repository 'https://h/x/' not found\n", "not found", "check the address"),
        ("error: unable to write file shop/urls.py\n", "unable to write file", "the disk is full"),
        ("", "git gave no reason", "check the address"),
    ],
)
def test_reasons_and_advice(stderr: str, reason: str, advice: str) -> None:
    found = git_access.reason_of(stderr, ["pw"])
    assert reason in found and "pw" not in found
    assert advice in git_access.advice_for(found)
