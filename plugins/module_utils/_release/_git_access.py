# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How git gets in: keys, passwords and settings through private files and the environment. Target; PRIVATE."""

from __future__ import annotations

import dataclasses
import os
import shlex
import typing as t
from urllib.parse import urlsplit

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import (
    split_credentials,
    strip_credentials,
)

# Answers only for the host that the password belongs to: a submodule elsewhere must not learn it.
_ASKPASS = """#!/bin/sh
case "$1" in
  Username*"//$DEPLOY_GIT_HOST'"*) printf '%s\\n' "$DEPLOY_GIT_USER" ;;
  Password*"//$DEPLOY_GIT_HOST'"* | Password*"@$DEPLOY_GIT_HOST'"*) printf '%s\\n' "$DEPLOY_GIT_PASSWORD" ;;
  *) exit 1 ;;
esac
"""

#: Settings of the user's own git that would change what a release holds, or keep a password on disk.
SETTINGS = ("credential.helper=", "core.autocrlf=false", "core.hooksPath=/dev/null", "gc.auto=0")
NO_LFS = ("filter.lfs.smudge=", "filter.lfs.process=", "filter.lfs.required=false")


@dataclasses.dataclass(frozen=True)
class GitAccess:
    """key: private key as text; key_file: one that lies on the target; known_hosts: strict or accept-new."""

    key: str = ""
    key_file: str = ""
    known_hosts: str = "strict"


def check_repository(repository: str) -> None:
    """Refuse addresses that git would take for something else. Raises DeployError."""
    if repository.startswith("-") or "::" in repository.split("/")[0]:
        raise DeployError(f"repository is {strip_credentials(repository)!r}; give a URL, user@host:path or a path")
    if is_local(repository) and not repository.startswith(("/", "file:///")):
        raise DeployError(f"repository is {repository!r}; a repository on the target itself needs its absolute path")


def is_local(repository: str) -> bool:
    return repository.startswith("file://") or ("://" not in repository and ":" not in repository.split("/")[0])


def git_environment(access: GitAccess, repository: str, private: str, known_hosts_file: str) -> dict[str, str]:
    """The environment of every git process. `private` is a directory of mode 0700 that lives as long as they do."""
    local = is_local(repository)
    environment = {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh" if local else "git:http:https:ssh",
        "GIT_HTTP_LOW_SPEED_LIMIT": "1",
        "GIT_HTTP_LOW_SPEED_TIME": "60",
        "GIT_SSH_COMMAND": _ssh_command(access, private, known_hosts_file),
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    if local:
        environment["GIT_CONFIG_GLOBAL"] = _trusting_config(repository, private)
    url, user, password = split_credentials(repository)
    if user or password:
        environment["GIT_ASKPASS"] = _private_file(os.path.join(private, "askpass"), _ASKPASS, 0o700)
        environment["DEPLOY_GIT_HOST"] = urlsplit(url).netloc
        environment["DEPLOY_GIT_USER"] = user
        environment["DEPLOY_GIT_PASSWORD"] = password
    return environment


def _ssh_command(access: GitAccess, private: str, known_hosts_file: str) -> str:
    # ssh writes a key that it accepts into the first file, and reads them all.
    own = os.path.expanduser("~/.ssh/known_hosts")
    checking = "accept-new" if access.known_hosts == "accept-new" else "yes"
    command = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=20"]
    command += ["-o", f"StrictHostKeyChecking={checking}"]
    command += ["-o", f'UserKnownHostsFile="{known_hosts_file}" "{own}"']
    key_file = access.key_file
    if access.key:
        text = access.key.replace("\r\n", "\n").strip() + "\n"
        key_file = _private_file(os.path.join(private, "key"), text, 0o600)
    elif key_file and not os.access(key_file, os.R_OK):
        raise DeployError(f"key_file is {key_file}, which does not exist on the target or cannot be read by this user")
    if key_file:
        command += ["-i", key_file, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
    return " ".join(shlex.quote(word) for word in command)


def _trusting_config(repository: str, private: str) -> str:
    """Settings under which git reads a local repository of another user, which the option named deliberately."""
    path = repository[len("file://") :] if repository.startswith("file://") else repository
    own = os.path.expanduser("~/.gitconfig")
    text = f'[include]\n\tpath = "{own}"\n[safe]\n'
    text += "".join(
        f'\tdirectory = "{name}"\n' for name in (path, os.path.join(path, ".git"), path.rstrip("/") + ".git")
    )
    return _private_file(os.path.join(private, "gitconfig"), text, 0o600)


def _private_file(path: str, text: str, mode: int) -> str:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def reason_of(stderr: str, secrets: t.Sequence[str] = ()) -> str:
    """git's own reason out of what it printed, on one line and without credentials."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("hint:", "warning:", "Cloning", "remote: Enum", "From "))]
    marks = ("fatal:", "error:", "remote:", "ssh:", "Host key", "Permission denied", "Load key", "Offending")
    marked = [line for line in telling if line.startswith(marks) or "Permission denied" in line or "No ECDSA" in line]
    # After ssh has said why, git only adds that it could not read.
    said = [line for line in marked if "Could not read from remote repository" not in line] or marked
    text = "; ".join(dict.fromkeys(line.rstrip(".") for line in said[-4:] or telling[-2:])) or "git gave no reason"
    for secret in secrets:
        if secret:
            text = text.replace(secret, "********")
    return strip_credentials(text)


def advice_for(reason: str) -> str:
    """What to do about a reason, as the end of the message."""
    if "Offending" in reason or "has changed" in reason:
        return (
            "; this is not the host that was trusted before: ask who runs it, "
            "and when its new key is right, remove the line that is named from known_hosts on the target"
        )
    if "Host key verification failed" in reason:
        return (
            "; add the host's key to ~/.ssh/known_hosts on the target, "
            "or set known_hosts=accept-new to trust it at first sight"
        )
    if "Permission denied" in reason or "Load key" in reason or "publickey" in reason:
        return "; give a deploy key that the repository accepts, without a passphrase, with key or key_file"
    if "could not read Username" in reason or "Authentication failed" in reason or "could not read Password" in reason:
        return "; give a user and an access token in the repository's URL, or use ssh with key"
    if "dubious ownership" in reason:
        return "; the repository on the target belongs to another user: give it to the deploying user"
    if "No space left" in reason or "unable to write" in reason:
        return "; mostly the disk is full: 'df -h' and 'df -i' on the target show it, make room and deploy again"
    return "; check the address, and that the target can reach it"
