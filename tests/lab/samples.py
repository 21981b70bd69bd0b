# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The applications with Alembic on one booted host, deployed over SSH (control node)."""

from __future__ import annotations

import contextlib
import typing as t

from tests.lab.host import Host
from tests.lab.look import Look, Traffic, look, traffic
from tests.lab.stage import CONFIGURATION, PATH, SITE, LabStage
from tests.lab.wheels import wheelhouse
from tests.support import notes_api, visits
from tests.support.load_process import LoadProcess

NAMES = {"notes_api": notes_api, "visits": visits}
REPOSITORIES = {"notes_api": notes_api.NotesRepository, "visits": visits.VisitsRepository}
REPOSITORY = "/srv/git/sample"
DATA = f"{PATH}/shared/data/visits.db"


class SampleStage(LabStage):
    """One host for a sample application, whose database is that of the host, or a file of SQLite."""

    def __init__(self, name: str, engine: str, suite: str = "bookworm") -> None:
        self.name, self.engine, self.sample = name, engine, NAMES[name]
        self.house = wheelhouse(suite, f"{self.sample.requirements()}uv\n")
        super().__init__(["app1"], "app1", suite, "link")

    def _prepare(self, host: Host) -> None:
        more: dict[str, t.Any] = {"house": self.house} if self.name == "visits" else {}
        self.repository = REPOSITORIES[self.name](self.lab.base, **more)
        # At the same place as here: the lock file of uv names it.
        host.binds = [(self.house, str(self.house)), (self.repository.path, REPOSITORY)]
        (cluster,) = host.root.glob("etc/postgresql/*/main")
        (cluster / "conf.d" / "lab.conf").write_text(CONFIGURATION)
        with (cluster / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {host.net.subnet} scram-sha-256\n")
        host.put("/etc/nginx/sites-enabled/shop", SITE.format(path=PATH))

    def application_url(self, near: bool = True) -> str:
        """Give the application's database as it sees it, or as this machine does."""
        if self.engine == "sqlite":
            return f"sqlite:///{DATA if near else self.hosts['app1'].root / DATA.lstrip('/')}"
        return self.url(near=near)

    def inventory(self, release: int, **changes: t.Any) -> dict[str, t.Any]:
        """Write the inventory of one deploy, as a user would; the strategy is left to the rehearsal."""
        url = self.application_url()
        own = self.sample.variables(self.repository, release, url, self.house)
        variables: dict[str, t.Any] = {
            **own,
            "deploy_repository": f"file://{REPOSITORY}",
            "deploy_python": "/usr/bin/python3",
            "deploy_database_url": url,
            "deploy_database_admin_url": self.url("deploy_admin", near=True) if self.engine == "postgresql" else None,
            "deploy_settings_module": None,
            "deploy_strategy": "auto",
            "deploy_rehearsal": "auto",
            "deploy_force_online": False,
        }
        return super().inventory(release, **{**variables, **changes})

    def live(self, release: int, **changes: t.Any) -> None:
        """Make sure that this release serves, where release 1 was the first and has rows."""
        if not self.serving():
            self._succeed(1, **changes)
            self.sample.fill(self.application_url(near=False))
        if self.serving() != str(release):
            self._succeed(release, **changes)

    def look(self, host: str = "") -> Look:
        """Look around on the host."""
        return look(self.hosts[host or "app1"], PATH, self.name.partition("_")[0])

    def traffic(
        self, rate: float = 100, before: float = 3, after: float = 3
    ) -> contextlib.AbstractContextManager[Traffic]:
        """Send requests to nginx from outside; every acknowledged write is looked for in the database afterwards."""
        entrances = [f"http://{self.hosts['app1'].address}"]
        load = LoadProcess(entrances, readers=12, writers=4, rate=rate, max_seconds=600, path=self.sample.PATH)
        url = self.application_url(near=False)
        return traffic(url, load, before, after, table=self.sample.TABLE)


@contextlib.contextmanager
def sample_stage(name: str, engine: str = "postgresql") -> t.Iterator[SampleStage]:
    """Boot one host and make the database."""
    stage = SampleStage(name, engine)
    with stage.lab:
        stage.make_database()
        yield stage
