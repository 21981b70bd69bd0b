# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first messages of a session, as PostgreSQL's documentation has them (control node)."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _startup


def test_a_client_begins_with_its_length_the_version_and_pairs() -> None:
    message = _startup.startup(user="postgres", database="shop")
    assert message == b"\0\0\0\x25\0\x03\0\0user\0postgres\0database\0shop\0\0"
    assert len(message) == 0x25 and _startup.code_of(message[4:]) == _startup.PROTOCOL


@pytest.mark.parametrize(("rest", "code"), [(struct.pack("!i", 80877102), 80877102), (b"\0\0", 0), (b"", 0)])
def test_the_code_of_a_first_message(rest: bytes, code: int) -> None:
    assert _startup.code_of(rest) == code


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        (b"R", struct.pack("!i", 0), (0, "", "")),
        (b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0", (10, "", "")),
        (b"R", b"", (-1, "", "something that is no PostgreSQL")),
        (b"H", b"TTP/1.1 400", (-1, "", "something that is no PostgreSQL")),
        (b"E", b"SFATAL\0C28000\0Mno entry for host\0\0", (-1, "28000", "no entry for host")),
        (b"E", b"\0", (-1, "", "")),
    ],
)
def test_what_a_server_answers(kind: bytes, body: bytes, found: tuple[int, str, str]) -> None:
    assert _startup.said(kind, body) == found


def test_a_refusal_can_be_read_by_its_own_rules() -> None:
    message = _startup.refusal("28P01", "not you")
    assert struct.unpack("!i", message[1:5])[0] == len(message) - 1
    assert _startup.said(message[:1], message[5:]) == (-1, "28P01", "not you")


def test_a_password_is_asked_for_as_it_is() -> None:
    assert b"R\0\0\0\x08\0\0\0\x03" == _startup.ASK_PASSWORD
