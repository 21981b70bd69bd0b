# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the adoption modules answer before they look at a host."""

from __future__ import annotations

import datetime

import pytest

pytest.importorskip("ansible", reason="the module's file imports AnsibleModule")

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _taking
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._manifest import ReleaseManifest
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store
from ansible_collections.seamless.deploy.plugins.modules import adoption, adoption_info

NOW = datetime.datetime(2026, 11, 21, 10, 15, tzinfo=datetime.timezone.utc)
RELEASE = "20261121T101500-1a2b3c4"


def never(*_argv, **_options):
    raise DeployError("a program was run")


def params(root, **changes):
    found = {
        "path": None, "unit": None, "app": "shop", "root": str(root), "socket_dir": str(root / "run"), "user": None,
        "units": [], "shared": [], "environment": {}, "framework": "none", "settings": None, "accept": [],
        "health_path": "/health/", "health_status": 200, "health_host": "localhost", "entrance": "link", "listen": None, "stop": False,
        "state": "present", "shared_folders": "moved", "who": "ops", "journal": None, "deploy_id": None,
    }  # fmt: skip
    return {**found, **changes}


def made(root, kind, live=True):
    store = Store(str(root))
    store.make_layout()
    (root / "releases" / RELEASE).mkdir()
    source = {"kind": kind, "location": "/opt/shop", "version": "main"}
    store.write(ReleaseManifest(RELEASE, source, "1a2b3c4", "x", "2026-11-21T10:15:00Z", result="good"))
    if live:
        store.point_current(RELEASE)
    return store


def test_what_is_to_be_adopted_must_be_named(tmp_path):
    with pytest.raises(DeployError, match="give adopt_unit"):
        adoption_info.run(params(tmp_path), never, NOW)


def test_two_web_units_are_refused(tmp_path):
    units = [{"name": "a", "class": "web"}, {"name": "b"}]
    with pytest.raises(DeployError, match="2 units of class web"):
        adoption_info.run(params(tmp_path, unit="shop", units=units), never, NOW)


def test_what_is_adopted_is_not_adopted_again(tmp_path):
    made(tmp_path, "adopted")
    for result in (
        adoption_info.run(params(tmp_path), never, NOW),
        adoption.run(params(tmp_path), never, NOW, False),
    ):
        assert (result["changed"], result["way"], result["release"]) == (False, "adopted", RELEASE)
        assert result["plan"] == [f"Adopted already: {RELEASE} stands for the installation, and {RELEASE} is live"]


def test_an_adoption_that_was_interrupted_goes_on(tmp_path):
    store = made(tmp_path, "adopted", live=False)
    assert _taking.adopted(store).release == RELEASE
    with pytest.raises(DeployError, match="give adopt_unit"):
        adoption_info.run(params(tmp_path), never, NOW)


def test_a_path_with_releases_of_its_own_is_refused(tmp_path):
    made(tmp_path, "git")
    with pytest.raises(DeployError, match="nothing to adopt"):
        adoption_info.run(params(tmp_path, unit="shop"), never, NOW)
    with pytest.raises(DeployError, match="go back with rollback.yml"):
        adoption.run(params(tmp_path, state="absent"), never, NOW, False)


def test_nothing_is_let_go_where_nothing_was_adopted(tmp_path):
    for check in (True, False):
        result = adoption.run(params(tmp_path, state="absent"), never, NOW, check)
        assert (result["changed"], result["release"]) == (False, "")
