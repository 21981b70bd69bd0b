# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate and django_info with the releases of the sample application (control node)."""

from __future__ import annotations

import pathlib
import shutil
import typing as t

import pytest

from tests.support.django_calls import Migrate, ids
from tests.support.django_project import Project, django_python
from tests.support.shop import APP, fill

RELEASES = {
    2: "2-nullable-columns",
    4: "4-atomic-migration-fails",
    7: "7-not-null-default-dropped",
    8: "8-dropped-column",
    9: "9-non-atomic-migration-fails",
}
COLUMNS = (
    "SELECT attname FROM pg_attribute WHERE attrelid = 'orders_order'::regclass AND attnum > 0 AND NOT attisdropped"
)


class Shop:
    """The shop at one release after the other, in one directory."""

    def __init__(self, base: pathlib.Path, database: t.Any) -> None:
        self.path = base / "shop"
        self.database = database
        shutil.copytree(APP / "base", self.path)
        project = Project.__new__(Project)
        project.path = self.path
        self.migrate = Migrate(project, django_python(), database.url, base)
        self.migrate.params["environment"] = {"DATABASE_URL": database.url, "SECRET_KEY": "for-this-test"}

    def release(self, number: int) -> Migrate:
        """Lay a release over the last one."""
        shutil.copytree(APP / "releases" / RELEASES[number], self.path, dirs_exist_ok=True)
        return self.migrate

    def columns(self) -> set[str]:
        """Give the columns of the orders."""
        return {row[0] for row in self.database.execute(COLUMNS)}


@pytest.fixture
def shop(tmp_path: pathlib.Path, database: t.Any) -> Shop:
    """Give the shop at release 1 with some orders."""
    shop = Shop(tmp_path, database)
    shop.migrate()
    fill(database.url, orders=500, users=10)
    return shop


def test_second_release_makes_its_index_concurrently(shop: Shop) -> None:
    migrate = shop.release(2)
    planned = {item["id"]: item for item in migrate(check_mode=True)["plan"]}
    assert not planned["orders.0003_orders_by_payment"]["atomic"]
    assert "CONCURRENTLY" in " ".join(planned["orders.0003_orders_by_payment"]["sql"])
    done = migrate()
    assert ids(done["applied"]) == list(planned) and done["model_changes"] == {}
    assert shop.database.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    assert not migrate()["changed"]


def test_atomic_failure_on_data(shop: Shop) -> None:
    shop.release(2)()
    before = shop.columns()
    error = shop.release(4).fails()
    assert (
        "orders.0004_order_reference failed in operation 3 of 3" in error.msg and "rolled back completely" in error.msg
    )
    assert shop.columns() == before and "Nothing else was applied" in error.msg


def test_non_atomic_failure_on_data(shop: Shop) -> None:
    shop.release(2)()
    error = shop.release(9).fails()
    facts = t.cast(dict, error.result["failure"])
    assert facts["sqlstate"] == "23502" and facts["operation"]["number"] == 3 and not facts["rolled_back"]
    assert len(facts["completed_operations"]) == 2 and "price" in shop.columns()


@pytest.mark.parametrize("number", [7, 8])
def test_releases_that_succeed_and_go_back(shop: Shop, number: int) -> None:
    shop.release(2)()
    before = shop.columns()
    done = shop.release(number)()
    [applied] = ids(done["applied"])
    app = applied.partition(".")[0]
    [target] = [name.partition(".")[2] for name in done["before"] if name.startswith(app + ".")]
    back = shop.migrate(app=app, name=target)
    assert ids(back["applied"]) == [applied] and back["after"] == done["before"] and shop.columns() == before
