# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lends the way to a PostgreSQL server that one operating system's user has to another one. Target; PRIVATE to the collection.

A socket of its own, beside which the server's stays as it is: whoever comes must be the user it is lent to, and give the
password that only the deploy knows. It ends by itself: with the deploy, or when nobody came for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hmac
import os
import shutil
import socket
import struct
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _startup

#: Seconds between two looks at whether it is still wanted.
LOOK = 1.0
#: Seconds that a client may take to say who it is.
PATIENCE = 15.0
#: Seconds without a session after which it ends whatever the lock says: its deploy has died, and nobody came to recover it.
LONGEST = 24 * 3600.0


@dataclasses.dataclass(frozen=True)
class Loan:
    """server: path of the server's socket. path: of the socket to make. users: numbers of those it is lent to.

    lock: the file that is there as long as the deploy is; "" for none that can be seen. idle: seconds without a session
    after which it ends then.
    """

    server: str
    path: str
    password: str = dataclasses.field(repr=False)
    users: t.Tuple[int, ...] = ()
    lock: str = ""
    idle: float = 900.0


class Relay:
    """Lets in whom it is lent to, and carries what both sides say."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._sessions = 0
        self._quiet_since = time.monotonic()

    def listen(self) -> socket.socket:
        """A socket that everybody may knock at. Raises OSError."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(self._loan.path)
        os.chmod(self._loan.path, 0o666)
        listening.listen(64)
        return listening

    def run(self, listening: socket.socket) -> None:
        """Serve until it is not wanted any more; then nothing is left of it."""
        try:
            asyncio.run(self._serve(listening))
        finally:
            shutil.rmtree(os.path.dirname(self._loan.path), ignore_errors=True)

    async def _serve(self, listening: socket.socket) -> None:
        server = await asyncio.start_unix_server(self._meet, sock=listening)
        while self._wanted():
            await asyncio.sleep(LOOK)
        server.close()

    def _wanted(self) -> bool:
        quiet = 0.0 if self._sessions else time.monotonic() - self._quiet_since
        if not os.path.exists(self._loan.path):
            return False
        if self._loan.lock:
            return not is_gone(self._loan.lock) and quiet < LONGEST
        return quiet < self._loan.idle

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await asyncio.wait_for(self._let_in(reader, writer), PATIENCE)
            if first:
                await self._session(first, reader, writer)
        except (OSError, EOFError, asyncio.TimeoutError, struct.error):
            pass  # whoever has gone is told nothing
        finally:
            writer.close()

    async def _session(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sessions += 1
        try:
            await self._carry(first, reader, writer)
        finally:
            self._sessions -= 1
            self._quiet_since = time.monotonic()

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """The message that is for the server, or nothing where it is for nobody."""
        first = await _message(reader)
        while _startup.code_of(first[4:]) in _startup.ENCRYPTION:
            writer.write(b"N")
            first = await _message(reader)
        if user_at_the_other_end(writer.get_extra_info("socket")) not in self._loan.users:
            return await _refuse(
                writer, "28000", "this way to the server is open for another operating system's user only"
            )
        if _startup.code_of(first[4:]) == _startup.CANCEL:
            return first  # it holds a secret of the session's own
        writer.write(_startup.ASK_PASSWORD)
        if await reader.readexactly(1) != b"p":
            return b""
        given = (await _message(reader))[4:].rstrip(b"\0")
        if hmac.compare_digest(given, self._loan.password.encode()):
            return first
        return await _refuse(writer, "28P01", "password authentication failed: this way is open for one deploy only")

    async def _carry(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_unix_connection(self._loan.server)
        except OSError as exc:
            await _refuse(writer, "08001", f"could not connect to server at {self._loan.server}: {exc.strerror}")
            return
        server.write(first)
        await asyncio.gather(_copy(reader, server), _copy(answers, writer))


def is_gone(path: str) -> bool:
    """Whether it is not there for certain; what this user may not look at can be there."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def user_at_the_other_end(connected: socket.socket) -> int:
    """Number of the user, as the kernel knows it: who connected, or who listens."""
    return process_at_the_other_end(connected)[1]


def process_at_the_other_end(connected: socket.socket) -> t.Tuple[int, int]:
    """Numbers of the process and its user."""
    peer = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(peer[0]), int(peer[1])


async def _refuse(writer: asyncio.StreamWriter, state: str, text: str) -> bytes:
    writer.write(_startup.refusal(state, text))
    await writer.drain()
    return b""


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One message with its length, without the letter that later ones begin with. Raises EOFError, struct.error."""
    head = await reader.readexactly(4)
    length = int(struct.unpack("!i", head)[0])
    if not 4 <= length <= _startup.LONGEST:
        raise EOFError
    return head + await reader.readexactly(length - 4)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has no more to say; then the other one hears that, too."""
    with contextlib.suppress(OSError):
        while True:
            block = await reader.read(65536)
            if not block:
                break
            writer.write(block)
            await writer.drain()
    writer.close()
