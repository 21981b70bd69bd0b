# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishing a file on a real file system; runs where pytest runs."""

from __future__ import annotations

import os

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync, write_file


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_published_with_its_mode(tmp_path, mode):
    path = tmp_path / "facts.json"
    path.write_text("old")
    write_file(str(path), "new\r\n", mode)
    assert path.read_bytes() == b"new\r\n"
    assert path.stat().st_mode & 0o7777 == mode
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_that_are_no_text_survive(tmp_path):
    path = tmp_path / "program.conf"
    write_file(str(path), b"caf\xe9".decode("utf-8", "surrogateescape"), 0o600)
    assert path.read_bytes() == b"caf\xe9"


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "taken"
    path.mkdir()
    with pytest.raises(OSError):
        write_file(str(path), "new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept(tmp_path):
    path = tmp_path / "program.conf"
    write_file(str(path), "new", 0o640, (65534, 65534))
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_a_relative_name_lies_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_file("facts.json", "new", 0o600)
    sync("facts.json")
    assert (tmp_path / "facts.json").read_text() == "new"
