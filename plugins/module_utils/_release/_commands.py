# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and environments that fill a virtual environment, and their errors in one line. Pure; target; PRIVATE."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import (
    split_credentials,
    strip_credentials,
)

#: What a user's own settings must not change in a release's virtual environment.
_CLEAN = {"PYTHONPATH": "", "PYTHONHOME": "", "PYTHONNOUSERSITE": "1", "VIRTUAL_ENV": ""}

_NETRC_SAFE = re.compile(r"[A-Za-z0-9._~!$%&*+,:;=?@^/-]+\Z")


def create_venv(installer: str, python: str, venv: str, uv: str = "uv") -> list[str]:
    if installer == "uv":
        return [uv, "venv", "--no-project", "--no-config", "--python", python, venv]
    return [python, "-m", "venv", venv]


def install_requirements(
    installer: str, venv: str, files: t.Sequence[str], wheelhouse: str, uv: str = "uv", exact: bool = False
) -> list[str]:
    """The command that installs requirement files. exact: all of them are named, nothing more is looked for."""
    command = _install(installer, venv, wheelhouse, uv)
    command += ["--no-deps"] if exact else []
    return command + [word for file in files for word in ("-r", file)]


def install_project(installer: str, venv: str, directory: str, wheelhouse: str, uv: str = "uv") -> list[str]:
    return [*_install(installer, venv, wheelhouse, uv), directory]


def _install(installer: str, venv: str, wheelhouse: str, uv: str) -> list[str]:
    python = f"{venv}/bin/python"
    if installer == "uv":
        command = [uv, "pip", "install", "--python", python]
    else:
        command = [python, "-m", "pip", "install", "--no-input"]
    return command + (["--no-index", "--find-links", wheelhouse] if wheelhouse else [])


def sync_lock(uv: str, python: str, project: bool) -> list[str]:
    command = [uv, "sync", "--frozen", "--no-dev", "--python", python]
    return [*command, "--no-editable"] if project else [*command, "--no-install-project"]


def export_lock(uv: str, output: str, project: bool) -> list[str]:
    command = [uv, "export", "--quiet", "--frozen", "--no-dev", "--format", "requirements-txt", "-o", output]
    return [*command, "--no-editable"] if project else [*command, "--no-emit-project"]


def installer_environment(
    installer: str, venv: str, cache: str, index_url: str, netrc: str, given: t.Mapping[str, str]
) -> dict[str, str]:
    """The environment of pip or uv. netrc: the file with the index's password, or "" to leave it in the URL.

    pip hands its index on to the pip of a build as an argument, which every user can see; a netrc file it does not.
    """
    environment = dict(_CLEAN)
    index = split_credentials(index_url)[0] if netrc else index_url
    if netrc:
        environment["NETRC"] = netrc
    if installer == "uv":
        environment.update(UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1", UV_PROJECT_ENVIRONMENT=venv)
        # As pip does: a release is not written to later, so each process would compile everything again.
        environment["UV_COMPILE_BYTECODE"] = "1"
        environment["UV_CACHE_DIR"] = given.get("UV_CACHE_DIR") or f"{cache}/uv"
        if index:
            environment.update(UV_DEFAULT_INDEX=index, UV_INDEX_URL=index)
    else:
        environment.update(
            PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0"
        )
        environment["PIP_CACHE_DIR"] = given.get("PIP_CACHE_DIR") or f"{cache}/pip"
        if index:
            environment["PIP_INDEX_URL"] = index
    return environment


def netrc_line(index_url: str) -> str:
    """The netrc entry for an index, or "" when it has no password or one that netrc files cannot hold alike."""
    url, user, password = split_credentials(index_url)
    host = re.sub(r"^https?://|[:/].*$", "", url, flags=re.IGNORECASE)
    if host and _NETRC_SAFE.match(user) and _NETRC_SAFE.match(password):
        return f"machine {host} login {user} password {password}\n"
    return ""


def error_of(stdout: str, stderr: str, secrets: t.Sequence[str] = ()) -> str:
    """The installer's own last words, without credentials."""
    lines = [line.strip() for line in stderr.splitlines() + stdout.splitlines() if line.strip()]
    marked = [line for line in lines if re.match(r"ERROR|[A-Za-z.]*Error: |.*\bfatal error: ", line)]
    if not marked:  # uv says "error:" or draws a tree below a cross, and tells the cause in the lines after it
        first = next((number for number, line in enumerate(lines) if re.match(r"error|×", line)), len(lines))
        marked = [line.lstrip("×╰─▶├│ ") for line in lines[first : first + 8]]
    text = " ".join(dict.fromkeys(marked[-8:] or lines[-3:])) or "it printed nothing"
    return hidden(text, secrets)[:1500]


def hidden(text: str, secrets: t.Sequence[str]) -> str:
    """The text without secrets, and without the user and password of any URL."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "********")
    return strip_credentials(text)
