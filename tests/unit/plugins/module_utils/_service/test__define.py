# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which definitions are believed, and which places are a unit's."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _define


def found(mode: int, user: int) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, user, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "user", "said"),
    [
        (stat.S_IFREG | 0o644, 0, ""),
        (stat.S_IFREG | 0o644, 1000, "belongs to user 1000"),
        (stat.S_IFREG | 0o664, 0, "by others"),
        (stat.S_IFREG | 0o646, 0, "by others"),
        (stat.S_IFREG | 0o600, 0, "private"),
        (stat.S_IFIFO | 0o644, 0, "no regular file"),
    ],
)
def test_only_what_the_definer_wrote_is_believed(mode, user, said):
    problem = _define.distrust(found(mode, user), 0)
    assert bool(problem) == bool(said) and said in problem


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"definition": "/etc/s/web.service", "entrance": "/run/web.sock"}, ""),
        ({"definition": "/etc/s/../cron.d/web.service"}, "no file that the service manager reads"),
        ({"definition": "/etc/cron.d/web"}, "no file that the service manager reads"),
        ({"entrance": "/etc/s/web.service"}, "ends in .sock"),
        ({"entrance": "/etc/nginx/seamless/web.conf", "entrance_kind": "upstream"}, ""),
        ({}, ""),
    ],
)
def test_places(record, said):
    def check() -> None:
        _define.check([{"name": "web", **record}], lambda path: os.path.dirname(path) == "/etc/s")

    if said:
        with pytest.raises(DeployError, match=said):
            check()
    else:
        check()
