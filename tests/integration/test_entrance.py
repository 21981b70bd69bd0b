# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of the sockets and what leads into it; boots and units of systemd are tried in the lab."""

from __future__ import annotations

import os
import pathlib
import shutil
import stat
import tempfile

import pytest

from tests.support.module import run_module


@pytest.fixture
def base():
    # A directory that a boot empties would get an entry in /etc/tmpfiles.d of this machine.
    path = pathlib.Path(tempfile.mkdtemp(prefix="sd-entrance-", dir=pathlib.Path.home()))
    yield path
    shutil.rmtree(path)


def prepare(base, check=False, **more):
    return run_module("entrance", {"name": "shop", "directory": str(base / "run"), **more}, check)


def test_the_directory_is_made_once(base):
    first = prepare(base, check=True)
    assert first["changed"] and first["changes"] == [f"make {base}/run"] and not (base / "run").exists()
    assert prepare(base)["changed"] and stat.S_IMODE((base / "run").stat().st_mode) == 0o755
    assert not prepare(base)["changed"]
    (base / "run").chmod(0o777)
    assert prepare(base)["changes"] == [f"correct {base}/run"]


def test_a_new_entrance_leads_to_what_is_live(base):
    prepare(base)
    link, file = str(base / "run" / "web.sock"), str(base / "run" / "web.conf")
    live = "/srv/shop/run/web-1.sock"
    ask = [{"kind": "link", "path": link, "live": live}, {"kind": "upstream", "path": file, "live": live}]
    assert len(prepare(base, entrances=ask)["changes"]) == 2
    assert os.readlink(link) == live and f"server unix:{live};" in pathlib.Path(file).read_text()
    # What is there already stays: it may lead to another release by now.
    ask = [{**one, "live": "/elsewhere"} for one in ask]
    assert not prepare(base, entrances=ask)["changed"] and os.readlink(link) == live


def test_an_upstream_without_a_release_is_one_that_nginx_takes(base):
    file = base / "web.conf"
    assert prepare(base, entrances=[{"kind": "upstream", "path": str(file)}])["changed"]
    assert "down;" in file.read_text()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"directory": "/srv/" + "x" * 110}, "107"),
        ({"owner": "nobody-has-this-name"}, "deploy_user"),
        ({"directory": "/proc/none/run"}, "deploy_socket_dir"),
    ],
)
def test_what_cannot_be(base, more, told):
    refused = prepare(base, **more)
    assert refused["failed"] and told in refused["msg"] and "Traceback" not in refused["_output"], refused["_output"]
