# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other generations: Debian 11 and 13 as targets, and the versions of Ansible that are supported (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.lab.stage import LabStage, lab_stage
from tests.lab.wheels import ANSIBLE_PYTHONS

pytestmark = pytest.mark.long
# Python, and the first digits of the PostgreSQL that Debian brings.
TARGETS = {"bullseye": ("3.9", "13"), "trixie": ("3.13", "17")}


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host of Debian 12 with release 1."""
    with lab_stage() as scene:
        scene.live(1)
        yield scene


def go_live(stage: LabStage, release: int, what: str, **more: t.Any) -> None:
    with stage.traffic(100) as traffic:
        result = stage.run("deploy.yml", release, **more)
    traffic.told(what)
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert stage.serving() == str(release)


@pytest.mark.parametrize("suite", TARGETS)
def test_debian_as_target(suite: str) -> None:
    with lab_stage(suite=suite) as stage:
        stage.live(1)
        python, server = TARGETS[suite]
        assert stage.version()["python"].startswith(f"{python}.")
        assert stage.execute("SHOW server_version")[0][0].startswith(f"{server}.")
        go_live(stage, 2, f"{suite}, online 1 -> 2")
        before = stage.footprint()
        assert stage.run("deploy.yml", 4, deploy_strategy="maintenance").rc != 0
        assert stage.footprint() == before


# Up and down again: each version of Ansible deploys something.
@pytest.mark.parametrize(("ansible", "release"), list(zip(ANSIBLE_PYTHONS, (2, 5, 2))))
def test_ansible_as_controller(stage: LabStage, ansible: str, release: int) -> None:
    go_live(stage, release, f"ansible-core {ansible}, online to {release}", ansible=ansible)
    before = stage.footprint()
    result = stage.run("deploy.yml", 3, ansible=ansible, deploy_ready_timeout=10)
    assert result.rc != 0 and "the printer queue does not answer" in " ".join(result.report), result.stdout
    assert stage.footprint() == before
