# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packing, unpacking, moving environments, room: the parts that need no program; runs where pytest runs."""

from __future__ import annotations

import types
from pathlib import Path

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _archive, _pack, _store, _tree, _venv


@pytest.mark.parametrize(
    ("path", "patterns", "excluded"),
    [
        ("a/.git", [".git"], True),
        ("a/x.pyc", ["*.pyc"], True),
        ("a/b/venv", ["venv/"], True),
        ("docs/build", ["docs/build"], True),
        ("a/docs/build", ["docs/build"], False),
        ("a/environment", [".env", "env"], False),
    ],
)
def test_is_excluded(path: str, patterns: list, excluded: bool) -> None:
    assert _pack.is_excluded(path, patterns) is excluded


def test_the_same_files_are_the_same_archive(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for file in ("b", "a/c") if name == "one" else ("a/c", "b"):
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(file)
        (tmp_path / name / "b").chmod(0o600 if name == "one" else 0o664)
        _pack.pack(str(tmp_path / name), str(tmp_path / f"{name}.tar.gz"), [])
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "files" / ".git").mkdir(parents=True)
    with pytest.raises(DeployError, match="holds no files"):
        _pack.pack(str(tmp_path / "files"), str(tmp_path / "a.tar.gz"), [".git"])


@pytest.mark.parametrize(
    ("names", "strip", "expected"),
    [
        (["top/", "top/a", "top/b/c"], True, ["", "a", "b/c"]),
        (["top/a", "other"], True, ["top/a", "other"]),
        (["a"], True, ["a"]),
        (["./", "./top", "./top/a"], True, ["", "", "a"]),
        (["top/a"], False, ["top/a"]),
    ],
)
def test_safe_paths(names: list, strip: bool, expected: list) -> None:
    assert list(_archive.safe_paths(names, {}, "x.tar", strip).values()) == expected


def test_tree_hash_sees_content_names_links_and_programs(tmp_path: Path) -> None:
    hashes = set()
    file = tmp_path / "t" / "a"
    file.parent.mkdir()
    for change in (
        lambda: file.write_text("1"),
        lambda: file.write_text("2"),
        lambda: file.chmod(0o755),
        lambda: (tmp_path / "t" / "b").symlink_to("a"),
        lambda: file.rename(tmp_path / "t" / "c"),
    ):
        change()
        hashes.add(_archive.tree_hash(str(tmp_path / "t")))
    assert len(hashes) == 5
    (tmp_path / "t" / "c").touch()
    assert _archive.tree_hash(str(tmp_path / "t")) in hashes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"#!/r/1/.venv/bin/python\n", b"#!/r/2/.venv/bin/python\n"),
        (b"VIRTUAL_ENV='/r/1/.venv'", b"VIRTUAL_ENV='/r/2/.venv'"),
        (b"/r/1", b"/r/2"),
        (b"/r/10/x /r/1-2/x", b"/r/10/x /r/1-2/x"),
        (b"\xff\x00/r/1/x", b"\xff\x00/r/2/x"),
    ],
)
def test_moved(text: bytes, expected: bytes) -> None:
    assert _venv.moved(text, "/r/1", "/r/2") == expected


def test_a_clone_shares_what_holds_no_path(tmp_path: Path) -> None:
    old, new = tmp_path / "1", tmp_path / "2"
    files = {
        "bin/run": f"#!{old}/.venv/bin/python\n",
        "bin/activate.fish": f'set -gx VIRTUAL_ENV "{old}/.venv"\n',
        "lib/python3/site-packages/part.pth": f"{old}/part\n",
        "lib/python3/site-packages/code.py": f"# {old}\n",
    }
    for name, text in files.items():
        (old / ".venv" / name).parent.mkdir(parents=True, exist_ok=True)
        (old / ".venv" / name).write_text(text)
    (old / ".venv" / "bin" / "run").chmod(0o755)
    (old / ".venv" / "lib64").symlink_to("lib")
    (old / ".venv" / "own").symlink_to(old / ".venv" / "lib")
    new.mkdir()
    _venv.clone(str(old), str(new))
    for name in list(files)[:3]:
        assert (new / ".venv" / name).read_text() == files[name].replace(str(old), str(new))
        assert (old / ".venv" / name).read_text() == files[name]
    assert (new / ".venv" / "bin" / "run").stat().st_mode & 0o777 == 0o755
    assert (new / ".venv" / list(files)[3]).stat().st_ino == (old / ".venv" / list(files)[3]).stat().st_ino
    assert (new / ".venv" / "own").resolve() == new / ".venv" / "lib"


def test_room() -> None:
    facts = types.SimpleNamespace(f_bavail=1000, f_frsize=1 << 20)
    _store.require_room("/srv", 1000 << 20, "a release", lambda _path: facts)
    with pytest.raises(DeployError, match="below path /srv: 1000 MB free, about 1001 MB needed"):
        _store.require_room("/srv", 1001 << 20, "a release", lambda _path: facts)


@pytest.mark.parametrize(
    ("project_dir", "required", "words"),
    [
        (
            ".",
            ["manage.py"],
            "project_dir is '.', where the release has no manage.py; found in a/site: set project_dir",
        ),
        (
            "b",
            ["manage.py"],
            "'b', a directory that the release does not have .looked for manage.py in it.; found in a/",
        ),
        ("a", ["setup.cfg"], "no setup.cfg; nor anywhere else"),
        ("b", [], "'b', a directory that the release does not have; give the directory"),
    ],
)
def test_check_project(project_dir: str, required: list, words: str, tmp_path: Path) -> None:
    (tmp_path / "a" / "site").mkdir(parents=True)
    (tmp_path / "a" / "site" / "manage.py").write_text("")
    with pytest.raises(DeployError, match=words):
        _tree.check_project(str(tmp_path), project_dir, required)


def test_a_file_that_outlives_releases_is_looked_for_where_it_is_kept(tmp_path: Path) -> None:
    tree, kept = tmp_path / "tree", tmp_path / "kept"
    (tree / "site").mkdir(parents=True)
    kept.mkdir()
    asked = (str(tree), "site", ["alembic.ini"], str(kept))
    with pytest.raises(DeployError, match=f"shared has 'site/alembic.ini', but {kept}/site/alembic.ini does not exist"):
        _tree.check_project(*asked, ["media", "site/alembic.ini"])
    (kept / "site").mkdir()
    (kept / "site" / "alembic.ini").write_text("")
    _tree.check_project(*asked, ["media", "site/alembic.ini"])
    with pytest.raises(DeployError, match=r"has no alembic\.ini; nor anywhere else"):
        _tree.check_project(*asked, ["media", "site/alembic"])
