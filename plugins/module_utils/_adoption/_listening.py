# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running service listens on, by /proc. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import socket
import struct
import typing as t

LISTEN_TCP = "0A"
LISTENING_UNIX = 0x00010000


@dataclasses.dataclass(frozen=True)
class Listening:
    """One place where a process accepts connections: an address and port, or the path of a unix socket."""

    address: str = ""
    port: int = 0
    path: str = ""

    @property
    def wide(self) -> bool:
        """Whether other hosts reach it."""
        return bool(self.port) and not (self.address.startswith("127.") or self.address == "::1")

    @property
    def connect(self) -> str:
        """How a client of this host reaches it: HOST:PORT, or the path."""
        if self.path:
            return self.path
        host = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(self.address, self.address)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def __str__(self) -> str:
        return self.path or f"{self.address}:{self.port}"


def parse_tcp(text: str) -> dict[str, Listening]:
    """Inode -> where it listens, from /proc/net/tcp or tcp6. Pure."""
    found = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN_TCP:
            address, _colon, port = fields[1].partition(":")
            found[fields[9]] = Listening(_address(address), int(port, 16))
    return found


def _address(text: str) -> str:
    """The kernel writes addresses as native 32-bit words in hexadecimal."""
    packed = b"".join(struct.pack("=I", int(text[i : i + 8], 16)) for i in range(0, len(text), 8))
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def parse_unix(text: str) -> dict[str, Listening]:
    """Inode -> where it listens, from /proc/net/unix; only sockets with a path in the file system. Pure."""
    found = {}
    for line in text.splitlines()[1:]:
        fields = line.split(None, 7)
        if len(fields) == 8 and fields[7].startswith("/") and int(fields[3], 16) & LISTENING_UNIX:
            found[fields[6]] = Listening(path=fields[7])
    return found


def sockets_of(pids: t.Iterable[int]) -> set[str]:
    """The inodes of the sockets that some processes hold, as far as this user may see them."""
    inodes = set()
    for pid in pids:
        folder = f"/proc/{pid}/fd"
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                with contextlib.suppress(OSError):
                    match = re.match(r"socket:\[(\d+)\]", os.readlink(os.path.join(folder, name)))
                    if match:
                        inodes.add(match.group(1))
    return inodes


def listening(pids: t.Iterable[int]) -> list[Listening]:
    """Where some processes accept connections: ports first, each once."""
    held = sockets_of(pids)
    found: list[Listening] = []
    for name, parse in (("tcp", parse_tcp), ("tcp6", parse_tcp), ("unix", parse_unix)):
        with contextlib.suppress(OSError):
            with open(f"/proc/net/{name}", encoding="utf-8", errors="replace") as file:
                table = parse(file.read())
            found += [place for inode, place in table.items() if inode in held and place not in found]
    return found
