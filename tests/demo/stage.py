# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo stands on: directory, PostgreSQL, supervisor, repository, inventory (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import secrets
import signal
import tempfile
import time
import typing as t

from tests.support import paths, playbook, shop
from tests.support.load import request
from tests.support.postgres import EmbeddedPostgres
from tests.support.supervisor import Supervisor

DATABASE, ROLE = "shop", "shop"

# What a deploy may change and a way back must restore: tables, columns, indexes, constraints, applied migrations.
CATALOG = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
WHERE table_schema = 'public'
UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'django_migrations', app, name, '', '' FROM django_migrations
ORDER BY 1, 2, 3, 4, 5
"""


@dataclasses.dataclass
class Stage:
    """Everything that runs, and how to deploy on it."""

    base: pathlib.Path
    postgres: EmbeddedPostgres
    supervisor: Supervisor
    repository: shop.ShopRepository
    wheelhouse: pathlib.Path
    log: pathlib.Path
    url: str
    secret_key: str = dataclasses.field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def entrance(self) -> pathlib.Path:
        """Say where the traffic comes in."""
        return self.base / "srv" / "run" / "web.sock"

    def variables(self, release: int) -> dict[str, t.Any]:
        """Write the inventory of one deploy, as a user would."""
        return {
            "deploy_app": "shop",
            "deploy_path": str(self.base / "srv"),
            "deploy_repository": self.repository.url,
            "deploy_version": self.repository.tag(release),
            "deploy_python": shop.python_for_app(),
            "deploy_installer": "pip",
            "deploy_wheelhouse": str(self.wheelhouse),
            "deploy_settings_module": "shop.settings",
            "deploy_environment": {
                "SECRET_KEY": self.secret_key,
                "ALLOWED_HOSTS": "localhost",
                "DATABASE_URL": self.url,
            },
            "deploy_required_environment": ["SECRET_KEY", "DATABASE_URL"],
            "deploy_shared_paths": ["media"],
            "deploy_units": [
                {
                    "name": "web",
                    "class": "web",
                    "command": "{venv}/bin/gunicorn shop.wsgi --bind unix:{socket} --workers 2 --threads 4"
                    " --no-control-socket",
                },
                {"name": "worker", "class": "worker", "command": "{venv}/bin/python manage.py print_worker"},
            ],
            # The print shop starts within a second or two; the default waits a minute for it.
            "deploy_ready_timeout": 10,
            "deploy_service_manager": "supervisor",
            "deploy_supervisor_config": str(self.supervisor.config),
            "deploy_supervisor_include": str(self.supervisor.include_dir),
            "deploy_database_admin_url": self.postgres.admin_url,
            "deploy_postgresql_client_path": str(self.postgres.bin_dir),
        }

    def deploy(self, release: int, **changes: t.Any) -> playbook.Result:
        """Run the collection's own deploy.yml."""
        with self.log.open("a") as log:
            log.write(f"\n===== deploy.yml, release {release} =====\n")
        return playbook.run_playbook(
            "deploy.yml", {**self.variables(release), **changes}, base=self.base, log=self.log, timeout=300
        )

    def serving(self) -> tuple[str, str]:
        """Ask the entrance which release serves, and from which directory."""
        told = request(self.entrance, "GET", "/version/", timeout=10).json()
        return str(told["release"]), str(told["directory"])

    def strangers(self) -> list[str]:
        """Name the services that run although their release does not serve."""
        _release, directory = self.serving()
        running = [line.split()[0] for line in self.supervisor.ctl("status").stdout.splitlines() if "RUNNING" in line]
        return [name for name in running if not name.endswith(pathlib.Path(directory).name)]

    def catalog(self) -> list[tuple[t.Any, ...]]:
        """Read what the database looks like."""
        return self.postgres.execute(CATALOG, DATABASE)

    def keep_service_logs(self) -> None:
        """Save what the services said, before their directory goes."""
        with self.log.open("a") as log:
            for path in sorted(self.base.rglob("*.log")):
                with contextlib.suppress(OSError):
                    log.write(f"\n===== end of {path} =====\n{path.read_text(errors='replace')[-4000:]}\n")


def open_log() -> pathlib.Path:
    """Choose a file for the playbooks' output: in the checkout where that is writable."""
    folder = paths.CHECKOUT / ".demo"
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
    if not os.access(folder, os.W_OK):
        folder = pathlib.Path(tempfile.gettempdir())
    handle, name = tempfile.mkstemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), suffix=".log", dir=folder)
    os.close(handle)
    return pathlib.Path(name)


def forget_log(log: pathlib.Path) -> None:
    """Remove the file, and its folder in the checkout when no earlier run has left something there."""
    log.unlink(missing_ok=True)
    if log.parent.name == ".demo":
        with contextlib.suppress(OSError):
            log.parent.rmdir()


@contextlib.contextmanager
def stage(log: pathlib.Path, say: t.Callable[[str], None]) -> t.Iterator[Stage]:
    """Set everything up in a short temporary directory, and take it down in reverse order."""
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(paths.short_directory("sd-demo-"))
        say(f"Everything lives in {base} and goes with it.")
        wheelhouse = shop.shop_wheelhouse()
        postgres = stack.enter_context(EmbeddedPostgres(base))
        # Before the database goes, everything that a stopped deploy may have left in this directory.
        stack.callback(end_leftovers, base, {os.getpid(), postgres.pid})
        url = postgres.create_database(DATABASE, ROLE, secrets.token_urlsafe(16))
        supervisor = stack.enter_context(Supervisor(base))
        say("PostgreSQL 18 and supervisor run, both without root.")
        yield Stage(base, postgres, supervisor, shop.ShopRepository(base), wheelhouse, log, url)


def end_leftovers(base: pathlib.Path, spared: set[int]) -> None:
    """End processes that were started from the demo's own directory and are still there."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _started_from(base) - spared:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
                time.sleep(0.2)


def _started_from(base: pathlib.Path) -> set[int]:
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{base}/".encode() in process.joinpath("cmdline").read_bytes():
                found.add(int(process.name))
    return found
