# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deploy lock on a real file system."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._lock import Holder, Lock, Signs, why_stale


def holder(deploy_id):
    return Holder(deploy_id, "ops", "AWX job 7", "2026-11-21T01:02:03Z")


@pytest.fixture
def lock(tmp_path):
    return Lock(str(tmp_path / "lock"))


def test_the_second_learns_who_holds_it(lock):
    assert lock.take(holder("d1")) is None
    found = lock.take(holder("d2"))
    assert found.sentence() == "ops holds the lock since 2026-11-21T01:02:03Z, for deploy d1, from AWX job 7"


def test_taking_it_twice_for_one_deploy_is_fine(lock):
    assert lock.take(holder("d1")) is None
    assert lock.take(holder("d1")) is None


def test_of_many_at_once_exactly_one_gets_it(lock):
    barrier, won = threading.Barrier(8), []

    def contend(number):
        barrier.wait()
        if lock.take(holder(f"d{number}")) is None:
            won.append(number)

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert lock.holder().deploy_id == f"d{won[0]}"


def test_release(lock):
    lock.take(holder("d1"))
    assert lock.release("d1") is True
    assert lock.holder() is None
    assert lock.release("d1") is False


def test_a_foreign_lock_is_never_released(lock):
    lock.take(holder("d1"))
    assert lock.release("d2") is False
    assert lock.holder().deploy_id == "d1"


def test_nothing_is_left_beside_it(lock, tmp_path):
    lock.take(holder("d1"))
    lock.take(holder("d2"))
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_damaged_lock_is_said(lock):
    with open(lock.path, "w", encoding="utf-8") as file:
        file.write("{")
    with pytest.raises(DeployError, match="is damaged"):
        lock.holder()


def test_one_of_many_takes_a_stale_lock_over(lock):
    lock.take(holder("d0"))
    barrier, won = threading.Barrier(8), []

    def contend(number):
        barrier.wait()
        if lock.take_over(holder(f"d{number}"), "d0"):
            won.append(number)

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and lock.holder().deploy_id == f"d{won[0]}"


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (Signs(), ""),
        (Signs(silent=899), ""),
        (Signs(silent=900), "nothing was heard of it for 900 seconds"),
        (Signs(silent=9000, running="database.migrate"), ""),
        (Signs(booted=True), "the host was booted since"),
        (Signs("gone"), "its ansible-playbook has ended"),
        (Signs("gone", running="database.migrate"), "its ansible-playbook has ended"),
        (Signs("alive", booted=True, silent=9000), ""),
    ],
    ids=["fresh", "almost", "silent", "silent but working", "booted", "gone", "gone but working", "alive"],
)
def test_when_a_lock_is_stale(signs, expected):
    assert why_stale(signs, 900) == expected
