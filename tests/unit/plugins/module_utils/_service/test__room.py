# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room for systemd to read new units."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _room


def disk(free_kib: int) -> t.Callable[[str], os.statvfs_result]:
    return lambda _path: os.statvfs_result((1024, 1024, 50_000, free_kib, free_kib, 0, 0, 0, 0, 255))


def test_sixteen_mebibytes_are_enough() -> None:
    _room.check_room_for_units(disk(16 * 1024))


def test_less_is_refused_with_what_is_free() -> None:
    with pytest.raises(DeployError, match=r"no room in /run/systemd: 20 KiB are free.* 16 MiB; .*make room"):
        _room.check_room_for_units(disk(20))


def test_a_host_without_systemd_has_nothing_to_say() -> None:
    def missing(_path: str) -> os.statvfs_result:
        raise FileNotFoundError

    _room.check_room_for_units(missing)
