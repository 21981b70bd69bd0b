# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose login ends the steps of a deploy (control node)."""

from __future__ import annotations

import os
import pwd

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _login

ME = pwd.getpwuid(os.geteuid()).pw_name
SESSION = f"9:name=systemd:/\n0::/user.slice/user-{os.geteuid()}.slice/session-12.scope\n"


@pytest.mark.parametrize(
    ("cgroups", "expected"),
    [
        ("0::/user.slice/user-1000.slice/session-3.scope\n", 1000),
        ("4:memory:/\n1:name=systemd:/user.slice/user-0.slice/session-c1.scope\n0::/\n", 0),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n", None),
        ("0::/system.slice/ssh.service\n", None),
        ("", None),
    ],
)
def test_whose_login_a_process_belongs_to(cgroups, expected):
    assert _login.user_of_session(cgroups) == expected


@pytest.mark.parametrize(
    ("answer", "user", "expected"),
    [
        ("b true\nas 0\nas 0\n", "deployer", True),
        ("b true\nas 0\nas 0\n", "root", False),
        ('b true\nas 1 "deployer"\nas 0\n', "deployer", False),
        ('b true\nas 1 "other"\nas 0\n', "root", True),
        ("b false\nas 0\nas 0\n", "deployer", False),
        ('b false\nas 0\nas 2 "other" "deployer"\n', "deployer", True),
        ('b true\nas 0\nas 1 "other"\n', "deployer", False),
        ("", "deployer", False),
    ],
)
def test_whose_processes_logind_ends(answer, user, expected):
    assert _login.ends(answer, user) is expected


def said(tmp_path, cgroups, rc=0, answer='b true\nas 1 "nobody"\nas 0\n'):
    def run(argv, **_more):
        if rc < 0:
            raise FileNotFoundError(argv[0])
        return rc, answer, ""

    path = tmp_path / "cgroup"
    if cgroups:
        path.write_text(cgroups)
    return _login.warning(run, str(path))


def test_it_is_said_with_the_user_and_the_way_out(tmp_path):
    told = said(tmp_path, SESSION)
    assert f"this deploy has logged in as {ME}" in told and f"name {ME} in KillExcludeUsers" in told


def test_nothing_is_said_where_nobody_knows(tmp_path):
    assert said(tmp_path, "") == said(tmp_path, "0::/system.slice/x.service\n") == ""
    assert (
        said(tmp_path, SESSION, rc=1) == said(tmp_path, SESSION, rc=-1) == said(tmp_path, SESSION, answer="b 'x") == ""
    )
