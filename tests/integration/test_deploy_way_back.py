# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks, status, going back by hand, and backing out of a deploy that was killed (control node)."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import threading
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _journal

from tests.support.playbook import Result
from tests.support.whole import Whole, whole

SLOW = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [
        migrations.RunSQL("ALTER TABLE orders_order ADD COLUMN weight integer"),
        migrations.RunSQL("SELECT pg_sleep(60)"),
    ]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Whole]:
    """Add release 12, which is 2 in another colour, and 18, whose migration takes a minute."""
    with whole(tmp_path_factory.mktemp("way-back")) as scene:
        scene.changes = {"deploy_ready_timeout": 30}
        repository = scene.scene.repository
        repository.git("checkout", "--quiet", repository.tag(2))
        repository.change({"shop/release.py": "RELEASE = 12\n"}, "Release 12", "r12")
        repository.change({"orders/migrations/0004_slow.py": SLOW, "shop/release.py": "RELEASE = 18\n"}, "Slow", "r18")
        yield scene


def test_hooks_run_with_the_facts_of_the_deploy(shop: Whole) -> None:
    shop.live(1)
    told, hooks = shop.scene.base / "hooks.log", {}
    order = ("pull", "install", "collectstatic", "backup", "stop", "migrate", "start", "verify")
    names = [f"{when}_{word}" for word in order for when in ("before", "after")]
    for name in names:
        known = "{{ __deploy_release.release }}" if name != "before_pull" else "nothing pulled yet"
        line = f"{name}: {{{{ deploy_app }}}} {known}"
        task = {"ansible.builtin.lineinfile": {"path": str(told), "line": line, "create": True, "mode": "0600"}}
        hooks[name] = str(shop.scene.base / f"{name}.yml")
        pathlib.Path(hooks[name]).write_text(json.dumps([{"name": f"Hook {name}", **task}]))
    result = shop.run(2, deploy_strategy="maintenance", deploy_hooks=hooks)
    assert result.rc == 0, result.stdout
    release = shop.directory()
    expected = [f"{name}: shop {release if name != 'before_pull' else 'nothing pulled yet'}" for name in names]
    assert told.read_text().splitlines() == expected


def test_status_tells_what_is_live(shop: Whole) -> None:
    shop.live(2)
    result = shop.run(2, name="status.yml")
    said = "\n".join(result.report)
    print(said)
    live, commit = shop.directory(), shop.scene.repository.commit(2)
    assert (result.rc, result.changed) == (0, 0), result.stdout
    assert f"Live:         {live} ({commit[:12]})" in said
    assert f"release {live} answers 200" in said
    assert "Unfinished:   none" in said and "Deploy now:   none" in said and "Way back:     none" not in said


def test_back_to_the_previous_release_by_hand(shop: Whole) -> None:
    shop.live(2)
    before = shop.footprint()
    shop.live(12)
    left = shop.directory()
    with shop.traffic() as traffic:
        result = shop.run(12, name="rollback.yml")
    traffic.told("rollback 12 -> 2")
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.report.versions) == {"2", "12"} and set(traffic.ended.versions) == {"2"}
    assert shop.footprint() == before
    assert shop.manifests()[left]["result"] == "rejected"
    assert shop.last()["detail"]["result"] == "succeeded" and not shop.locked()


@pytest.mark.long
def test_a_release_that_was_there_already_ends_with_the_deploy_that_fails(shop: Whole) -> None:
    shop.live(12)
    shop.live(2)
    before, hook = shop.footprint(), shop.scene.base / "fails.yml"
    hook.write_text(json.dumps([{"name": "Ask the neighbours", "ansible.builtin.fail": {"msg": "not tonight"}}]))
    with shop.traffic() as traffic:
        result = shop.run(12, deploy_hooks={"after_start": str(hook)})
    assert result.rc != 0 and "not tonight" in " ".join(result.report), result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    actions = [one["action"] for one in shop.records() if one["deploy_id"] == shop.last()["deploy_id"]]
    assert "release.pull" not in actions and set(traffic.report.versions) == {"2", "12"}
    assert shop.footprint() == before


@pytest.mark.long
def test_a_deploy_killed_after_the_switch(shop: Whole) -> None:
    shop.live(2)
    gate, hook = shop.scene.base / "gate", shop.scene.base / "wait.yml"
    wait = {"ansible.builtin.wait_for": {"path": str(gate), "timeout": 100, "sleep": 1}}
    hook.write_text(json.dumps([{"name": "Wait at the gate", **wait}]))
    before = shop.footprint()
    with shop.traffic() as traffic:
        try:
            with killed_when(shop, lambda: shop.serving() == "12", 12, deploy_hooks={"after_start": str(hook)}):
                assert shop.locked()
            taken_over(shop)
        finally:
            gate.touch()
    traffic.told("killed after the switch, taken over")
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.ended.versions) == {"2"}
    assert shop.footprint() == before


@pytest.mark.long
def test_a_deploy_killed_while_it_starts_the_live_release_again(shop: Whole) -> None:
    shop.live(2)
    before = shop.footprint()
    shop.scene.supervisor.ctl("stop", "all")
    with killed_when(shop, lambda: shop.serving() == "2", 2):
        assert shop.locked()
    result = shop.run(2, name="recover.yml")
    assert result.rc == 0, result.stdout
    assert shop.footprint() == before and not shop.locked()


@pytest.mark.long
def test_a_deploy_killed_in_a_migration(shop: Whole) -> None:
    shop.live(2)
    before = shop.footprint()

    def migrating() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'"
        return shop.scene.postgres.execute(query) != [(0,)]

    with shop.traffic() as traffic:
        with killed_when(shop, migrating, 18, deploy_strategy="maintenance"):
            assert shop.locked() and shop.serving() == ""
        deploy_id = unfinished(shop)
        taken_over(shop, deploy_strategy="maintenance")
    traffic.told("killed in a migration, taken over")
    assert traffic.lost == []
    assert traffic.ended.failed == 0 and set(traffic.report.versions) == {"2"}
    stands = shop.footprint()
    # What was exchanged for the safety copy is kept for a look.
    stands.databases.remove(f"shop_failed_{deploy_id}")
    assert stands == before
    assert not migrating()


def test_a_deploy_killed_behind_the_fence_is_taken_back(shop: Whole) -> None:
    shop.live(2)
    before, known = shop.footprint(), len(shop.records())
    stop = {"deploy_strategy": "maintenance", "deploy_rehearsal": "schema"}

    def migrated() -> bool:
        return any((one["action"], one["event"]) == ("database.migrate", "done") for one in shop.records()[known:])

    with shop.traffic() as traffic:
        with killed_when(shop, migrated, 7, **stop):
            assert shop.locked() and shop.serving() == ""
        deploy_id = unfinished(shop)
        taken_over(shop, **stop)
    traffic.told("killed after the migration, taken back")
    own = [one for one in shop.records() if one["deploy_id"] == deploy_id]
    fenced = [one for one in own if (one["action"], one["event"]) == ("database.fence", "done")]
    # Where it was opened just before the kill, the way back has closed it once more.
    assert {one["undo"]["copy_name"] for one in fenced} == {""}
    back = [
        one for one in own if one["action"] == "database.migrate" and one["step"] == "back" and one["event"] == "done"
    ]
    assert [one["detail"]["applied"] for one in back] == [["orders.0004_order_priority"]]
    assert traffic.lost == []
    assert traffic.ended.failed == 0 and set(traffic.report.versions) == {"2"}
    assert shop.footprint() == before


@contextlib.contextmanager
def killed_when(shop: Whole, reached: t.Callable[[], bool], release: int, **changes: t.Any) -> t.Iterator[None]:
    """Start a deploy, and end ansible-playbook as an AWX timeout does once this point is reached."""
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(shop.run(release, **changes)))
    thread.start()
    while not reached():
        assert thread.is_alive(), results[0].stdout
        time.sleep(0.1)
    os.kill(playbook_process(shop.scene.base), signal.SIGKILL)
    thread.join()
    assert results[0].rc == -signal.SIGKILL
    yield


def playbook_process(base: pathlib.Path) -> int:
    """Find the one ansible-playbook that this test has started on its stage."""
    for listing in pathlib.Path("/proc/self/task").glob("*/children"):
        for child in listing.read_text().split():
            line = pathlib.Path("/proc", child, "cmdline").read_bytes().decode()
            if "ansible-playbook" in line and f"{base}/" in line:
                return int(child)
    raise AssertionError("no ansible-playbook runs")


def unfinished(shop: Whole) -> str:
    """Name the deploy that began and never ended."""
    records = [_journal.JournalRecord.from_json(record) for record in shop.records()]
    (deploy_id,) = _journal.unfinished(records)
    return deploy_id


def taken_over(shop: Whole, **changes: t.Any) -> None:
    """Back out of the killed deploy with one run, as the refusal says."""
    deploy_id = unfinished(shop)
    result = shop.run(2, "-e", f"rollback_take_over={deploy_id}", name="rollback.yml", **changes)
    print(*result.report, sep="\n")
    assert result.rc == 0, result.stdout
    assert "ended from outside" in " ".join(result.report)
    (end,) = [r for r in shop.records() if r["deploy_id"] == deploy_id and r["event"] == "end"]
    assert end["detail"]["result"] == "rolled_back"
    assert not shop.locked() and shop.serving() == "2"


def test_back_over_migrations_by_what_is_proven(shop: Whole) -> None:
    shop.live(2)
    ids = {
        manifest["source"]["version"]: name
        for name, manifest in shop.manifests().items()
        if manifest["result"] == "good"
    }
    with shop.traffic() as traffic:
        back = shop.run(2, "-e", f"rollback_to={ids['r1']}", name="rollback.yml")
    traffic.told("rollback 2 -> 1, over columns that may be null")
    assert back.rc == 0 and shop.serving() == "1", back.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures

    done = shop.run(7, deploy_strategy="maintenance")
    assert done.rc == 0, done.stdout
    before = shop.footprint()
    refused = shop.run(7, "-e", f"rollback_to={ids['r1']}", name="rollback.yml")
    said = " ".join(refused.report)
    assert refused.rc != 0
    for word in ("orders.0004_order_priority", "orders_order.priority", "deploy_database_compatible=true", ids["r1"]):
        assert word in said, said
    assert shop.footprint() == before and not shop.locked()
