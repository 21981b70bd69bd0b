# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders with two names, of which both lead to every file at every moment."""

from __future__ import annotations

import os
import sys
import threading

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _shared_names
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="renameat2 is Linux's")


@pytest.fixture
def folders(tmp_path):
    old = tmp_path / "opt" / "media"
    old.mkdir(parents=True)
    (old / "1.txt").write_text("paper")
    (tmp_path / "shared").mkdir()
    return str(old), str(tmp_path / "shared" / "media")


@linux
def test_a_folder_is_moved_and_nobody_misses_it(folders):
    old, kept = folders
    missed, looks, moving = [], [], threading.Event()

    def read():
        while moving.is_set():
            try:
                with open(os.path.join(old, "1.txt")) as file:
                    file.read()
            except OSError as exc:
                missed.append(exc)
            looks.append(1)

    for _time in range(100):
        moving.set()
        reader = threading.Thread(target=read)
        before = len(looks)
        reader.start()
        while len(looks) < before + 3:
            pass
        try:
            assert _shared_names.share(old, kept, True) == "moved"
            assert os.path.islink(old) and os.path.isdir(kept) and not os.path.islink(kept)
            assert _shared_names.share(old, kept, True) == ""
        finally:
            moving.clear()
            reader.join()
        # Whoever has read the link when the folder goes back may look for it at its other end.
        _shared_names.unshare(old, kept)
        assert os.path.isdir(old) and not os.path.islink(old) and not os.path.lexists(kept)
    assert missed == []


def test_a_folder_is_linked_and_let_go(folders):
    old, kept = folders
    assert _shared_names.share(old, kept, False) == "linked"
    assert open(os.path.join(kept, "1.txt")).read() == "paper"
    assert _shared_names.share(old, kept, False) == ""
    _shared_names.unshare(old, kept)
    assert not os.path.lexists(kept) and os.listdir(old) == ["1.txt"]


def test_a_file_is_linked_even_where_folders_are_moved(folders, tmp_path):
    file = tmp_path / "opt" / ".env"
    file.write_text("A=1\n")
    kept = str(tmp_path / "shared" / "etc" / ".env")
    assert _shared_names.share(str(file), kept, True) == "linked"
    assert open(kept).read() == "A=1\n" and not file.is_symlink()


def test_another_folder_of_that_name_is_refused_and_an_empty_one_is_taken(folders):
    old, kept = folders
    os.mkdir(kept)
    with open(os.path.join(kept, "2.txt"), "w"):
        pass
    with pytest.raises(DeployError, match="two folders of one name"):
        _shared_names.share(old, kept, True)
    os.unlink(os.path.join(kept, "2.txt"))
    assert _shared_names.share(old, kept, False) == "linked"


def test_files_are_added_and_none_is_replaced(tmp_path):
    (tmp_path / "a" / "css").mkdir(parents=True)
    (tmp_path / "a" / "css" / "site.css").write_text("old")
    (tmp_path / "a" / "logo.svg").write_text("logo")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "logo.svg").write_text("newer")
    assert _shared_names.copy_missing(str(tmp_path / "a"), str(tmp_path / "b")) == 1
    assert (tmp_path / "b" / "css" / "site.css").read_text() == "old"
    assert (tmp_path / "b" / "logo.svg").read_text() == "newer"


def test_a_view_has_all_but_what_belongs_to_each_release(tmp_path):
    checkout, release = tmp_path / "shop", tmp_path / "release"
    for name in ("orders", "venv", ".git"):
        (checkout / name).mkdir(parents=True)
    (checkout / "manage.py").write_text("")
    release.mkdir()
    for _time in range(2):
        _shared_names.view(str(checkout), str(release), str(checkout / "venv"), {".git", "venv"})
    assert sorted(os.listdir(str(release))) == [".venv", "manage.py", "orders"]
    assert os.path.realpath(str(release / ".venv")) == str(checkout / "venv")
