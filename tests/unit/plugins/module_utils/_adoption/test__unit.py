# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd says of a unit, and what its command becomes."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _unit

SHOWN = """\
Id=shop.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled
FragmentPath=/etc/systemd/system/shop.service
User=shop
WorkingDirectory=!/opt/shop
MainPID=4711
ExecStart={ path=/opt/shop/venv/bin/gunicorn ; argv[]=/opt/shop/venv/bin/gunicorn shop.wsgi -b 127.0.0.1:8000 ; ignore_errors=no ; pid=1 }
ExecStartPre={ path=/opt/shop/venv/bin/python ; argv[]=/opt/shop/venv/bin/python manage.py migrate ; ignore_errors=no ; pid=2 }
ExecStartPre={ path=/bin/true ; argv[]=/bin/true ; ignore_errors=no ; pid=3 }
Environment=DJANGO_SETTINGS_MODULE=shop.prod "GREETING=good morning" SECRET_KEY=hunter2
EnvironmentFiles=/opt/shop/.env (ignore_errors=no)
EnvironmentFiles=/etc/default/shop (ignore_errors=yes)
TriggeredBy=shop.socket shop.timer

Id=gone.service
LoadState=not-found

Id=shop-beat.service
LoadState=loaded
ActiveState=inactive
ExecStart={ path=/usr/bin/celery ; argv[]=/usr/bin/celery -A shop beat ; ignore_errors=no }
"""


def test_units_are_read_from_one_answer() -> None:
    web, beat = _unit.parse_shows(SHOWN)
    assert (web.name, web.active, web.at_boot, web.user, web.directory, web.pid) == (
        "shop.service",
        True,
        True,
        "shop",
        "/opt/shop",
        4711,
    )
    assert web.command == "/opt/shop/venv/bin/gunicorn shop.wsgi -b 127.0.0.1:8000"
    assert web.before == ("/opt/shop/venv/bin/python manage.py migrate", "/bin/true")
    assert web.environment == ("DJANGO_SETTINGS_MODULE", "GREETING", "SECRET_KEY")
    assert web.environment_files == ("/opt/shop/.env", "/etc/default/shop")
    assert web.sockets == ("shop.socket",)
    assert (beat.unit_class, beat.user, beat.active) == ("singleton", "root", False)


@pytest.mark.parametrize(
    ("directory", "command", "own"),
    [
        ("/opt/shop", "/usr/bin/python3 server.py", True),
        ("/opt/shop/src", "x", True),
        ("", "/opt/shop/venv/bin/gunicorn x", True),
        ("", "/usr/bin/env --chdir=/opt/shop x", True),
        ("/opt/shopping", "/opt/shop2/bin/x", False),
        ("/", "/usr/sbin/nginx", False),
    ],
)
def test_which_units_belong_to_a_checkout(directory: str, command: str, own: bool) -> None:
    assert _unit.belongs_to(_unit.UnitFacts("x", directory=directory, command=command), "/opt/shop") is own


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("/opt/shop/venv/bin/gunicorn --bind 127.0.0.1:8000 shop.wsgi", "gunicorn --bind unix:{socket} shop.wsgi"),
        ("/opt/shop/venv/bin/gunicorn -b 0.0.0.0:8000 -w 2 shop.wsgi", "gunicorn --bind unix:{socket} -w 2 shop.wsgi"),
        ("/opt/shop/venv/bin/gunicorn --bind=unix:/run/a.sock shop.wsgi", "gunicorn --bind unix:{socket} shop.wsgi"),
        ("/opt/shop/venv/bin/gunicorn -b :8000 -b :8001 shop.wsgi", ""),
        ("/opt/shop/venv/bin/gunicorn shop.wsgi", "gunicorn --bind unix:{socket} shop.wsgi"),
        (
            "/opt/shop/venv/bin/gunicorn -b :8000 --pid /opt/shop/run.pid --config /opt/shop/src/conf.py shop.wsgi",
            "gunicorn --bind unix:{socket} --pid {release}/run.pid --config {project}/conf.py shop.wsgi",
        ),
        (
            "/opt/shop/venv/bin/python -m uvicorn shop.asgi:app --host 0.0.0.0 --port 8000 --workers 2",
            "uvicorn --uds {socket} shop.asgi:app --workers 2",
        ),
        ("/opt/shop/venv/bin/python manage.py runserver 0.0.0.0:8000", ""),
        ("/opt/shop/start.sh", ""),
    ],
)
def test_a_command_gets_the_tokens_of_releases(command: str, wanted: str) -> None:
    assert _unit.command_for_releases(command, "/opt/shop", "/opt/shop/venv", "/opt/shop/src") == wanted


def test_secrets_in_a_command_are_not_shown() -> None:
    command = "x --broker redis://user:hunter2@localhost --secret-key hunter2 --api-token=hunter2"
    assert "hunter2" not in _unit.masked(command)
