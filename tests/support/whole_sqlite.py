# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The print shop on a SQLite file, and whole deploys of it (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import time
import types
import typing as t

from tests.demo.stage import Stage, end_leftovers
from tests.support import paths, shop, sqlite
from tests.support.load import Load
from tests.support.supervisor import Supervisor
from tests.support.whole import Footprint, Traffic, Whole, running_from

#: What becomes of the settings: a file from the URL, with a write-ahead log, as whoever has traffic on SQLite has it.
DATABASE = """
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": urllib.parse.urlsplit(os.environ["DATABASE_URL"]).path[1:],
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode = WAL"},
        "CONN_MAX_AGE": 60,
    }
}
"""
#: A NOT NULL that half of the orders violate, after the column was added and filled without a transaction.
FORGETTING = '''migrations.RunSQL(
            """CREATE TABLE orders_price (id integer PRIMARY KEY, price integer NOT NULL);
            INSERT INTO orders_price SELECT id, price FROM orders_order;""",
            state_operations=[migrations.AlterField("order", "price", models.IntegerField())],
        ),
'''
CATALOG = """
SELECT type, name, tbl_name, coalesce(sql, ''), '' FROM sqlite_master
UNION ALL SELECT 'migration', app, name, '', '' FROM django_migrations ORDER BY 1, 2, 3
"""


def on_sqlite(repository: shop.ShopRepository, number: int) -> str:
    """Add a release of the shop as one on SQLite; its tag."""
    tag = f"s{number}"
    if tag in repository.git("tag").split():
        return tag
    repository.git("checkout", "--quiet", repository.tag(number))
    files = {}
    for name, change in CHANGES.items():
        path = repository.path / name
        if path.exists():
            text = path.read_text()
            files[name] = change(text)
            assert files[name] != text, name
    repository.change(files, f"Release {number} on SQLite", tag)
    return tag


CHANGES: dict[str, t.Callable[[str], str]] = {
    "shop/settings.py": lambda text: re.sub(r"\nDATABASES = .*\n", DATABASE, text),
    "orders/management/commands/print_worker.py": lambda text: text.replace(
        "select_for_update(skip_locked=True)", "all()"
    ),
    "orders/migrations/0003_orders_by_payment.py": lambda text: text.replace(
        "from django.contrib.postgres.operations import AddIndexConcurrently\n", ""
    ).replace("AddIndexConcurrently", "migrations.AddIndex"),
    "orders/migrations/0004_order_price.py": lambda text: re.sub(
        r"migrations\.RunSQL\(\n.*?\n        \),\n", FORGETTING, text, flags=re.DOTALL
    ),
}


@dataclasses.dataclass
class SqliteStage(Stage):
    """The demo's stage without PostgreSQL."""

    @property
    def file(self) -> pathlib.Path:
        """Say where the database is."""
        return self.base / "srv" / "shared" / "data" / "db.sqlite3"

    def variables(self, release: int) -> dict[str, t.Any]:
        """Write the inventory of one deploy, as a user would."""
        own = {
            **super().variables(release),
            "deploy_version": on_sqlite(self.repository, release),
            "deploy_shared_paths": ["media", "data"],
        }
        return {
            name: own[name]
            for name in own
            if name not in ("deploy_database_admin_url", "deploy_postgresql_client_path")
        }

    def catalog(self) -> list[tuple[t.Any, ...]]:
        """Read what the database looks like."""
        return sqlite.ask(self.file, CATALOG)


class SqliteWhole(Whole):
    """Whole deploys of the shop on SQLite."""

    scene: SqliteStage

    def live(self, release: int, **changes: t.Any) -> None:
        """Make sure that this release serves, on a stage where release 1 was the first and has rows."""
        found = self.serving()
        if not found:
            done = self.run(1, **changes)
            assert done.rc == 0, done.stdout
            self.fill()
        if (found or "1") != str(release):
            done = self.run(release, **changes)
            assert done.rc == 0, done.stdout

    def fill(self, orders: int = 20_000) -> None:
        """Have some rows."""
        sqlite.ask(
            self.scene.file,
            "INSERT INTO accounts_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, "
            "date_joined, phone_number, avatar_url, created_at, updated_at) "
            "VALUES ('', 0, 'filled', '', '', '', 0, 1, '2026-01-01', '+49', '', '2026-01-01', '2026-01-01')",
        )
        sqlite.ask(
            self.scene.file,
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {orders}) "
            "INSERT INTO orders_order (user_id, token, payment_method, payment_screenshot, created_at) "
            "SELECT (SELECT max(id) FROM accounts_user), 'filled-' || i, CASE i % 2 WHEN 1 THEN 'card' ELSE 'cash' END, '', "
            "'2026-01-01' FROM n",
        )

    def lost(self, tokens: list[str]) -> list[str]:
        """Give the acknowledged writes that the file does not have."""
        there = {row[0] for row in sqlite.ask(self.scene.file, "SELECT token FROM orders_order")}
        return [token for token in tokens if token not in there]

    @contextlib.contextmanager
    def traffic(self) -> t.Iterator[Traffic]:
        """Send requests through the entrance while something happens, and for a while after it."""
        found = Traffic("")
        with Load(self.scene.entrance, readers=4, writers=2, rate=20, max_seconds=300) as load:
            time.sleep(1.5)
            yield found
            time.sleep(1.5)
            found.ended = load.report(time.monotonic() - 1.4)
            found.report = load.stop()
        found.lost = self.lost(found.report.acknowledged)

    def beside(self) -> list[str]:
        """List what lies beside the database, but for what a process that has it open keeps there."""
        return [name for name in sqlite.beside(self.scene.file) if not name.endswith(("-wal", "-shm"))]

    def footprint(self) -> Footprint:
        """Describe all that a deploy changes."""
        status = self.scene.supervisor.ctl("status").stdout.splitlines()
        return Footprint(
            serving=self.serving(),
            catalog=self.scene.catalog(),
            databases=[],
            programs=sorted(" ".join(line.split()[:2]) for line in status if line.strip()),
            processes=sorted(running_from(self.root)),
            sockets=sorted(path.name for path in (self.root / "run").iterdir()),
            definitions=sorted(path.name for path in self.scene.supervisor.include_dir.iterdir()),
            current=os.readlink(self.root / "current"),
        )


@contextlib.contextmanager
def whole(folder: pathlib.Path) -> t.Iterator[SqliteWhole]:
    """Set a stage up for the tests of one file; what the playbooks say is collected in `folder`."""
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(paths.short_directory("sd-sqlite-"))
        wheelhouse = shop.shop_wheelhouse()
        stack.callback(end_leftovers, base, {os.getpid()})
        supervisor = stack.enter_context(Supervisor(base))
        nothing: t.Any = types.SimpleNamespace(admin_url="", bin_dir="")
        scene = SqliteStage(
            base, nothing, supervisor, shop.ShopRepository(base), wheelhouse, folder / "playbooks.log", ""
        )
        scene.url = f"sqlite:///{scene.file}"
        yield SqliteWhole(scene)
