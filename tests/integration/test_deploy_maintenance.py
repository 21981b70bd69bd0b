# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys with a stop: what was acknowledged is there, and a failure leaves the database as before (control node)."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest

from tests.support.module import run_module
from tests.support.shop import APP
from tests.support.whole import Whole, whole

UNFIT = "the printer queue does not answer"
WRITE = (
    "INSERT INTO accounts_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,"
    " date_joined, phone_number, avatar_url, created_at, updated_at)"
    " VALUES ('', false, 'late', '', '', '', false, true, now(), '+490', '', now(), now())"
)
RECORDED = "DELETE FROM django_migrations WHERE app = 'orders'"
LATE = "SELECT count(*) FROM accounts_user WHERE username = 'late'"
WEIGHT = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("orders", "0004_order_priority")]
    operations = [
        migrations.RunSQL("ALTER TABLE orders_order ADD COLUMN weight integer NOT NULL DEFAULT 0", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE orders_order ALTER COLUMN weight DROP DEFAULT", migrations.RunSQL.noop),
    ]
"""

COLOUR = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [
        migrations.RunSQL("ALTER TABLE orders_order ADD COLUMN colour integer", "ALTER TABLE orders_order DROP COLUMN colour"),
    ]
"""


LABEL = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE orders_order ADD COLUMN label text", "ALTER TABLE orders_order DROP COLUMN label"
        ),
    ]
"""


# Its way back works on a scratch copy, and not behind a fence.
STUCK = """
from django.db import migrations

BACK = [
    "DO $$ BEGIN IF current_database() LIKE '%fenced%' THEN RAISE EXCEPTION 'not tonight'; END IF; END $$",
    "ALTER TABLE orders_order DROP COLUMN label",
]

class Migration(migrations.Migration):
    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [
        migrations.RunSQL(["ALTER TABLE orders_order ADD COLUMN label text NOT NULL DEFAULT ''"], BACK),
        migrations.RunSQL(["ALTER TABLE orders_order ALTER COLUMN label DROP DEFAULT"], []),
    ]
"""


# Half of it stays, and the old release cannot insert any more.
HALFWAY = """
from django.db import migrations

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [
        migrations.RunSQL("ALTER TABLE orders_order ADD COLUMN label text NOT NULL DEFAULT ''", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE orders_order ALTER COLUMN label DROP DEFAULT", migrations.RunSQL.noop),
        migrations.RunSQL("SELECT 1 / 0", migrations.RunSQL.noop),
    ]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Whole]:
    """Add releases that migrate well and are not fit to serve: 17 and 27 stand on 7, and 18 on 2, which works with what 18 does."""
    with whole(tmp_path_factory.mktemp("maintenance")) as scene:
        scene.changes = {"deploy_strategy": "maintenance", "deploy_ready_timeout": 30}
        repository = scene.scene.repository
        health = (APP / "releases" / "3-health-check-fails" / "shop" / "health.py").read_text()
        repository.git("checkout", "--quiet", repository.tag(7))
        repository.change({"shop/health.py": health, "shop/release.py": "RELEASE = 17\n"}, "Unfit", "r17")
        more = {"orders/migrations/0005_weight.py": WEIGHT, "shop/release.py": "RELEASE = 27\n"}
        repository.change(more, "Unfit, and heavier", "r27")
        repository.git("checkout", "--quiet", repository.tag(2))
        label = {"orders/migrations/0004_label.py": LABEL, "shop/release.py": "RELEASE = 18\n"}
        repository.change({"shop/health.py": health, **label}, "Unfit, with a label", "r18")
        repository.git("checkout", "--quiet", repository.tag(2))
        stuck = {"orders/migrations/0004_label.py": STUCK, "shop/release.py": "RELEASE = 28\n"}
        repository.change({"shop/health.py": health, **stuck}, "Unfit, and cannot go back", "r28")
        repository.git("checkout", "--quiet", repository.tag(2))
        halfway = {"orders/migrations/0004_label.py": HALFWAY, "shop/release.py": "RELEASE = 29\n"}
        repository.change(halfway, "Stops halfway", "r29")
        yield scene


@pytest.mark.long
def test_a_release_goes_live_with_a_stop(shop: Whole) -> None:
    shop.live(1)
    with shop.traffic() as traffic:
        result = shop.run(2)
    traffic.told("maintenance 1 -> 2")
    assert result.rc == 0, result.stdout
    assert traffic.lost == []
    assert traffic.ended.failed == 0 and set(traffic.ended.versions) == {"2"}
    stands = shop.footprint()
    assert stands.serving == "2" and stands.processes == [shop.directory()]
    assert stands.databases == ["postgres", "shop", "template0", "template1"]
    # One of its migrations makes an index concurrently, which no transaction can hold.
    assert "Way back:     a copy of the database" in result.stdout and copied(shop)
    assert shop.last()["detail"]["result"] == "succeeded" and not shop.locked()


def copied(shop: Whole) -> str:
    """Name of the safety copy of the last deploy with a stop, empty where there was none."""
    fences = [one for one in shop.records() if one["action"] == "database.fence" and one["event"] == "done"]
    return str(fences[-1]["undo"]["copy_name"])


# What the reason names, and whether the database had to be exchanged for the copy made behind the fence.
FAILING = {
    3: (UNFIT, False),
    4: ("migration orders.0004_order_reference failed in operation 3 of 3", False),
    6: ("No module named 'shop.tracing'", False),
    9: ('column "price" of relation "orders_order" contains null values', True),
    17: (UNFIT, True),
}


# What fails behind the stop with these fails with 17 too, or with 4 in one transaction.
SIMILAR = (3, 4, 6, 9)


@pytest.mark.parametrize(
    "release", [pytest.param(each, marks=pytest.mark.long) if each in SIMILAR else each for each in FAILING]
)
def test_the_old_release_comes_back(shop: Whole, release: int) -> None:
    reason, exchanged = FAILING[release]
    shop.live(2)
    before = shop.footprint()
    with shop.traffic() as traffic:
        result = shop.run(release, deploy_ready_timeout=8)
    traffic.told(f"maintenance 2 -> {release}, failed")
    assert result.rc != 0
    assert traffic.lost == []
    assert traffic.ended.failed == 0 and set(traffic.report.versions) == {"2"}
    end, stands = shop.last(), shop.footprint()
    # What a restore has exchanged is kept for a look.
    kept = [f"shop_failed_{end['deploy_id']}"] if exchanged else []
    assert stands.databases == sorted(before.databases + kept)
    stands.databases = before.databases
    assert stands == before
    said = " ".join(result.report)
    assert reason in said and f"release {shop.directory()} serves and is healthy" in said
    assert ("The database is put back" in said) == exchanged, said
    assert end["detail"]["result"] == "rolled_back" and not shop.locked()
    assert shop.manifests()[end["detail"]["release"]]["result"] == "rejected"


@pytest.mark.long
@pytest.mark.parametrize("release", [4, 7])
def test_in_one_transaction_nothing_is_copied(shop: Whole, release: int) -> None:
    shop.live(2)
    before = shop.footprint()
    with shop.traffic() as traffic:
        result = shop.run(release, deploy_safety="transaction")
    traffic.told(f"maintenance 2 -> {release}, in one transaction")
    assert traffic.lost == [] and traffic.ended.failed == 0
    assert copied(shop) == ""
    if release == 4:
        assert result.rc != 0 and "migration orders.0004_order_reference failed in operation 3 of 3" in " ".join(
            result.report
        )
        assert shop.footprint() == before and shop.last()["detail"]["result"] == "rolled_back"
    else:
        assert result.rc == 0 and shop.serving() == "7", result.stdout
        # The next test begins with release 2, which cannot fill this column.
        for undo in ("ALTER TABLE orders_order DROP COLUMN priority", f"{RECORDED} AND name LIKE '0004%'"):
            shop.scene.postgres.execute(undo, "shop")


@pytest.mark.long
def test_what_the_old_release_works_with_stays(shop: Whole) -> None:
    shop.live(2)
    with shop.traffic() as traffic:
        result = shop.run(18, deploy_ready_timeout=8, deploy_rehearsal="schema")
    traffic.told("maintenance 2 -> 18, failed after one transaction")
    said = " ".join(result.report)
    assert result.rc != 0 and UNFIT in said
    assert "Way back:     all migrations in one transaction; nothing is copied" in result.stdout and copied(shop) == ""
    assert traffic.lost == [] and traffic.ended.failed == 0 and set(traffic.ended.versions) == {"2"}
    assert (
        "Applied and still there: orders.0004_label. The database is left so, since the old release works with it."
        in said
    )
    assert ("orders_order", "label", "text", "YES", None) in shop.footprint().catalog and shop.serving() == "2"
    assert shop.last()["detail"]["result"] == "rolled_back" and not shop.locked()


TAKEN_BACK = "The migrations were taken back, which the rehearsal had proved; nothing was lost."


def test_what_only_adds_is_taken_back_in_place_of_a_copy(shop: Whole) -> None:
    shop.live(2)
    before = shop.footprint()
    with shop.traffic() as traffic:
        # With the oldest ansible-core, to which a number that a template gives is a text.
        result = shop.run(17, ansible="2.16", deploy_ready_timeout=8, deploy_rehearsal="schema")
    traffic.told("maintenance 2 -> 17, failed, and taken back")
    said = " ".join(result.report)
    assert result.rc != 0 and UNFIT in said and TAKEN_BACK in said, said
    assert "they can be taken back after it, as the rehearsal has proved; nothing is copied" in result.stdout
    assert copied(shop) == ""
    assert traffic.lost == [] and traffic.ended.failed == 0 and set(traffic.report.versions) == {"2"}
    assert shop.footprint() == before
    assert shop.last()["detail"]["result"] == "rolled_back" and not shop.locked()


@pytest.mark.long
def test_what_was_written_since_is_not_taken_back(shop: Whole) -> None:
    shop.live(2)
    late = writing_hook(shop)
    result = shop.run(17, deploy_ready_timeout=8, deploy_rehearsal="schema", deploy_hooks={"after_migrate": late})
    said = " ".join(result.report)
    assert result.rc != 0 and UNFIT in said and copied(shop) == ""
    for word in ("orders.0004_order_priority", "accounts_user", "would lose it", "deploy_database_compatible=true"):
        assert word in said, said
    assert TAKEN_BACK not in said and shop.scene.postgres.execute(LATE, "shop") == [(1,)]
    assert ("orders_order", "priority") in {row[:2] for row in shop.footprint().catalog}
    # The way out: a corrected release takes it from there.
    assert shop.run(7).rc == 0 and shop.serving() == "7"
    assert shop.scene.postgres.execute(LATE, "shop") == [(1,)]
    shop.scene.postgres.execute("DELETE FROM accounts_user WHERE username = 'late'", "shop")


@pytest.mark.long
def test_what_cannot_be_taken_back_after_all_stays_fenced(shop: Whole) -> None:
    """The old release is not started on a schema that it cannot work with, and the report says how to go on by hand."""
    shop.live(2)
    result = shop.run(28, deploy_ready_timeout=8, deploy_rehearsal="schema")
    said, end = " ".join(result.report), shop.last()
    assert result.rc != 0 and end["detail"]["result"] == "failed" and shop.serving() == "", said
    ((fenced,),) = shop.scene.postgres.execute("SELECT datname FROM pg_database WHERE datname LIKE '%fenced%'")
    for word in (f"the database stays fenced as {fenced}", "not tonight", "seamless.deploy.pg_fence, state=open"):
        assert word in said, said
    # By hand, as the report says.
    for statement in (
        "ALTER TABLE orders_order DROP COLUMN label",
        "DELETE FROM django_migrations WHERE app = 'orders' AND name = '0004_label'",
    ):
        shop.scene.postgres.execute(statement, fenced)
    opened = {"login_url": shop.scene.postgres.admin_url, "database": "shop", "fence_id": end["deploy_id"]}
    assert run_module("pg_fence", {**opened, "state": "open"})["changed"]
    again = shop.run(7)
    assert again.rc == 0, again.stdout
    assert shop.serving() == "7"


@pytest.mark.long
def test_a_migration_that_the_old_release_cannot_live_with(shop: Whole) -> None:
    shop.live(2)
    with shop.traffic() as traffic:
        result = shop.run(7)
    traffic.told("maintenance 2 -> 7")
    assert result.rc == 0, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0
    assert shop.serving() == "7"


def writing_hook(shop: Whole) -> str:
    """Make a hook that writes a row, as a customer would who comes in before the release is given up."""
    hook = shop.scene.base / "late.yml"
    code = f"import psycopg2; c = psycopg2.connect({shop.scene.url!r}); c.cursor().execute({WRITE!r}); c.commit()"
    argv = [str(shop.root / ".deploy" / "tools" / "bin" / "python"), "-c", code]
    hook.write_text(json.dumps([{"ansible.builtin.command": {"argv": argv}, "no_log": True}]))
    return str(hook)


@pytest.mark.long
def test_what_was_written_since_is_not_dropped(shop: Whole) -> None:
    shop.live(7)
    before = shop.footprint()
    result = shop.run(27, deploy_ready_timeout=8, deploy_hooks={"after_migrate": writing_hook(shop)})
    said = " ".join(result.report)
    print(*result.report, sep="\n")
    assert result.rc != 0 and UNFIT in said
    assert shop.scene.postgres.execute(LATE, "shop") == [(1,)]
    # Nothing is dropped, the way out is named, and the old release serves with what it does not know of.
    # The old release cannot insert any more: nothing is proven for it, and a person has to choose.
    for word in ("orders.0005_weight", "accounts_user", "would lose it", "deploy_database_compatible=true"):
        assert word in said
    assert "put back" not in said and "database.migrate" not in said.partition("Undone:")[2].partition("Database:")[0]
    stands, end = shop.footprint(), shop.last()
    assert stands.serving == "7" and stands.programs == before.programs and stands.current == before.current
    assert ("orders_order", "weight", "integer", "NO", None) in stands.catalog
    assert shop.manifests()[end["detail"]["release"]]["result"] == "rejected" and not shop.locked()
    # The way out: a corrected release takes it from there.
    repository = shop.scene.repository
    health = (APP / "base" / "shop" / "health.py").read_text()
    repository.change({"shop/health.py": health, "shop/release.py": "RELEASE = 37\n"}, "Fit", "r37")
    assert shop.run(37).rc == 0
    assert shop.serving() == "37" and shop.scene.postgres.execute(LATE, "shop") == [(1,)]


@pytest.mark.long
def test_a_backup_that_was_left_out_is_not_made_in_the_stop_either(shop: Whole) -> None:
    shop.live(2)
    files = {"shop/release.py": "RELEASE = 38\n", "orders/migrations/0099_colour.py": COLOUR}
    repository = shop.scene.repository
    repository.git("checkout", "--quiet", repository.tag(2))
    repository.change(files, "Colour", "r38")
    result = shop.run(38, "--skip-tags", "backup", deploy_database_admin_url=None)
    assert result.rc == 0 and shop.serving() == "38", result.stdout
    own = [one["action"] for one in shop.records() if one["deploy_id"] == shop.last()["deploy_id"]]
    assert "database.migrate" in own and "database.backup" not in own


# The last one: a person has to go on from here.
@pytest.mark.long
def test_without_an_admin_the_stop_has_a_backup_of_its_own(shop: Whole) -> None:
    shop.live(2)
    with shop.traffic() as traffic:
        result = shop.run(29, deploy_ready_timeout=8, deploy_database_admin_url=None)
    traffic.told("maintenance 2 -> 29 without an admin, failed")
    assert result.rc != 0 and traffic.lost == []
    own = [one for one in shop.records() if one["deploy_id"] == shop.last()["deploy_id"]]
    first, second = (
        one["detail"]["path"] for one in own if (one["action"], one["event"]) == ("database.backup", "done")
    )
    assert "Way back:     by hand" in result.stdout
    assert f"restore {second} with pg_restore" in " ".join(result.report)
    server = shop.scene.postgres
    orders = {}
    for name, path in {"first": first, "second": second}.items():
        server.create_database(name, "shop", server.passwords["shop"])
        program = str(server.bin_dir / "pg_restore")
        subprocess.run([program, "--no-owner", f"--dbname={server.url(name, 'shop')}", path], check=True)
        orders[name] = server.execute("SELECT max(created_at), count(*) FROM orders_order", name)[0]
        server.drop_database(name)
    until, saved = orders["second"]
    there = server.execute(f"SELECT count(*) FROM orders_order WHERE created_at <= '{until}'", "shop")[0][0]
    assert saved == there > orders["first"][1]
