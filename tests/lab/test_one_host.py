# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys to one host over SSH: systemd, nginx and PostgreSQL, with customers outside (control node)."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest

from tests.lab.aside import aside
from tests.lab.look import Traffic
from tests.lab.stage import LENT, PATH, REHEARSED, LabStage
from tests.support.playbook import Result

REASONS = {
    3: "the printer queue does not answer",
    4: "migration orders.0004_order_reference failed in operation 3 of 3",
    6: "No module named 'shop.tracing'",
}
# The other cases of the same matrix: ./run test lab --long
FAILING = [pytest.param(release, marks=pytest.mark.long) for release in REASONS]
RATE = 300


@pytest.fixture(scope="module")
def stage(one_host: LabStage) -> LabStage:
    """Give one host that has everything."""
    return one_host


def deploy(
    stage: LabStage, release: int, what: str, before: float = 5, measured: bool = False, **changes: t.Any
) -> tuple[Result, Traffic]:
    with contextlib.ExitStack() as stack:
        traffic = stack.enter_context(stage.traffic(RATE, before))
        if measured:
            stack.enter_context(aside())
        result = stage.run("deploy.yml", release, **changes)
    traffic.told(what)
    return result, traffic


def test_nobody_notices_a_release_with_migrations(stage: LabStage, request: pytest.FixtureRequest) -> None:
    stage.live(1)
    measured, old = request.config.getoption("--long"), stage.directory()
    result, traffic = deploy(stage, 2, "online 1 -> 2", 60 if measured else 10, measured, **REHEARSED, **LENT)
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    # Figures of a machine that does something else too would say nothing: only who asks for them waits for them.
    if measured:
        assert traffic.report.requests / traffic.report.seconds > 0.95 * RATE
        assert traffic.during.p99_ms <= 2 * traffic.before.p99_ms
    assert set(traffic.report.versions) == {"1", "2"} and set(traffic.ended.versions) == {"2"}
    new, stands = stage.directory(), stage.look()
    names = [f"shop-{unit}-{new}.service" for unit in ("web", "worker")]
    assert new != old and stands.processes == [new] and stands.current == f"releases/{new}"
    assert stands.units == dict.fromkeys(names, "running")
    assert stands.enabled == stands.definitions == names
    assert stands.last["detail"]["result"] == "succeeded" and not stands.locked


@pytest.mark.parametrize("release", FAILING)
@pytest.mark.parametrize("strategy", ["online", pytest.param("maintenance", marks=pytest.mark.long)])
def test_a_release_that_fails_leaves_all_as_it_was(stage: LabStage, release: int, strategy: str) -> None:
    stage.live(2)
    before, reason = stage.footprint(), REASONS[release]
    result, traffic = deploy(
        stage, release, f"{strategy} 2 -> {release}, failed", deploy_strategy=strategy, deploy_ready_timeout=10
    )
    assert result.rc != 0 and reason in " ".join(result.report), result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert set(traffic.report.versions) == {"2"}
    assert strategy == "maintenance" or traffic.report.failed == 0, traffic.report.failures
    assert stage.footprint() == before
    end = stage.look().last
    assert end["detail"]["result"] == "rolled_back" and reason in end["detail"]["reason"]


@pytest.mark.long
def test_a_release_that_is_left_after_it_served_leaves_all_as_it_was(stage: LabStage) -> None:
    stage.live(2)
    before = stage.footprint()
    hook = stage.lab.base / "fail.yml"
    hook.write_text(json.dumps([{"name": "Fail on purpose", "ansible.builtin.fail": {"msg": "on purpose"}}]))
    result, traffic = deploy(
        stage, 5, "online 2 -> 5, left after the handover", deploy_hooks={"after_start": str(hook)}
    )
    assert result.rc != 0 and "on purpose" in " ".join(result.report), result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert "5" in traffic.report.versions and set(traffic.ended.versions) == {"2"}
    assert stage.footprint() == before
    assert not any(line.startswith("Trouble:") for line in result.report), result.report


@pytest.mark.long
def test_new_code_interpreter_and_dependencies_serve(stage: LabStage) -> None:
    stage.live(2)
    result, traffic = deploy(stage, 5, "online 2 -> 5")
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    told = stage.version()
    assert told["release"] == 5 and told["dependency"].startswith("papersizes 1.")
    assert told["directory"].startswith(f"{PATH}/releases/") and told["prefix"] == f"{told['directory']}/.venv"


@pytest.mark.long
def test_a_migration_that_the_old_release_cannot_live_with(stage: LabStage) -> None:
    if stage.serving() not in ("2", "5"):
        stage.live(2)
    result, traffic = deploy(stage, 7, "maintenance 5 -> 7", deploy_strategy="maintenance")
    assert result.rc == 0, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert set(traffic.ended.versions) == {"7"} and stage.serving() == "7"
    assert stage.databases() == ["postgres", "shop", "template0", "template1"]
