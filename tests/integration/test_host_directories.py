# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_directories on a real file system (control node)."""

from __future__ import annotations

import os
import pathlib
import stat
import typing as t

import pytest

from tests.support.module import run_module


def call(check: bool = False, **params: t.Any) -> dict[str, t.Any]:
    return run_module("host_directories", params, check)


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directories_are_made_once_with_those_above(tmp_path: pathlib.Path) -> None:
    root = tmp_path / "srv" / "shop"
    paths = [str(root), str(root / "log")]
    planned = call(check=True, paths=paths)
    assert not root.parent.exists()
    result = call(paths=paths, look_for=[str(root), str(root / "other")])
    assert planned["made"] == result["made"] == [str(root.parent), *paths] and result["changed"] and planned["changed"]
    assert mode(root) == mode(root / "log") == mode(root.parent) == 0o755
    assert result["found"] == [str(root)]
    (root / "log").chmod(0o700)
    assert call(check=True, paths=paths)["changed"] and mode(root / "log") == 0o700
    assert call(paths=paths)["changed"] and mode(root / "log") == 0o755
    assert not call(paths=paths)["changed"]


def test_a_link_is_taken_as_it_is(tmp_path: pathlib.Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "shared").symlink_to(tmp_path / "elsewhere")
    assert not call(paths=[str(tmp_path / "shared")])["changed"]
    assert mode(tmp_path / "elsewhere") == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
def test_the_owner(tmp_path: pathlib.Path) -> None:
    paths = [str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    assert call(paths=paths, owner="nobody")["changed"]
    assert (tmp_path / "a").stat().st_uid == (tmp_path / "a" / "b").stat().st_uid != 0
    assert not call(paths=paths, owner="nobody")["changed"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"owner": "nobody-of-this-name"}, "there is no user nobody-of-this-name"),
        ({"mode": "rwx"}, "mode is 'rwx'"),
        ({"paths": ["{base}/file"]}, "is in the way: it is no directory"),
        ({"paths": ["{base}/file/log"]}, "is in the way: it is no directory"),
        ({"paths": ["{base}/gone"]}, "is in the way: it is no directory"),
        ({"paths": ["/proc/shop"]}, "there was an issue with /proc/shop"),
    ],
)
def test_what_cannot_be(tmp_path: pathlib.Path, params: dict[str, t.Any], said: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    given = {"paths": ["{base}/new"], **params}
    result = call(**{**given, "paths": [path.format(base=tmp_path) for path in given["paths"]]})
    assert result["failed"] and said in result["msg"], result
    assert not (tmp_path / "new").exists()
