# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys to a booted host that choose their strategy from a rehearsal, and what happens against its verdict (control node)."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from tests.lab.look import Traffic
from tests.lab.stage import REHEARSED, LabStage, lab_stage
from tests.support import shop
from tests.support.playbook import Result

RATE = 100
DATABASES = ["postgres", "shop", "template0", "template1"]
REMOVED = "accounts.0003_remove_user_google_id"
GOOGLE = ("accounts_user", "google_id")
# What many projects have in their health check.
COUNTS = """
from django.db.migrations.executor import MigrationExecutor

def health(request):
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return JsonResponse({"pending": len(pending)}, status=500 if pending else 200)
"""


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host whose deploys rehearse."""
    with lab_stage() as scene:
        scene.changes.update(REHEARSED)
        scene.live(1)
        yield scene


@pytest.fixture
def second() -> t.Iterator[LabStage]:
    """Boot one for this test alone, with release 2: what it does to the schema is not taken back."""
    with lab_stage() as scene:
        scene.changes.update(REHEARSED)
        first = scene.run("deploy.yml", 2)
        assert first.rc == 0, first.stdout
        shop.fill(scene.url(), 5_000, 100)
        yield scene


def deploy(stage: LabStage, release: int, what: str, rate: float = RATE, **changes: t.Any) -> tuple[Result, Traffic]:
    with stage.traffic(rate, before=3) as traffic:
        result = stage.run("deploy.yml", release, **changes)
    traffic.told(what)
    told = (
        "Strategy: ",
        "Rehearsal: ",
        "Not online: ",
        "Stop: ",
        "Stopped: ",
        "Held back: ",
        "Afterwards: ",
        "Reason: ",
    )
    for line in result.stdout.splitlines():
        text = line.strip(' ",')
        if text.startswith(told) or "db_default" in text:
            print(f"  {text}")
    return result, traffic


def columns(stage: LabStage) -> set[tuple[t.Any, ...]]:
    return set(stage.execute("SELECT table_name, column_name FROM information_schema.columns"))


def held_back(stage: LabStage) -> list[str]:
    return list(stage.manifests()[stage.directory()]["held_back"])


def moment(stage: LabStage, event: str, **wanted: str) -> float:
    """When the last deploy wrote such a record."""
    records = [each for each in stage.journal() if each["deploy_id"] == stage.look().last["deploy_id"]]
    (found,) = [each["at"] for each in records if each["event"] == event and wanted.items() <= each.items()][-1:]
    return datetime.datetime.fromisoformat(found).timestamp()


def change(stage: LabStage, on: str, files: dict[str, str], tag: str) -> str:
    stage.repository.git("checkout", "--quiet", on)
    stage.repository.change(files, tag, tag)
    return tag


@pytest.mark.long
def test_what_the_old_release_can_live_with_goes_online(stage: LabStage) -> None:
    result, traffic = deploy(stage, 2, "auto 1 -> 2")
    assert result.rc == 0, result.stdout
    assert "Strategy:     online:" in result.stdout and "Rehearsal:    on a copy of the schema" in result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert set(traffic.report.versions) == {"1", "2"} and set(traffic.ended.versions) == {"2"}
    assert stage.databases() == DATABASES


@pytest.mark.long
def test_what_it_cannot_live_with_stops_the_service_and_says_why(stage: LabStage) -> None:
    stage.live(2)
    result, traffic = deploy(stage, 7, "auto 2 -> 7")
    assert result.rc == 0, result.stdout
    plan = result.stdout
    assert "Strategy:     maintenance:" in plan and "Not online: orders.0004_order_priority is blocking" in plan, plan
    assert "db_default=" in plan and "Stop:         about" in plan, plan
    assert [line for line in result.report if line.startswith("Stopped: ") and "were predicted" in line], result.report
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert set(traffic.ended.versions) == {"7"}
    # The journal has whole seconds.
    stopped, switched = moment(stage, "intent", step="stop") - 1, moment(stage, "done", action="service.switch") + 2
    assert traffic.report.failed > 0 and traffic.between(stopped, switched).failed == traffic.report.failed
    assert stage.databases() == DATABASES


@pytest.mark.long
def test_forced_online_against_the_verdict_it_really_fails_requests(second: LabStage) -> None:
    result, traffic = deploy(second, 7, "forced online, 2 -> 7", deploy_force_online=True)
    assert result.rc == 0, result.stdout
    assert "Strategy:     online:" in result.stdout and "deploy_force_online is your word" in result.stdout
    # The INSERT of the old release, and nothing else, fails from the migration to the handover.
    failed = traffic.report.failed
    assert failed > 0 and traffic.report.failures == [f"{failed} x HTTP 500 from release 2"]
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert set(traffic.ended.versions) == {"7"}


@pytest.mark.long
def test_what_the_old_release_uses_goes_with_the_next_release(second: LabStage) -> None:
    following = change(second, "r8", {"NEWS": "Nothing but the next release.\n"}, "r8next")
    held, traffic = deploy(second, 8, "auto 2 -> 8")
    assert held.rc == 0 and "Strategy:     online:" in held.stdout, held.stdout
    assert f"Held back: {REMOVED}" in " ".join(held.report) and held_back(second) == [REMOVED]
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert second.serving() == "8" and GOOGLE in columns(second)
    after, traffic = deploy(second, 8, "auto 8 -> the next", deploy_version=following)
    assert after.rc == 0 and "Strategy:     online:" in after.stdout, after.stdout
    assert f"Migrated:  {REMOVED}" in " ".join(after.report) and held_back(second) == []
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert GOOGLE not in columns(second)


@pytest.mark.long
def test_a_health_check_that_counts_pending_migrations_needs_a_stop(second: LabStage) -> None:
    code = (second.repository.path / "shop" / "health.py").read_text()
    counting = change(second, "r8", {"shop/health.py": code + COUNTS}, "r8count")
    before = second.footprint()
    failed, traffic = deploy(second, 8, "counts, auto", deploy_version=counting, deploy_ready_timeout=8)
    assert failed.rc != 0 and f"Held back: {REMOVED}" in " ".join(failed.report), failed.stdout
    assert "deploy with deploy_strategy=maintenance" in " ".join(failed.report)
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert second.footprint() == before
    settings = (second.repository.path / "shop" / "settings.py").read_text()
    name = "health_check.contrib.migrations"
    files = {f"{name.replace('.', '/')[:end]}/__init__.py": "" for end in (12, 20, len(name))}
    files["shop/settings.py"] = settings.replace('    "orders",\n', f'    "orders",\n    "{name}",\n')
    known = change(second, "r8", {**files, "shop/health.py": code + COUNTS}, "r8known")
    result, traffic = deploy(second, 8, "counts and is known, auto", deploy_version=known)
    assert result.rc == 0, result.stdout
    assert f"Not online: {REMOVED} would have to wait, and its health check ({name})" in result.stdout, result.stdout
    assert "Strategy:     maintenance:" in result.stdout and GOOGLE not in columns(second)
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures


@pytest.mark.long
def test_a_lent_database_is_enough_for_a_role_that_may_not_create_any(second: LabStage) -> None:
    """And what it holds back by hand waits until somebody says so."""
    second.execute("CREATE DATABASE scratch OWNER shop", "postgres")
    assert second.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = 'shop'") == [(False,)]
    lent = {"deploy_scratch_database": "scratch", "deploy_database_admin_url": None}
    before = second.footprint()
    failed, traffic = deploy(second, 4, "lent, 2 -> 4", **lent)
    assert failed.rc != 0 and "with the data of a backup" in " ".join(failed.report), failed.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert second.footprint() == before and relations(second, "scratch") == []
    online, traffic = deploy(second, 8, "lent, 2 -> 8", deploy_contract="manual", **lent)
    assert online.rc == 0 and "Strategy:     online:" in online.stdout, online.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert GOOGLE in columns(second) and held_back(second) == [REMOVED]
    said, traffic = deploy(second, 8, "lent, 8 again, after", deploy_contract="after", **lent)
    assert said.rc == 0 and f"Afterwards: {REMOVED}" in " ".join(said.report), said.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert GOOGLE not in columns(second) and held_back(second) == []
    assert relations(second, "scratch") == [] and second.databases() == sorted([*DATABASES, "scratch"])


def relations(stage: LabStage, database: str) -> list[tuple[t.Any, ...]]:
    return stage.execute("SELECT relname FROM pg_class WHERE relnamespace >= 16384 OR oid >= 16384", database)
