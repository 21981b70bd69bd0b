# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections counted from the table of unix sockets."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._service import _drain

TABLE = """\
Num       RefCount Protocol Flags    Type St Inode Path
00000000f34be783: 00000002 00000000 00010000 0001 01 27269 /run/a b.sock
0000000092645df0: 00000003 00000000 00000000 0001 02     0 /run/a b.sock
000000003721fd29: 00000003 00000000 00000000 0001 03 27273 /run/a b.sock
000000004ed699fc: 00000003 00000000 00000000 0001 02     0 /run/a b.sock
000000004ed699fd: 00000003 00000000 00000000 0001 03 27270
000000004ed699fe: 00000003 00000000 00000000 0001 03 27274 /run/other.sock
000000004ed699ff: 00000002 00000000 00010000 0001 01 27275 @abstract
"""


def test_count_sees_queue_and_connections_of_one_path_only():
    entries = _drain.parse_table(TABLE)
    assert _drain.count(entries, {"/run/a b.sock"}) == _drain.Connections(True, 2, 1)
    assert _drain.count(entries, {"/run/other.sock"}) == _drain.Connections(False, 0, 1)
    assert _drain.count(entries, {"/run/none.sock"}).open == 0


@pytest.mark.parametrize(
    ("looks", "drained"), [([], False), ([0], False), ([0, 0], True), ([0, 1, 0], False), ([3, 0, 0], True)]
)
def test_one_look_is_not_enough(looks, drained):
    assert _drain.is_drained(looks) is drained


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="/proc/net/unix is of Linux")
def test_look_at_this_kernel(tmp_path):
    path = str(tmp_path / "s.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(5)
        with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
            one.connect(path)
            two.connect(path)
            accepted = listener.accept()[0]
            assert _drain.look(path) == _drain.Connections(True, 1, 1)
            report = _drain.drain(path, 0.0)
            assert (report.open_connections, report.closed_at_limit, report.seen) == (2, 2, True)
            accepted.close()
        listener.accept()[0].close()
        report = _drain.drain(path, 5.0)
        assert (report.closed_at_limit, report.seen) == (0, True)


def test_drain_says_when_connections_cannot_be_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(_drain, "TABLE", str(tmp_path / "none"))
    assert _drain.drain(str(tmp_path / "s.sock"), 0.0).seen is False
