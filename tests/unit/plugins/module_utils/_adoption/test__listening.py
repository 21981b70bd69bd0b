# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where processes listen, out of the tables of the kernel."""

from __future__ import annotations

import os
import socket
import sys

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _listening
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = (
    HEAD
    + "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000 100 0 0 10 0\n"
    + "   1: 0100007F:1F40 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0000 20 4 30 10 -1\n"
    + "   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000 100 0 0 10 0\n"
)
TCP6 = (
    HEAD
    + "   0: 00000000000000000000000001000000:1F41 00000000000000000000000000000000:0000 0A 0:0 00:0 0  1000 0 4714 1 0 100 0 0 10 0\n"
)
UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000: 00000002 00000000 00010000 0001 01 4715 /run/a b.sock
0000: 00000003 00000000 00000000 0001 03 4716 /run/a b.sock
0000: 00000002 00000000 00010000 0001 01 4717 @abstract
"""

pytestmark = pytest.mark.skipif(
    sys.byteorder != "little", reason="the tables are written as a little-endian kernel does"
)


def test_tables_are_read() -> None:
    assert _listening.parse_tcp(TCP) == {"4711": Listening("127.0.0.1", 8000), "4713": Listening("0.0.0.0", 80)}
    assert _listening.parse_tcp(TCP6) == {"4714": Listening("::1", 8001)}
    assert _listening.parse_unix(UNIX) == {"4715": Listening(path="/run/a b.sock")}


@pytest.mark.parametrize(
    ("place", "connect", "wide"),
    [
        (Listening("127.0.0.1", 8000), "127.0.0.1:8000", False),
        (Listening("0.0.0.0", 8000), "127.0.0.1:8000", True),
        (Listening("::", 8000), "127.0.0.1:8000", True),
        (Listening("::1", 8000), "[::1]:8000", False),
        (Listening("10.0.0.7", 8000), "10.0.0.7:8000", True),
        (Listening(path="/run/a.sock"), "/run/a.sock", False),
    ],
)
def test_how_a_place_is_reached(place: Listening, connect: str, wide: bool) -> None:
    assert (place.connect, place.wide) == (connect, wide)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc of Linux")
def test_what_this_very_process_listens_on() -> None:
    server = socket.socket()
    try:
        server.bind(("127.0.0.1", 0))
        assert Listening("127.0.0.1", server.getsockname()[1]) not in _listening.listening([os.getpid()])
        server.listen(1)
        assert Listening("127.0.0.1", server.getsockname()[1]) in _listening.listening([os.getpid()])
    finally:
        server.close()
