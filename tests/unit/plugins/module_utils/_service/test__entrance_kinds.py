# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entrances that are files: what they say, and in which order systemd hears of it."""

from __future__ import annotations

import os

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import (
    _entrance,
    _entrance_activation,
    _entrance_upstream,
)
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit

ONE, TWO = Unit("shop-web-1", "web", "/run/shop/web.sock"), Unit("shop-web-2", "web", "/run/shop/web.sock")


class Systemctl:
    """Remembers what it was told, and what the drop-in said then; fails at `failing`."""

    def __init__(self, path, failing=""):
        self.path, self.failing, self.told = path, failing, []

    def __call__(self, argv, **_more):
        words = " ".join(word for word in argv[1:] if not word.startswith("--no-ask") and word != "--")
        said = ""
        if os.path.exists(self.path):
            with open(self.path) as file:
                said = _entrance_activation.target_in(file.read())
        self.told.append((words, said))
        return (1, "", "no") if self.failing and self.failing in words else (0, "", "")


class Manager:
    def __init__(self, told):
        self.told = told
        self.warnings = []

    def start(self, unit):
        self.told.append(f"start {unit.name}")

    def stop(self, unit, timeout):
        self.told.append(f"stop {unit.name}")


@pytest.fixture
def path(tmp_path):
    (tmp_path / "shop-web.socket").write_text("")
    return str(tmp_path / "shop-web.socket.d" / "release.conf")


def made(path, failing=""):
    run = Systemctl(path, failing)
    return _entrance_activation.ActivationEntrance(path, None, run), run


def test_the_socket_wakes_the_new_release_before_anything_is_stopped(path):
    entrance, run = made(path)
    entrance.check(ONE)
    assert entrance.switch(ONE) == "" and entrance.leads_to(ONE) and not entrance.leads_to(TWO)
    assert entrance.switch(TWO) == "shop-web-1.service" and entrance.leads_to(TWO)
    reload, open_it = ("daemon-reload", "shop-web-2.service"), ("enable --now shop-web.socket", "shop-web-2.service")
    assert run.told[-2:] == [reload, open_it]


def test_a_switch_that_systemd_refuses_is_taken_back(path):
    entrance, _run = made(path)
    entrance.switch(ONE)
    entrance, run = made(path, failing="enable")
    with pytest.raises(DeployError, match="enable --now"):
        entrance.switch(TWO)
    assert entrance.leads_to(ONE) and run.told[-1] == ("daemon-reload", "shop-web-1.service")


def test_without_a_release_the_socket_is_closed(path):
    entrance, run = made(path)
    entrance.switch(ONE)
    entrance.point("")
    assert entrance.target() == "" and not os.path.exists(path)
    assert ("disable --now shop-web.socket", "shop-web-1.service") in run.told


def test_only_the_release_behind_the_socket_opens_and_closes_it(path):
    entrance, run = made(path)
    entrance.switch(TWO)
    manager, before = entrance.manager(Manager(run.told)), len(run.told)
    manager.stop(ONE, 1)
    assert run.told[before:] == ["stop shop-web-1"]
    manager.stop(TWO, 1)
    manager.start(TWO)
    assert [told if isinstance(told, str) else told[0] for told in run.told[before + 1 :]] == [
        "disable --now shop-web.socket",
        "stop shop-web-2",
        "enable --now shop-web.socket",
        "start shop-web-2",
    ]
    assert manager.warnings == []


def test_a_socket_that_nobody_has_written_is_refused(tmp_path):
    entrance, _run = made(str(tmp_path / "shop-web.socket.d" / "release.conf"))
    with pytest.raises(DeployError, match="role entrance"):
        entrance.check(ONE)


@pytest.mark.parametrize("target", ["", "/run/shop/web-1.sock"])
def test_what_an_upstream_says_is_read_back(target):
    text = _entrance_upstream.text_for(target)
    assert _entrance_upstream.target_in(text) == target
    assert text.count("server ") == 1 and text.endswith(";\n")


def test_the_record_names_the_kind():
    def of(**record):
        return _entrance.entrance_of({"name": "x", "entrance": "/run/shop/web.sock", **record}, None, None)

    assert isinstance(of(), _entrance.LinkEntrance) and of().beside
    assert isinstance(of(entrance_kind="port"), _entrance.LinkEntrance)
    assert isinstance(of(entrance_kind="upstream"), _entrance_upstream.UpstreamEntrance)
    assert not of(entrance_kind="activation", entrance="/etc/systemd/system/a.socket.d/release.conf").beside
    with pytest.raises(DeployError, match="known: link"):
        of(entrance_kind="door")


def test_a_full_file_system_is_refused(monkeypatch, tmp_path):
    _entrance.check_room("deploy_socket_dir", str(tmp_path))

    class Full:
        f_blocks, f_bavail, f_files, f_favail = 10, 0, 10, 10

    monkeypatch.setattr(os, "statvfs", lambda path: Full)
    with pytest.raises(DeployError, match="no space left in"):
        _entrance.check_room("deploy_socket_dir", str(tmp_path))
    Full.f_bavail, Full.f_favail = 10, 0
    with pytest.raises(DeployError, match="no inodes left in"):
        _entrance.check_room("deploy_socket_dir", str(tmp_path))
    # Some file systems know no inodes.
    Full.f_files = 0
    _entrance.check_room("deploy_socket_dir", str(tmp_path))
