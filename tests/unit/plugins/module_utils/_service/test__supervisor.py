# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisord says of a dead process, in words."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._service import _supervisor

LOG = [
    "2026-11-21 09:00:00,000 WARN exited: shop-web-1 (exit status 1; not expected)",
    "2026-11-21 09:00:01,000 WARN exited: shop-web-2 (terminated by SIGKILL; not expected)",
    "2026-11-21 09:00:02,000 WARN exited: shop-web-1 (exit status 3; not expected)",
    "2026-11-21 09:00:03,000 WARN exited: shop-web-12 (exit status 9; not expected)",
]


@pytest.mark.parametrize(
    ("process", "reason"), [("shop-web-1", "exit status 3"), ("shop-web-2", "terminated by SIGKILL"), ("x", "")]
)
def test_exit_reason(process, reason):
    assert _supervisor.exit_reason(LOG, process) == reason


@pytest.mark.parametrize(
    ("info", "reason", "said"),
    [
        ({"statename": "BACKOFF", "spawnerr": "Exited too quickly"}, "exit status 3", "BACKOFF, exit status 3: Exited"),
        ({"statename": "EXITED", "exitstatus": 0, "description": "Nov 21"}, "", "EXITED, exit status 0: Nov 21"),
        ({"statename": "FATAL", "spawnerr": "can't find command"}, "", "FATAL: can't find command"),
    ],
)
def test_explain_dead(info, reason, said):
    assert said in _supervisor.explain_dead(info, reason)
