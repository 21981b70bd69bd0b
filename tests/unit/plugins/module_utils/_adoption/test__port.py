# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port that is taken over: what runs beside the service, and what speaks against it."""

from __future__ import annotations

import dataclasses
import socket

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _port
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._checkout import Checkout
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._unit import UnitFacts

UNIT = """\
[Unit]
Description=The shop

[Service]
User=shop
ExecStart=/opt/shop/venv/bin/gunicorn shop.wsgi \\
    --bind 0.0.0.0:8000
Restart=always

[Install]
WantedBy=multi-user.target
"""
COMMAND = "/opt/shop/venv/bin/gunicorn shop.wsgi --bind 0.0.0.0:8000"
SOCKET = "/srv/shop/run/web-1.sock"
FOUND = Installation(
    UnitFacts("shop.service", command=COMMAND),
    (Listening("0.0.0.0", 8000),),
    Checkout("/opt/shop", venv="/opt/shop/venv"),
)


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (COMMAND, f"/opt/shop/venv/bin/gunicorn shop.wsgi --bind unix:{SOCKET}"),
        (
            "/opt/shop/venv/bin/python -m uvicorn shop.asgi:app --host 0.0.0.0 --port 8000",
            f"/opt/shop/venv/bin/uvicorn --uds {SOCKET} shop.asgi:app",
        ),
        ("/opt/shop/venv/bin/python manage.py runserver 0.0.0.0:8000", ""),
    ],
)
def test_the_command_of_the_second_instance(command: str, wanted: str) -> None:
    assert _port.command_on(command, SOCKET) == wanted


def test_the_definition_of_the_second_instance_differs_by_its_command_alone() -> None:
    text = _port.definition_on(UNIT, "shop.service", "/bin/x --bind unix:/a.sock")
    assert (
        text.splitlines()[1:]
        == UNIT.replace(
            "ExecStart=/opt/shop/venv/bin/gunicorn shop.wsgi \\\n    --bind 0.0.0.0:8000",
            "ExecStart=/bin/x --bind unix:/a.sock",
        ).splitlines()
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("User=shop", "User=shop\nPIDFile=/run/shop.pid"),
        ("User=shop", "User=shop\nRuntimeDirectory=shop"),
        ("User=shop", "Type=forking"),
        ("0.0.0.0:8000", "$ADDRESS"),
        ("Restart=always", "ExecStart=/bin/true"),
    ],
)
def test_what_cannot_run_twice_is_refused(old: str, new: str) -> None:
    text = UNIT.replace(old, new)
    assert _port.definition_on(text, "shop.service", "/bin/x") == ""
    kinds = [each.kind for each in _port.findings(FOUND, "0.0.0.0:8000", True, text, SOCKET)]
    assert kinds == ["port_not_movable"]


def test_a_stop_needs_consent_and_the_right_port() -> None:
    def kinds(listen: str, consent: bool, found: Installation = FOUND) -> list:
        return [each.kind for each in _port.findings(found, listen, consent, UNIT, SOCKET)]

    assert kinds("0.0.0.0:8000", True) == kinds("8000", True) == []
    assert kinds("0.0.0.0:8000", False) == ["needs_stop"]
    assert kinds("0.0.0.0:80", True) == kinds("", True) == ["another_port"]
    unix = dataclasses.replace(FOUND, places=(Listening(path="/run/a.sock"),))
    assert kinds("8000", True, unix) == ["another_port"]


def test_the_stop_is_announced_in_tenths_of_a_second_and_not_too_short() -> None:
    (finding,) = _port.findings(FOUND, "0.0.0.0:8000", False, UNIT, SOCKET, 0.2)
    assert "for about 0.2 s nobody listens there" in str(finding)
    assert [_port.announced(answered) for answered in (0.001, 0.01, 0.1)] == [0.1, 0.1, 0.9]


def test_a_port_is_free_when_nobody_listens_there() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        place = Listening("127.0.0.1", server.getsockname()[1])
        assert not _port._free(place)
    assert _port._free(place)
