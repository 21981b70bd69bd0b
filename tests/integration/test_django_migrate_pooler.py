# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate behind a real PgBouncer (control node)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import threading
import time
import typing as t
import urllib.parse

import psycopg2
import pytest

from tests.support.django_calls import Migrate, tables
from tests.support.django_project import Project, django_python
from tests.support.paths import free_port
from tests.support.postgres import server_account

PROGRAM = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
SETTINGS = """\
[databases]
* = host=127.0.0.1 port={server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {base}/users
logfile = {base}/log
pool_mode = {mode}
default_pool_size = {size}
{extra}
"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed on this machine")


@contextlib.contextmanager
def pooler(base: pathlib.Path, database: t.Any, mode: str, size: int, extra: str) -> t.Iterator[str]:
    """Run PgBouncer in front of the database and give the application's URL through it."""
    port, account = free_port(), server_account()
    password = database.password.replace('"', '""')
    (base / "users").write_text(f'"{database.user}" "{password}"\n')
    (base / "settings").write_text(
        SETTINGS.format(server=database.server.port, port=port, base=base, mode=mode, size=size, extra=extra)
    )
    as_account: dict[str, t.Any] = {}
    if account:
        as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        for path in (base, base / "users", base / "settings"):
            os.chown(path, account.pw_uid, account.pw_gid)
    process = subprocess.Popen([str(PROGRAM), "-q", str(base / "settings")], **as_account)
    parts = urllib.parse.urlsplit(database.url)
    url = parts._replace(netloc=parts.netloc.replace(f":{database.server.port}", f":{port}")).geturl()
    try:
        for _attempt in range(200):
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(url).close()
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextlib.contextmanager
def traffic(url: str, sessions: int) -> t.Iterator[None]:
    """Other sessions that ask short questions all the time."""
    over = threading.Event()

    def ask() -> None:
        with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not over.is_set():
                cursor.execute("SELECT pg_sleep(0.003)")

    threads = [threading.Thread(target=ask) for _number in range(sessions)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("size", "sessions", "extra"),
    [
        (5, 0, ""),
        (1, 0, ""),
        (5, 3, ""),
        (5, 8, ""),
        (20, 3, "server_round_robin = 1"),
        (2, 2, "server_round_robin = 1"),
    ],
)
def test_pooler_that_shares_connections_is_refused(
    short_dir: pathlib.Path, tmp_path: pathlib.Path, database: t.Any, size: int, sessions: int, extra: str
) -> None:
    with pooler(short_dir, database, "transaction", size, extra) as url, traffic(url, sessions):
        migrate = Migrate(Project(tmp_path / "project"), django_python(), url, tmp_path)
        error = migrate.fails()
    assert error.result["kind"] == "pooler" and "give the migration a direct connection" in error.msg
    assert "transaction mode" in error.msg and tables(database) == []
    assert database.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_pooler_that_keeps_sessions_apart_is_used(
    short_dir: pathlib.Path, tmp_path: pathlib.Path, database: t.Any
) -> None:
    with pooler(short_dir, database, "session", 5, "") as url:
        migrate = Migrate(Project(tmp_path / "project"), django_python(), url, tmp_path)
        assert migrate()["changed"] and not migrate()["changed"]
