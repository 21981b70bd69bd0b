# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of this process's user; runs where pytest runs."""

from __future__ import annotations

import os
import pwd

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name


def test_the_environment_does_not_decide(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    known = [entry.pw_name for entry in pwd.getpwall() if entry.pw_uid == os.geteuid()]
    assert user_name() in (known or [str(os.geteuid())])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_number_without_a_name():
    os.seteuid(54321)
    try:
        assert user_name() == "54321"
    finally:
        os.seteuid(0)
