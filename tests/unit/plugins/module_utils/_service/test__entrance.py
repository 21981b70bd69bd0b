# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The link that is the entrance."""

from __future__ import annotations

import os
import socket

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _entrance
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit


@pytest.fixture
def entrance(tmp_path):
    return _entrance.LinkEntrance(str(tmp_path / "web.sock"), None)


def test_switch_tells_where_it_led_before(entrance, tmp_path):
    assert entrance.switch(Unit("one", "web", str(tmp_path / "1.sock"))) == ""
    assert os.readlink(entrance.path) == "1.sock"
    assert entrance.switch(Unit("two", "web", "/elsewhere/2.sock")) == str(tmp_path / "1.sock")
    assert os.readlink(entrance.path) == "/elsewhere/2.sock"
    assert entrance.leads_to("/elsewhere/2.sock") and not entrance.leads_to("")
    entrance.point("")
    assert entrance.target() == "" and os.listdir(str(tmp_path)) == []


def test_a_switch_that_fails_leaves_nothing_behind(entrance, tmp_path):
    os.mkdir(entrance.path)
    with pytest.raises(DeployError, match="cannot be switched"):
        entrance.switch(Unit("one", "web", str(tmp_path / "1.sock")))
    assert os.listdir(str(tmp_path)) == ["web.sock"]


def test_check_refuses_what_is_no_link(entrance):
    entrance.check()
    with open(entrance.path, "w"):
        pass
    with pytest.raises(DeployError, match="a file or directory itself"):
        entrance.check()


def test_check_refuses_a_directory_that_anybody_may_write(entrance, tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(DeployError, match="chmod o-w"):
        entrance.check()
    tmp_path.chmod(0o1777)
    entrance.check()


def test_the_longest_path_is_the_kernel_s(tmp_path):
    good = "/" + "é" * 53
    _entrance.check_length("socket", good)
    with pytest.raises(DeployError, match="108 bytes"):
        _entrance.check_length("socket", good + "x")
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(OSError):
        probe.connect(good + "x" * 2)
