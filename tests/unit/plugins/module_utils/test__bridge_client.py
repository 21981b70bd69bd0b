# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the bridge is published and what is kept secret (any interpreter, no Django)."""

from __future__ import annotations

import ast
import os
import pathlib
import stat

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _bridge_client, _bridge_publish
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def test_everything_that_the_bridge_imports_is_published() -> None:
    files = _bridge_publish.bridge_files()
    folder = pathlib.Path(_bridge_publish.__file__).parent / "_bridge"
    expected = {f"seamless_bridge/module_utils/_bridge/{path.name}" for path in folder.glob("*.py")}
    assert expected | {"run.py", "seamless_bridge/__init__.py", "seamless_bridge/module_utils/__init__.py"} <= set(
        files
    )
    assert not [name for name, text in files.items() if "ansible_collections" in text]
    for name, text in files.items():
        for wanted in imported_from(name, text):
            assert wanted in files, f"{name} imports {wanted}"


def test_everything_that_is_published_is_in_the_payload() -> None:
    """Ansible sends what it finds imported in the text, and the text names each part a second time."""
    tree = ast.parse(pathlib.Path(_bridge_publish.__file__).read_text())
    imports = [
        node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "deploy.plugins" in str(node.module)
    ]
    sent = {f"{node.module}.{each.name}" for node in imports for each in node.names}
    assert set(_bridge_publish.part_names()) == {name for name in sent if not name.endswith(".DeployError")}


def imported_from(name: str, text: str) -> list[str]:
    """Give the files of the bridge's package that a file imports."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = pathlib.PurePosixPath(name).parents[node.level - 1]
        parts = [node.module] if node.module and not f"{base}/{node.module}".endswith("/_alembic") else []
        modules = parts or [f"{node.module}/{each.name}" if node.module else each.name for each in node.names]
        found += [f"{base}/{module.replace('.', '/')}.py" for module in modules]
    return found


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
        assert not _bridge_publish.published(str(base))
        run = pathlib.Path(_bridge_publish.publish(str(base)))
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in run.parent.rglob("*") if path.is_file()}
    assert modes == {0o644} and stat.S_IMODE(run.parent.stat().st_mode) == 0o755
    inode = run.stat().st_ino
    assert pathlib.Path(_bridge_publish.publish(str(base))) == run and run.stat().st_ino == inode
    assert _bridge_publish.published(str(base)) and old.is_dir()
    assert sorted(path.name for path in base.iterdir()) == sorted([old.name, run.parent.name])


@pytest.mark.parametrize("damage", ["missing", "changed", "empty"])
def test_incomplete_one_is_replaced(tmp_path: pathlib.Path, damage: str) -> None:
    run = pathlib.Path(_bridge_publish.publish(str(tmp_path)))
    part = run.parent / "seamless_bridge" / "module_utils" / "_bridge" / "_entry.py"
    if damage == "missing":
        part.unlink()
    else:
        part.write_text("" if damage == "empty" else part.read_text() + "#")
    assert not _bridge_publish.published(str(tmp_path))
    assert _bridge_publish.publish(str(tmp_path)) == str(run) and _bridge_publish.published(str(tmp_path))


def test_one_that_others_can_write_is_not_run(tmp_path: pathlib.Path) -> None:
    run = pathlib.Path(_bridge_publish.publish(str(tmp_path)))
    run.parent.chmod(0o777)
    with pytest.raises(DeployError, match="could have been written by another user"):
        _bridge_publish.publish(str(tmp_path))


def test_place_that_cannot_be_written(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeployError, match="below bridge_path .*; name a directory"):
        _bridge_publish.publish(str(tmp_path / "file"))


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
