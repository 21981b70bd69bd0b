# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal reaches nothing but its database, where root and a unix socket allow that (control node)."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _rehearsal

from tests.integration.test_rehearsal_data import PLENTY, Place
from tests.support.django_project import SETTINGS

CALLS = """
def f(apps, editor):
    import os, socket
    socket.create_connection(("127.0.0.1", int(os.environ["ELSEWHERE"])), 5).close()
    editor.execute("SELECT 1")
"""


def possible() -> bool:
    if os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def place(tmp_path: pathlib.Path, database: t.Any) -> Place:
    """Write a migration that calls somebody, in a project whose database is at a socket when SOCKET is set."""
    made = Place(tmp_path, database)
    made.project.write(
        "site1/settings.py", SETTINGS.replace('url.hostname or ""', 'os.environ.get("SOCKET") or url.hostname')
    )
    made.change("migrations.RunPython(f),", before=CALLS)
    made.migrate.params["environment"]["ELSEWHERE"] = str(database.server.port)
    return made


@pytest.mark.skipif(not possible(), reason="needs root, and the right to make a network namespace")
def test_code_reaches_the_database_and_nothing_else(place: Place) -> None:
    place.migrate.params["environment"]["SOCKET"] = str(place.database.server.socket_dir)
    before = place.state()
    rehearsed, _answer = place.rehearsal().on_data(place.backup, PLENTY)
    assert "Network is unreachable" in rehearsed.told[0]["failure"]["error"]
    assert _rehearsal.broken(rehearsed) == "", "that it fails without a network says nothing of production"
    place.change("migrations.RunPython(f),", before=CALLS.replace("    socket.create", "    # "))
    rehearsed, answer = place.rehearsal().on_data(place.backup, PLENTY)
    assert (answer["sandbox"], rehearsed.told[0]["failure"]) == ("network", None)
    place.project.write("things/management/__init__.py", RECEIVER)
    rehearsed, answer = place.rehearsal().on_schema()
    assert "demands" not in answer and not rehearsed.told[0]["failure"], "what a receiver wanted is not known"
    assert place.state() == before


RECEIVER = """
import os, socket
from django.db.models.signals import post_migrate

def call(**more):
    socket.create_connection(("127.0.0.1", int(os.environ["ELSEWHERE"])), 5)

post_migrate.connect(call)
"""


def test_over_tcp_there_is_none_and_it_is_said(place: Place) -> None:
    rehearsed, answer = place.rehearsal().on_schema()
    assert (answer["sandbox"], rehearsed.told[0]["failure"]) == ("none", None)
