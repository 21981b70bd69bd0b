# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal reaches nothing but its database and writes no file, where the kernel allows that (control node)."""

from __future__ import annotations

import os
import pathlib
import platform
import shutil
import subprocess
import tempfile
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _rehearsal
from ansible_collections.seamless.deploy.plugins.module_utils._bridge import _sandbox

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


def read_only() -> bool:
    """Whether the kernel has mount_setattr."""
    return tuple(map(int, platform.release().split(".")[:2])) >= (5, 12)


def everything() -> str:
    return "network and files" if read_only() else "network"


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
    assert (answer["sandbox"], rehearsed.told[0]["failure"]) == (everything(), None)
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


def test_over_tcp_there_is_one_and_it_is_said(place: Place) -> None:
    rehearsed, answer = place.rehearsal().on_schema()
    assert "network" not in answer["sandbox"] and rehearsed.told[0]["failure"] is None


WRITES = """
def f(apps, editor):
    import os
    editor.execute("SELECT 1")
    try:
        open(os.environ["UPLOADS"] + "/moved", "w").close()
    except OSError:
        raise RuntimeError("the uploads cannot be moved")
"""


@pytest.mark.skipif(not possible(), reason="needs root, and the right to make a namespace")
def test_code_writes_no_file(place: Place) -> None:
    if not read_only():
        pytest.skip("the kernel cannot make all mounts read-only at once, which Linux can from 5.12 on")
    with tempfile.TemporaryDirectory(dir="/opt") as uploads:
        place.migrate.params["environment"]["UPLOADS"] = uploads
        place.change("migrations.RunPython(f),", before=WRITES)
        rehearsed, _answer = place.rehearsal().on_data(place.backup, PLENTY)
        assert (
            rehearsed.told[0]["sandbox"] == "files"
            and "the uploads cannot be moved" in rehearsed.told[0]["failure"]["error"]
        )
        assert os.listdir(uploads) == []
    assert _rehearsal.broken(rehearsed) == "", "that it fails without its files says nothing of production"


def test_what_fails_for_a_reason_of_its_own_is_broken_in_a_sandbox_too(place: Place) -> None:
    place.change("migrations.RunPython(f),", before="def f(apps, editor):\n    raise ValueError('no such currency')\n")
    rehearsed, _answer = place.rehearsal().on_data(place.backup, PLENTY)
    assert "no such currency" in _rehearsal.broken(rehearsed)


PROBE = """
import sys, types
sandbox = types.ModuleType("sandbox")
exec(sys.stdin.read(), sandbox.__dict__)
if sys.argv[2:]:
    sandbox._unshare = lambda what, unshare=sandbox._unshare: False if what == sandbox._NEW_USER else unshare(what)
sandbox.prepare()
print(sandbox.enclose("/run"))
for path in (sys.argv[1] + "/moved", "/tmp/seamless-probe"):
    try:
        open(path, "w").close()
        os = __import__("os")
        os.unlink(path)
        print("written")
    except OSError as exc:
        print(exc.strerror)
"""


@pytest.mark.skipif(not possible() or not shutil.which("setpriv"), reason="needs root, namespaces and setpriv")
@pytest.mark.parametrize("user", [(), ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")])
def test_who_is_not_root_has_one_too(user: tuple[str, ...]) -> None:
    if (
        user
        and subprocess.run([*user, "unshare", "--user", "--net", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("the kernel gives nobody but root a namespace")
    with tempfile.TemporaryDirectory(dir="/opt") as folder:
        os.chmod(folder, 0o777)
        argv = [*user, "/usr/bin/python3", "-c", PROBE, folder]
        code = pathlib.Path(_sandbox.__file__).read_text()
        told = subprocess.run(argv, input=code, capture_output=True, text=True, check=True).stdout.splitlines()
        denied = subprocess.run([*argv, "denied"], input=code, capture_output=True, text=True, check=True).stdout
    files = "Read-only file system" if read_only() else "written"
    assert told == [everything(), files, "written"]
    # Who gets no namespace goes on without one.
    assert denied.splitlines() == (["none", "written", "written"] if user else told)
