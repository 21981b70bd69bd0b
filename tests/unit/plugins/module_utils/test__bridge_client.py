# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the bridge is published and what is kept secret (any interpreter, no Django)."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _bridge_client, _bridge_publish
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def test_hash_follows_the_content() -> None:
    files = {"a": "x", "b": "y"}
    assert _bridge_publish.content_hash(files) == _bridge_publish.content_hash(dict(reversed(list(files.items()))))
    assert _bridge_publish.content_hash({"a": "xb", "b": ""}) != _bridge_publish.content_hash({"a": "x", "b": "b"})
    assert len(_bridge_publish.content_hash(files)) == 16


def test_published_once_readable_by_all_and_kept(tmp_path: pathlib.Path) -> None:
    base = tmp_path / "deep" / "bridge"
    old = base / "0123456789abcdef"
    old.mkdir(parents=True)
    before = os.umask(0o077)
    try:
        assert not _bridge_publish.published(str(base), DJANGO)
        run = pathlib.Path(_bridge_publish.publish(str(base), DJANGO))
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in run.parent.rglob("*") if path.is_file()}
    assert modes == {0o644} and stat.S_IMODE(run.parent.stat().st_mode) == 0o755
    inode = run.stat().st_ino
    assert pathlib.Path(_bridge_publish.publish(str(base), DJANGO)) == run and run.stat().st_ino == inode
    assert _bridge_publish.published(str(base), DJANGO) and old.is_dir()
    assert sorted(path.name for path in base.iterdir()) == sorted([old.name, run.parent.name])


def test_frameworks_lie_beside_each_other(tmp_path: pathlib.Path) -> None:
    django = pathlib.Path(_bridge_publish.publish(str(tmp_path), DJANGO))
    assert not _bridge_publish.published(str(tmp_path), ALEMBIC)
    alembic = pathlib.Path(_bridge_publish.publish(str(tmp_path), ALEMBIC))
    assert django.parent != alembic.parent and _bridge_publish.published(str(tmp_path), DJANGO)


@pytest.mark.parametrize("damage", ["missing", "changed", "empty"])
def test_incomplete_one_is_replaced(tmp_path: pathlib.Path, damage: str) -> None:
    run = pathlib.Path(_bridge_publish.publish(str(tmp_path), DJANGO))
    part = run.parent / "seamless_bridge" / "module_utils" / "_bridge" / "_entry.py"
    if damage == "missing":
        part.unlink()
    else:
        part.write_text("" if damage == "empty" else part.read_text() + "#")
    assert not _bridge_publish.published(str(tmp_path), DJANGO)
    assert _bridge_publish.publish(str(tmp_path), DJANGO) == str(run)
    assert _bridge_publish.published(str(tmp_path), DJANGO)


def test_one_that_others_can_write_is_not_run(tmp_path: pathlib.Path) -> None:
    run = pathlib.Path(_bridge_publish.publish(str(tmp_path), DJANGO))
    run.parent.chmod(0o777)
    with pytest.raises(DeployError, match="could have been written by another user"):
        _bridge_publish.publish(str(tmp_path), DJANGO)


def test_place_that_cannot_be_written(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeployError, match="below bridge_path .*; name a directory"):
        _bridge_publish.publish(str(tmp_path / "file"), DJANGO)


def test_environment_is_that_of_an_activated_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "pyvenv.cfg").write_text("")
    python = str(tmp_path / "bin" / "python")
    found = _bridge_client.process_environment(python, {"A": "1"}, "/usr/bin")
    assert found == {
        "A": "1", "VIRTUAL_ENV": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/bin", "PGCONNECT_TIMEOUT": "10",
    }  # fmt: skip
    assert _bridge_client.process_environment("/usr/bin/python3", {"PGCONNECT_TIMEOUT": "3"}, "/x") == {
        "PGCONNECT_TIMEOUT": "3"
    }


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DEBUG": "0", "APP": "shop", "LANG": "C.UTF-8"}, set()),
        ({"DB_PASSWORD": "word1", "SECRET_KEY": "word2", "API_TOKEN": "word3"}, {"word1", "word2", "word3"}),
        ({"PASS": "abc"}, set()),  # too short to be hidden without hiding everything
        ({"CACHE": "redis://h:6379/0"}, set()),
        ({"CACHE": "redis://:p%40ss@h/0"}, {"redis://:p%40ss@h/0", "p%40ss", "p@ss"}),
        ({"URL": "postgres://u:pa/ss@h/n"}, {"postgres://u:pa/ss@h/n", "pa/ss"}),
    ],
)
def test_what_is_secret_in_an_environment(environment: dict[str, str], expected: set[str]) -> None:
    assert _bridge_client.secret_values(environment) == expected


def test_masks_every_spelling() -> None:
    secret = "a\"b'c\\d"
    text = f"{secret} {secret!r} {[secret]}"
    masked = _bridge_client.masked(text, {secret, ""})
    assert "b" not in masked and masked.startswith("********")


def test_environment_file_that_is_not_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DeployError, match="environment_file .* cannot be read"):
        _bridge_client.read_environment_file(str(tmp_path / "none"))
    assert _bridge_client.read_environment_file(None) == {}
