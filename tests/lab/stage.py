# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The print shop on hosts of a lab: systemd, nginx and PostgreSQL of Debian, deployed over SSH (control node)."""

from __future__ import annotations

import contextlib
import math
import pathlib
import secrets
import typing as t

import psycopg2

from tests.demo.stage import CATALOG
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.look import Look, Traffic, look, traffic
from tests.lab.wheels import REPLACED, controller, wheelhouse
from tests.support import playbook, shop
from tests.support.load import request
from tests.support.load_process import LoadProcess

PATH = "/srv/shop"
REPOSITORY = "/srv/git/shop"
WHEELS = "/opt/wheels"
# As a user has it who says nothing; most tests force the way that they are about.
REHEARSED = {"deploy_strategy": "auto", "deploy_rehearsal": "auto", "deploy_force_online": False}
#: The server's own administrator in place of a role with a password.
LENT = {"deploy_database_admin_url": None, "deploy_database_admin_user": "postgres"}
SITE = """server {{
    listen 80 default_server;
    location /static/ {{ alias {path}/static/; }}
    location / {{
        proxy_pass http://unix:{path}/run/web.sock;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
}}
"""
# Debian 11's PostgreSQL still keeps passwords in a form that the rule for other hosts does not take.
CONFIGURATION = "listen_addresses = '*'\nmax_connections = 200\npassword_encryption = 'scram-sha-256'\n"
ROLES = """
CREATE ROLE shop LOGIN PASSWORD '{password}';
CREATE ROLE deploy_admin LOGIN SUPERUSER PASSWORD '{admin}';
CREATE DATABASE shop OWNER shop;
"""


class LabStage:
    """Hosts that an administrator has made ready for a first deploy."""

    #: Requests a second at most. The usual run of the tests sets it: more would slow it down, and show little more.
    most_requests = math.inf

    def __init__(self, app: list[str], db: str, suite: str, entrance: str, requirements: str = "") -> None:
        self.app, self.db, self.suite, self.entrance, self.requirements = app, db, suite, entrance, requirements
        names = [*app, *([] if db in app else [db])]
        self.lab = Lab(names, suite, prepare=self._prepare)
        self.changes: dict[str, t.Any] = {}
        self.password, self.admin, self.secret_key = (secrets.token_urlsafe(16) for _secret in range(3))

    @property
    def hosts(self) -> dict[str, Host]:
        """All hosts of the lab."""
        return self.lab.hosts

    @property
    def log(self) -> pathlib.Path:
        """Where everything that the playbooks say is collected."""
        return self.lab.base / "playbooks.log"

    # -- make ------------------------------------------------------------

    def _prepare(self, host: Host) -> None:
        if not (self.lab.base / "shop.git-work").exists():
            self.repository = shop.ShopRepository(self.lab.base, replaced=REPLACED.get(self.suite))
        host.binds = [(wheelhouse(self.suite, self.requirements), WHEELS), (self.repository.path, REPOSITORY)]
        for each in ("postgresql", "nginx"):
            if host.name != self.db if each == "postgresql" else host.name not in self.app:
                (host.root / "etc/systemd/system" / f"{each}.service").symlink_to("/dev/null")
        if host.name == self.db:
            (cluster,) = host.root.glob("etc/postgresql/*/main")
            (cluster / "conf.d" / "lab.conf").write_text(CONFIGURATION)
            with (cluster / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {host.net.subnet} scram-sha-256\n")
        if host.name in self.app and self.entrance == "link":
            host.put("/etc/nginx/sites-enabled/shop", SITE.format(path=PATH))

    def make_database(self) -> None:
        """Make the roles and the database, as an administrator does once."""
        roles = ROLES.format(password=self.password, admin=self.admin)
        self.hosts[self.db].run("runuser -u postgres -- psql -q -v ON_ERROR_STOP=1", stdin=roles)

    # -- deploy ----------------------------------------------------------

    def url(self, user: str = "shop", near: bool = False) -> str:
        """Give the database's URL for this machine, or for the application hosts."""
        password = self.admin if user == "deploy_admin" else self.password
        alone = near and self.app == [self.db]
        database = "postgres" if user == "deploy_admin" else "shop"
        return f"postgresql://{user}:{password}@{'127.0.0.1' if alone else self.hosts[self.db].address}:5432/{database}"

    def inventory(self, release: int, **changes: t.Any) -> dict[str, t.Any]:
        """Write the inventory of one deploy, as a user would; None leaves a variable out."""
        control = "" if self.suite == "bullseye" else " --no-control-socket"
        gunicorn = "{venv}/bin/gunicorn shop.wsgi --bind unix:{socket} --workers 2 --threads 4"
        variables: dict[str, t.Any] = {
            "deploy_app": "shop",
            "deploy_path": PATH,
            "deploy_user": "shop",
            "deploy_repository": f"file://{REPOSITORY}",
            "deploy_version": f"r{release}",
            "deploy_installer": "pip",
            "deploy_wheelhouse": WHEELS,
            "deploy_settings_module": "shop.settings",
            "deploy_environment": {
                "SECRET_KEY": self.secret_key,
                "ALLOWED_HOSTS": "localhost",
                "DATABASE_URL": self.url(near=True),
            },
            "deploy_required_environment": ["SECRET_KEY", "DATABASE_URL"],
            "deploy_shared_paths": ["media"],
            "deploy_units": [
                {"name": "web", "class": "web", "command": gunicorn + control},
                {"name": "worker", "class": "worker", "command": "{venv}/bin/python manage.py print_worker"},
            ],
            "deploy_ready_timeout": 30,
            "deploy_service_manager": "systemd",
            "deploy_database_admin_url": self.url("deploy_admin", near=True),
            # Without a rehearsal, which would keep broken migrations away.
            "deploy_strategy": "online",
            "deploy_rehearsal": "none",
            "deploy_force_online": True,
        }
        if self.entrance != "link":
            variables["deploy_entrance"] = self.entrance
        variables |= self.changes | changes
        return {
            "all": {
                "hosts": {name: {"ansible_host": self.hosts[name].address} for name in self.app},
                "vars": {
                    "ansible_user": "deployer",
                    "ansible_ssh_private_key_file": str(self.lab.key),
                    "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={self.lab.known_hosts}",
                    "ansible_python_interpreter": "/usr/bin/python3",
                    **{name: value for name, value in variables.items() if value is not None},
                },
            }
        }

    def start(
        self,
        name: str,
        release: int,
        *arguments: str,
        ansible: str = "",
        env: dict[str, str] | None = None,
        **changes: t.Any,
    ) -> contextlib.AbstractContextManager[playbook.Play]:
        """Start a playbook; the block gets a `Play` that can be killed or waited for."""
        with self.log.open("a") as log:
            log.write(f"\n===== {name}, release {release}, {changes} =====\n")
        environment = {
            "ANSIBLE_REMOTE_TEMP": "~/.ansible/tmp",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.lab.base / "cp"),
            # A connection that is kept open would not notice for minutes that a host is gone.
            "ANSIBLE_TIMEOUT": "5",
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=2 -o ServerAliveCountMax=3",
        }
        return playbook.start_playbook(
            name,
            self.inventory(release, **changes),
            *arguments,
            env={**environment, **(env or {})},
            base=self.lab.base,
            log=self.log,
            program=controller(ansible) if ansible else "",
        )

    def run(self, name: str, release: int, *arguments: str, timeout: float = 400, **more: t.Any) -> playbook.Result:
        """Run a playbook with the inventory of this release, variables changed; `ansible="2.16"` chooses a version."""
        with self.start(name, release, *arguments, **more) as play:
            return play.wait(timeout)

    def live(self, release: int, **changes: t.Any) -> None:
        """Make sure that this release serves everywhere, where release 1 was the first and has rows."""
        if not self.serving():
            self._succeed(1, **changes)
            shop.fill(self.url(), 5_000, 100)
        if {self.serving(name) for name in self.app} != {str(release)}:
            self._succeed(release, **changes)

    def take_back_columns(self) -> None:
        """Bring the orders back to the schema of release 2: a later column would be one that it cannot fill, or not pending."""
        for column in ("priority", "step"):
            self.execute(f"ALTER TABLE orders_order DROP COLUMN IF EXISTS {column}")
        self.execute("DELETE FROM django_migrations WHERE app = 'orders' AND name LIKE '0004_%'")

    def _succeed(self, release: int, **changes: t.Any) -> None:
        done = self.run("deploy.yml", release, **changes)
        if done.rc:
            raise RuntimeError(f"release {release} does not go live: {done.stdout[-8000:]}")

    # -- ask -------------------------------------------------------------

    def traffic(
        self, rate: float = 300, before: float = 3, after: float = 3
    ) -> contextlib.AbstractContextManager[Traffic]:
        """Send requests to nginx of all application hosts in turn, from outside, before, during and after the block."""
        entrances = [f"http://{self.hosts[name].address}" for name in self.app]
        rate = min(rate, self.most_requests)
        load = LoadProcess(entrances, readers=24, writers=6, rate=rate, max_seconds=600, max_requests=200_000)
        return traffic(self.url(), load, before, after)

    def version(self, host: str = "") -> dict[str, t.Any]:
        """Ask a host, through its nginx, what runs there; empty when nobody answers."""
        try:
            address = self.hosts[host or self.app[0]].address
            return dict(request(f"http://{address}", "GET", "/version/", timeout=10).json())
        except (OSError, ValueError):
            return {}

    def serving(self, host: str = "") -> str:
        """Name the release that a host serves, "" when it serves none."""
        return str(self.version(host).get("release", ""))

    def directory(self, host: str = "") -> str:
        """Name the directory of the release that a host serves: its id."""
        return pathlib.Path(self.version(host)["directory"]).name

    def look(self, host: str = "") -> Look:
        """Look around on a host."""
        return look(self.hosts[host or self.app[0]], PATH, "shop")

    def journal(self, host: str = "") -> list[dict[str, t.Any]]:
        """Read a host's journal."""
        return self.look(host).journal

    def manifests(self, host: str = "") -> dict[str, dict[str, t.Any]]:
        """Read the manifest of every release on a host."""
        return self.look(host).manifests

    def execute(self, statement: str, database: str = "shop") -> list[tuple[t.Any, ...]]:
        """Run one statement as the database's administrator and give its rows."""
        with contextlib.closing(psycopg2.connect(self.url("deploy_admin"), dbname=database)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []

    def catalog(self) -> list[tuple[t.Any, ...]]:
        """Read what the database looks like."""
        return self.execute(CATALOG)

    def databases(self) -> list[str]:
        """Name the databases."""
        return [name for (name,) in self.execute("SELECT datname FROM pg_database ORDER BY 1", "postgres")]

    def footprint(self) -> dict[str, t.Any]:
        """Describe all that a deploy changes, on all hosts."""
        found: dict[str, t.Any] = {name: (self.look(name).footprint, self.serving(name)) for name in self.app}
        return {**found, "catalog": self.catalog(), "databases": self.databases()}


@contextlib.contextmanager
def lab_stage(
    app: t.Sequence[str] = ("app1",),
    db: str = "",
    suite: str = "bookworm",
    entrance: str = "link",
    requirements: str = "",
) -> t.Iterator[LabStage]:
    """Boot the hosts and make the database: `db` is one of the application hosts, or one more.

    With the entrance `link` nginx has a minimal site that leads to it; with any other one the deploy must make it.
    requirements: of the wheels on the hosts, where these are not those of the print shop.
    """
    stage = LabStage(list(app), db or app[0], suite, entrance, requirements)
    wheelhouse(suite, requirements)
    with stage.lab:
        stage.make_database()
        yield stage
