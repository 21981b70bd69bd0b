# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd says, in words, and the argv lists with which it is asked."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _systemd
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit, UnitStatus


def test_parse_show_keeps_equal_signs():
    assert _systemd.parse_show("A=1\nB=x=y\n\nnoise\n") == {"A": "1", "B": "x=y"}


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"ActiveState": "active", "SubState": "running"}, ""),
        ({"ActiveState": "activating", "SubState": "start"}, ""),
        ({"ActiveState": "inactive", "SubState": "dead", "Job": "12"}, ""),
        (
            {"ActiveState": "inactive", "SubState": "dead", "Result": "success", "ExecMainStatus": "0"},
            "inactive (dead)",
        ),
        (
            {
                "ActiveState": "failed",
                "SubState": "failed",
                "Result": "exit-code",
                "ExecMainCode": "1",
                "ExecMainStatus": "203",
            },
            "exit status 203: the program of its ExecStart is missing",
        ),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code", "ExecMainStatus": "3"},
            "auto-restart",
        ),
        (
            {
                "ActiveState": "failed",
                "SubState": "failed",
                "Result": "signal",
                "ExecMainCode": "2",
                "ExecMainStatus": "9",
            },
            "ended by signal 9",
        ),
    ],
)
def test_explain_failure(shown, said):
    text = _systemd.explain_failure(shown)
    assert said in text and bool(text) == bool(said)


@pytest.mark.parametrize(
    ("stderr", "scope", "said"),
    [
        ("System has not been booted with systemd as init system (PID 1).", "system", "use manager=supervisor"),
        ("Failed to connect to bus: No medium found", "user", "enable-linger"),
        ("Failed to stop x.service: Interactive authentication required.", "system", "become root"),
        ("Something else\nin two lines", "system", "Something else in two lines"),
        ("", "system", "exit status 4"),
    ],
)
def test_explain_systemctl(stderr, scope, said):
    assert said in _systemd.explain_systemctl(4, stderr, scope)


class Script:
    """Plays systemctl: answers `show` with one state, notes the rest."""

    def __init__(self, shown):
        self.shown = shown
        self.calls = []

    def __call__(self, argv, environ_update, handle_exceptions):
        if "show" in argv:
            return 0, "".join(f"{key}={value}\n" for key, value in self.shown.items()), ""
        self.calls.append(" ".join(argv))
        return 0, "", ""


def test_start_enables_before_it_starts():
    run = Script({"LoadState": "loaded", "NeedDaemonReload": "yes", "UnitFileState": "enabled"})
    _systemd.SystemdManager(run, "user").start(Unit("shop-web-1", "web"))
    assert run.calls == [
        "systemctl --user --no-ask-password daemon-reload",
        "systemctl --user --no-ask-password enable -- shop-web-1.service",
        "systemctl --user reset-failed -- shop-web-1.service",
        "systemctl --user --no-ask-password start --no-block -- shop-web-1.service",
    ]


@pytest.mark.parametrize(
    ("state", "said"), [("not-found", "is missing"), ("masked", "unmask"), ("bad-setting", "systemd-analyze verify")]
)
def test_a_unit_that_cannot_be_loaded(state, said):
    run = Script({"LoadState": state, "FragmentPath": "/etc/systemd/system/a.service"})
    with pytest.raises(DeployError, match=said):
        _systemd.SystemdManager(run, "system").start(Unit("a", "web"))
    assert run.calls == ["systemctl --no-ask-password daemon-reload"]


def test_status():
    run = Script(
        {
            "LoadState": "loaded",
            "ActiveState": "activating",
            "SubState": "auto-restart",
            "MainPID": "0",
            "UnitFileState": "disabled",
        }
    )
    status = _systemd.SystemdManager(run, "system").status(Unit("a", "web"))
    assert status == UnitStatus(True, False, 0, "activating (auto-restart)", False)


def test_a_host_without_systemd():
    def run(argv, environ_update, handle_exceptions):
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(DeployError, match="this host has no systemd; use manager=supervisor"):
        _systemd.SystemdManager(run, "system").status(Unit("a", "web"))


@pytest.mark.parametrize(("name", "full"), [("a", "a.service"), ("a.service", "a.service"), ("a.b", "a.b.service")])
def test_service(name, full):
    assert _systemd.service(name) == full


def test_many_units_have_systemd_read_its_files_once():
    run = Script({"LoadState": "loaded", "NeedDaemonReload": "no", "ActiveState": "inactive"})
    manager = _systemd.SystemdManager(run, "system")
    with manager.together():
        for name in ("a", "b"):
            manager.start(Unit(name, "web"))
        manager.forget(Unit("c", "web"))
    assert [call.split()[2:] for call in run.calls if "enable " in call] == [
        ["enable", "--no-reload", "--", f"{name}.service"] for name in ("a", "b")
    ]
    assert [call for call in run.calls if "daemon-reload" in call] == ["systemctl --no-ask-password daemon-reload"]
    assert "daemon-reload" in run.calls[-1]
