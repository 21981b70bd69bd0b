# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the modes on the way to a socket let nginx through."""

from __future__ import annotations

import errno
import stat

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._processes import Worker
from ansible_collections.seamless.deploy.plugins.module_utils._service import _visitor

WWW = 33
ROOT = _visitor.Seen("/", stat.S_IFDIR | 0o755, 0, 0)


def chain(directory, socket, owner=1000, group=1000):
    return [
        ROOT,
        _visitor.Seen("/run/shop", stat.S_IFDIR | directory, owner, group),
        _visitor.Seen("/run/shop/web.sock", stat.S_IFSOCK | socket, owner, group),
    ]


@pytest.mark.parametrize(
    ("directory", "socket", "group", "blocked"),
    [
        (0o755, 0o777, 1000, ""),
        (0o2750, 0o777, WWW, ""),
        (0o2750, 0o777, 1000, "/run/shop"),
        (0o700, 0o777, WWW, "/run/shop"),
        # A server that minds the umask: 0022 shuts nginx out, 0002 does not.
        (0o2750, 0o755, WWW, "/run/shop/web.sock"),
        (0o2750, 0o775, WWW, ""),
        (0o755, 0o660, 1000, "/run/shop/web.sock"),
    ],
)
def test_barrier(directory, socket, group, blocked):
    found = _visitor.barrier(chain(directory, socket, group=group), WWW, {WWW})
    assert (found.path if found else "") == blocked


def test_the_owner_s_bits_count_for_the_owner_alone():
    assert _visitor.barrier(chain(0o070, 0o777, owner=WWW, group=WWW), WWW, {WWW}).path == "/run/shop"
    assert _visitor.barrier(chain(0o000, 0o000), 0, {0}) is None


@pytest.mark.parametrize(
    ("number", "blocked", "enforces", "told"),
    [
        (errno.EACCES, chain(0o700, 0o777)[1], False, "Give that directory the group"),
        (errno.EACCES, chain(0o755, 0o755)[2], False, "UMask=0002"),
        (errno.EACCES, None, True, "SELinux enforces"),
        (errno.EACCES, None, False, "getfacl"),
        (errno.ENOENT, None, False, "PrivateTmp"),
    ],
)
def test_a_refusal_says_what_to_do(monkeypatch, number, blocked, enforces, told):
    monkeypatch.setattr(_visitor, "selinux_enforces", lambda: enforces)
    worker = Worker(1, 1, 54321, 54321, (), False)
    said = _visitor.explain("/run/shop/web.sock", number, worker, blocked)
    assert told in said and "54321" in said
