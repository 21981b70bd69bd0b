# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of pip and uv, their environments and errors; runs where pytest runs."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._release import _commands as commands


def test_commands_of_pip() -> None:
    assert commands.create_venv("pip", "/p", "/v") == ["/p", "-m", "venv", "/v"]
    assert commands.install_requirements("pip", "/v", ["a", "b"], "/w") == (
        "/v/bin/python -m pip install --no-input --no-index --find-links /w -r a -r b".split()
    )
    assert commands.install_project("pip", "/v", "/d", "")[-2:] == ["--no-input", "/d"]


def test_commands_of_uv() -> None:
    assert commands.create_venv("uv", "/p", "/v", "/u") == "/u venv --no-project --no-config --python /p /v".split()
    assert commands.install_requirements("uv", "/v", ["a"], "") == "uv pip install --python /v/bin/python -r a".split()
    assert commands.sync_lock("uv", "/p", False)[-1] == "--no-install-project"
    assert commands.sync_lock("uv", "/p", True)[-1] == "--no-editable"
    assert commands.export_lock("uv", "/o", False)[-1] == "--no-emit-project"


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_netrc_file_keeps_the_password_out_of_the_environment(installer: str) -> None:
    url = "https://u:secret@h/simple"
    found = commands.installer_environment(installer, "/v", "/c", url, "/n", {})
    assert found["NETRC"] == "/n" and "https://h/simple" in found.values()
    assert not [value for value in found.values() if "secret" in value]
    assert url in commands.installer_environment(installer, "/v", "/c", url, "", {}).values()


def test_a_cache_that_the_user_chose_stays() -> None:
    assert commands.installer_environment("pip", "/v", "/c", "", "", {"PIP_CACHE_DIR": "/x"})["PIP_CACHE_DIR"] == "/x"
    assert commands.installer_environment("uv", "/v", "/c", "", "", {})["UV_CACHE_DIR"] == "/c/uv"


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("https://u:p@h:8443/simple", "machine h login u password p\n"),
        ("https://u:p%24x@h/simple", "machine h login u password p$x\n"),
        ("https://token@h/simple", ""),
        ("https://u:a%20b@h/simple", ""),
        ("https://u:a%22b@h/simple", ""),
        ("https://h/simple", ""),
        ("", ""),
    ],
)
def test_netrc_line(url: str, line: str) -> None:
    assert commands.netrc_line(url) == line


PIP = """
WARNING: something
ERROR: Could not find a version that satisfies the requirement x==9 (from versions: none)
ERROR: No matching distribution found for x==9
"""
BUILD = """
  error: subprocess-exited-with-error
      Error: pg_config executable not found.
      Please add the directory containing it
ERROR: Failed to build 'psycopg2' when getting requirements to build wheel
"""
UV = """
Using Python 3.11.7
  × No solution found when resolving dependencies:
  ╰─▶ Because x was not found in https://u:hidden@h/simple and you
      require x, no
"""


@pytest.mark.parametrize(
    ("err", "wanted", "absent"),
    [
        (PIP, "No matching distribution found for x==9", "WARNING"),
        (BUILD, "Error: pg_config executable not found.", "subprocess-exited"),
        (UV, "Because x was not found in https://h/simple and you require x", "hidden"),
        ("Segmentation fault", "Segmentation fault", "x"),
        ("", "it printed nothing", "x"),
        ("ERROR: no pa55", "no ********", "pa55"),
    ],
)
def test_error_of(err: str, wanted: str, absent: str) -> None:
    found = commands.error_of("", err, ["pa55"])
    assert wanted in found and absent not in found and "\n" not in found
