# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrator's login without a password, lent to one deploy: a real server that lets its owner in (control node)."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import typing as t

import psycopg2
import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _own_socket

from tests.support.module import run_module
from tests.support.playbook import local_inventory, run_playbook
from tests.support.postgres import free_port

PASSWORD = "only this deploy's"
CONNECT = "import os, psycopg2, sys; os.setuid(int(sys.argv[1])); psycopg2.connect(sys.stdin.read())"


class Lender:
    """Opens sockets that lead to a server, and closes what it has opened."""

    def __init__(self, server: t.Any, base: pathlib.Path) -> None:
        self.server, self.base = server, base

    def ask(self, **changes: t.Any) -> dict[str, t.Any]:
        """Give what the module returns."""
        where = {"login_host": str(self.server.socket_dir), "login_port": self.server.port, "login_user": "postgres"}
        params = {name: value for name, value in {**where, "password": PASSWORD, **changes}.items() if value != ""}
        return run_module("pg_admin_login", params)

    def open(self, **changes: t.Any) -> str:
        """Give the directory of a new socket."""
        done = self.ask(**changes)
        assert not done.get("failed") and done["changed"] is False, done
        assert PASSWORD not in done["_output"]
        return str(done["path"])

    def connect(self, path: str, password: str = PASSWORD) -> t.Any:
        """Connect through it."""
        return psycopg2.connect(
            host=path, port=self.server.port, user="postgres", dbname="postgres", password=password, connect_timeout=10
        )

    def pid(self, path: str) -> int:
        """Find the process that listens."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(f"{path}/.s.PGSQL.{self.server.port}")
            peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", peer)[0])

    def left(self) -> list[str]:
        """List the sockets that are there."""
        places = (self.server.socket_dir, self.base / "away")
        return [str(path) for place in places for path in place.glob("seamless-login-*")]


def until(true: t.Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)


@pytest.fixture
def lender(postgres: t.Any, short_dir: pathlib.Path) -> t.Iterator[Lender]:
    """Give one; nothing of it is left afterwards."""
    short_dir.chmod(0o711)
    made = Lender(postgres, short_dir)
    yield made
    for path in made.left():
        run_module("pg_admin_login", {"state": "closed", "path": path})
    assert made.left() == []


def test_it_is_the_administrator_whose_password_nobody_knows(lender: Lender) -> None:
    path = lender.open()
    assert oct(os.stat(path).st_mode & 0o777) == "0o711"
    with contextlib.closing(lender.connect(path)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("postgres", True)
        cursor.execute("SELECT repeat('x', 1000) FROM generate_series(1, 50000)")
        assert sum(len(row[0]) for row in cursor.fetchall()) == 50_000_000


def test_a_program_of_postgresql_uses_it(lender: Lender, database: t.Any) -> None:
    database.execute("CREATE TABLE noted AS SELECT n, repeat('y', 500) FROM generate_series(1, 20000) AS n")
    named = {"PGHOST": lender.open(), "PGPORT": str(lender.server.port), "PGUSER": "postgres", "PGPASSWORD": PASSWORD}
    dump = subprocess.run(
        [str(lender.server.bin_dir / "pg_dump"), "--data-only", database.name],
        env={**os.environ, **named},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert dump.stdout.count("y" * 500) == 20000


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + "!", PASSWORD[:-1]])
def test_nobody_else_knows_the_password(lender: Lender, password: str) -> None:
    path = lender.open()
    with pytest.raises(psycopg2.OperationalError, match="no password supplied|password authentication failed"):
        lender.connect(path, password)
    lender.connect(path).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become other users")
def test_no_other_user_comes_in_who_knows_it(lender: Lender) -> None:
    path = lender.open(used_by="nobody")
    password = PASSWORD.replace("'", "\\'")
    wanted = f"host={path} port={lender.server.port} user=postgres dbname=postgres password='{password}'"

    def of(name: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", CONNECT, str(pwd.getpwnam(name).pw_uid)]
        return subprocess.run(argv, input=wanted, capture_output=True, text=True, timeout=60, check=False)

    assert of("nobody").returncode == 0
    refused = of("daemon")
    assert refused.returncode != 0 and "open for another operating system's user only" in refused.stderr


def test_a_statement_can_be_cancelled(lender: Lender) -> None:
    with contextlib.closing(lender.connect(lender.open())) as connection, connection.cursor() as cursor:
        later = threading.Timer(1.0, connection.cancel)
        later.start()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("SELECT pg_sleep(60)")
        later.join()


def test_it_ends_with_the_deploy(lender: Lender) -> None:
    lock = lender.base / "lock"
    lock.touch()
    path = lender.open(journal=str(lender.base / "journal.jsonl"), idle_timeout=1)
    with contextlib.closing(lender.connect(path)) as connection, connection.cursor() as cursor:
        time.sleep(3)
        cursor.execute("SELECT 1")
    time.sleep(3)
    pid = lender.pid(path)  # nobody used it for longer than the limit, and the deploy goes on
    lock.unlink()
    until(lambda: lender.left() == [])
    until(lambda: not os.path.exists(f"/proc/{pid}"))


def test_without_a_deploy_it_ends_when_nobody_uses_it(lender: Lender) -> None:
    path = lender.open(idle_timeout=1)
    with contextlib.closing(lender.connect(path)) as connection, connection.cursor() as cursor:
        time.sleep(4)
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    until(lambda: lender.left() == [])


def test_closed_it_is_gone(lender: Lender) -> None:
    path = lender.open()
    pid = lender.pid(path)
    closed = lender.ask(state="closed", path=path)
    assert closed["changed"] is True
    until(lambda: not os.path.exists(f"/proc/{pid}"))
    assert lender.ask(state="closed", path=path)["changed"] is False
    refused = lender.ask(state="closed", path=str(lender.base))
    assert refused["failed"] and "no directory that this module has made" in refused["msg"] and lender.base.exists()


def test_what_a_killed_one_leaves_goes_with_the_next(lender: Lender) -> None:
    first, kept = lender.open(), lender.open()
    os.kill(lender.pid(first), signal.SIGKILL)
    second = lender.open()
    assert sorted(lender.left()) == sorted([first, kept, second])  # one that is being made looks the same
    for path in lender.left():
        os.utime(path, (1, 1))
    last = lender.open()
    assert sorted(lender.left()) == sorted([kept, second, last])


def test_a_server_that_went_away_is_told(lender: Lender, short_dir: pathlib.Path) -> None:
    away = short_dir / "away"
    away.mkdir()
    real = lender.server.socket_dir / f".s.PGSQL.{lender.server.port}"
    named = away / real.name
    named.symlink_to(real)
    path = lender.open(login_host=str(away))
    named.unlink()
    with pytest.raises(psycopg2.OperationalError, match="could not connect to server"):
        lender.connect(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"login_host": "192.0.2.7"}, "login_host is '192.0.2.7', which is another machine"),
        ({"login_host": "nowhere.invalid"}, "the host 'nowhere.invalid' of login_host cannot be resolved"),
        ({"login_port": 1}, "has its socket .s.PGSQL.1 in"),
        ({"login_host": "127.0.0.1", "login_port": 2}, "in /var/run/postgresql or /tmp"),
        (
            {"login_user": "somebody"},
            "as the role 'somebody'; it wants a password. Have pg_hba.conf say 'local all somebody peer'",
        ),
        ({"journal": "/nowhere/journal.jsonl"}, "no deploy holds the lock beside journal /nowhere/journal.jsonl"),
        ({"used_by": "no-such-user"}, "used_by is 'no-such-user', and this host has no such user"),
        ({"password": ""}, "password is empty"),
    ],
)
def test_what_cannot_work_is_told(lender: Lender, changes: dict[str, t.Any], words: str) -> None:
    done = lender.ask(**changes)
    assert done["failed"] and words in done["msg"]
    assert lender.left() == []


def test_what_is_no_postgresql_is_told(lender: Lender) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(lender.base / ".s.PGSQL.7"))
        other.listen()

        def hang_up() -> None:
            client, _address = other.accept()
            client.close()

        answers = threading.Thread(target=hang_up)
        answers.start()
        done = lender.ask(login_host=str(lender.base), login_port=7)
        answers.join()
    assert done["failed"] and "does not answer as PostgreSQL does" in done["msg"]


def test_another_server_than_the_applications_is_told(lender: Lender) -> None:
    """Such as one without TCP beside a container whose port is published."""
    port = free_port()
    with socket.socket(socket.AF_UNIX) as other:
        path = f"/tmp/.s.PGSQL.{port}"  # where it is looked for
        other.bind(path)
        try:
            other.listen()
            done = lender.ask(login_host="127.0.0.1", login_port=port)
        finally:
            os.unlink(path)
    assert done["failed"] and f"does not listen on the port {port} of '127.0.0.1'" in done["msg"], done


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_a_server_of_anybody_is_not_trusted(lender: Lender) -> None:
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setuid(pwd.getpwnam("daemon").pw_uid)
        try:
            _own_socket.ask(f"{lender.server.socket_dir}/.s.PGSQL.{lender.server.port}", "postgres")
        except DeployError as exc:
            os.write(writer, exc.msg.encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.wait()
    assert "is not daemon but the user" in os.read(reader, 4096).decode()
    os.close(reader)


def test_in_a_play_its_password_is_shown_to_nobody(lender: Lender, database: t.Any, tmp_path: pathlib.Path) -> None:
    login = {"login_host": str(lender.server.socket_dir), "login_port": lender.server.port, "login_user": "postgres"}
    kept = tmp_path / "url"
    tasks = [
        {"seamless.deploy.pg_admin_login": login, "register": "administrator"},
        {
            "seamless.deploy.pg_fence": {
                "login_url": "{{ administrator.url }}",
                "database": database.name,
                "state": "cleaned",
            },
            "check_mode": True,
            "register": "looked",
        },
        {"ansible.builtin.copy": {"dest": str(kept), "content": "{{ administrator.url }}"}, "no_log": True},
        {"seamless.deploy.pg_admin_login": {**login, "login_user": "somebody"}, "ignore_errors": True},
    ]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    inventory = local_inventory({"ansible_python_interpreter": sys.executable})
    done = run_playbook(str(tmp_path / "play.yml"), inventory, "-vvvv", base=tmp_path)
    assert done.rc == 0, done.stdout
    assert "it wants a password" in done.stdout and "censored" in done.stdout
    url = kept.read_text()
    password = url.rpartition("@")[0].rpartition(":")[2]
    assert len(password) > 40 and password not in done.stdout
    psycopg2.connect(url).close()
    with pytest.raises(psycopg2.OperationalError, match="requirepeer"):
        psycopg2.connect(re.sub("requirepeer=[^&]*", "requirepeer=daemon", url))
