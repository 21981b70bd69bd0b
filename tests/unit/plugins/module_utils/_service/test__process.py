# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release a process belongs to, and which processes belong together."""

from __future__ import annotations

import os

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._service import _process
from ansible_collections.seamless.deploy.plugins.module_utils._service._process import ProcessFacts, Stat

VENV = "/srv/shop/releases/2/.venv"


@pytest.mark.parametrize(
    ("facts", "right"),
    [
        (ProcessFacts(1, argv=[VENV + "/bin/python", VENV + "/bin/gunicorn"]), True),
        (ProcessFacts(1, argv=["gunicorn: master"], mapped=[VENV + "/lib/python3.11/site-packages/x.so"]), True),
        (ProcessFacts(1, argv=["python"], virtual_env=VENV), True),
        (ProcessFacts(1, argv=["python"], virtual_env="/srv/shop/releases/1/.venv"), False),
        (ProcessFacts(1, argv=["/usr/bin/python3", "manage.py"], virtual_env=VENV), False),
        (ProcessFacts(1, argv=["/srv/shop/releases/22/.venv/bin/python"]), False),
        (ProcessFacts(1, argv=["gunicorn"], mapped=["/opt/venv/lib/python3/site-packages/x.so"]), False),
        (ProcessFacts(1, argv=["gunicorn: master"], mapped=["/usr/lib/libc.so.6"]), None),
        (ProcessFacts(1), None),
    ],
)
def test_runs_interpreter(facts, right):
    assert _process.runs_interpreter(facts, [VENV]) is right


@pytest.mark.parametrize(
    ("cwd", "inside"),
    [("/srv/a", True), ("/srv/a/project", True), ("/srv/ab", False), ("/srv", False), (None, None)],
)
def test_runs_inside(cwd, inside):
    assert _process.runs_inside(ProcessFacts(1, cwd), "/srv/a") is inside


def test_parse_stat_survives_any_name():
    line = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2"
    assert _process.parse_stat(line) == Stat(42, "S", 7, 42, 42, 98765)
    assert _process.parse_stat("42 (short) S 1") is None


def test_family_holds_descendants_group_and_session_but_no_zombies():
    stats = [
        Stat(10, "S", 1, 10, 1, 100),
        Stat(11, "S", 10, 10, 1, 101),
        Stat(12, "S", 11, 12, 12, 102),  # a grandchild in a session of its own
        Stat(13, "S", 1, 10, 1, 103),  # its parent has ended, its group stayed
        Stat(14, "Z", 10, 10, 1, 104),
        Stat(20, "S", 1, 20, 1, 105),
    ]
    assert sorted(_process.family_of(10, stats)) == [10, 11, 12, 13]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_survivors_know_a_reused_number():
    members = _process.family(os.getpid())
    assert os.getpid() in _process.survivors(members)
    assert _process.survivors({os.getpid(): members[os.getpid()] + 1}) == []


def test_venv_of_keeps_the_name_of_the_environment(tmp_path):
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    (tmp_path / "link").symlink_to("venv")
    assert _process.venv_of(str(tmp_path / "link" / "bin" / "python")) == [
        str(tmp_path / "link"),
        os.path.realpath(str(tmp_path / "venv")),
    ]
