# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a session of PostgreSQL begins, byte by byte. Pure; target; PRIVATE to the collection.

Source: PostgreSQL's documentation, "Frontend/Backend Protocol", its parts "Start-up" and "Message Formats" (version 3.0).
"""

from __future__ import annotations

import struct
import typing as t

PROTOCOL = 3 << 16
CANCEL = 80877102
#: Requests for encryption, which a unix socket does not need: TLS and GSSAPI.
ENCRYPTION = (80877103, 80877104)
#: The server itself takes no longer ones.
LONGEST = 10000

AUTHENTICATED, CLEARTEXT = 0, 3

#: "Send me your password as it is": nobody else reads along on a unix socket.
ASK_PASSWORD = b"R" + struct.pack("!ii", 8, CLEARTEXT)


def startup(**parameters: str) -> bytes:
    """The message with which a client begins."""
    named = b"".join(text.encode() + b"\0" for pair in parameters.items() for text in pair)
    return struct.pack("!ii", len(named) + 9, PROTOCOL) + named + b"\0"


def code_of(message: bytes) -> int:
    """What a first message wants, of a message without its length: a protocol, or one of the codes above."""
    return int(struct.unpack_from("!i", message)[0]) if len(message) >= 4 else 0


def refusal(state: str, text: str) -> bytes:
    """An error that ends a session before it has begun. state: five characters, as SQLSTATE has them."""
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", state), ("M", text))
    body = b"".join(f"{kind}{value}".encode() + b"\0" for kind, value in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


class Answer(t.NamedTuple):
    """What a server answers to a first message. way: how to authenticate (0: no need), or -1 where it says no, with its state and words."""

    way: int
    state: str = ""
    text: str = ""


def said(kind: bytes, body: bytes) -> Answer:
    if kind == b"R" and len(body) >= 4:
        return Answer(int(struct.unpack_from("!i", body)[0]))
    if kind == b"E":
        fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0") if field}
        return Answer(-1, fields.get(b"C", ""), fields.get(b"M", ""))
    return Answer(-1, "", "something that is no PostgreSQL")
