# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters: services of a release, database URLs, names of variables, reports."""

from __future__ import annotations

import pytest

pytest.importorskip("ansible", reason="filters run on the control node, with ansible-core")

from ansible.errors import AnsibleFilterError
from ansible_collections.seamless.deploy.plugins.filter.batches import batches
from ansible_collections.seamless.deploy.plugins.filter.database_connection import database_connection
from ansible_collections.seamless.deploy.plugins.filter.misspelt_variables import misspelt_variables
from ansible_collections.seamless.deploy.plugins.filter.release_units import release_units
from ansible_collections.seamless.deploy.plugins.filter.report import report
from ansible_collections.seamless.deploy.plugins.filter.units_replacing import units_replacing

WHERE = {
    "app": "shop",
    "release_path": "/srv/shop/releases/r2",
    "project_path": "/srv/shop/releases/r2/src",
    "root": "/srv/shop",
    "socket_dir": "/run/shop",
    "manager": "systemd",
    "definition_dir": "/etc/systemd/system",
}


def unit(command="gunicorn shop.wsgi --bind unix:{socket}", **more):
    (found,) = release_units([{"name": "web", "command": command, **more}], release="r2", **WHERE)
    return found


def test_a_web_unit_has_a_socket_of_its_release_and_the_entrance_of_all():
    found = unit()
    assert found["name"] == "shop-web-r2"
    assert (found["socket"], found["entrance"]) == ("/run/shop/web-r2.sock", "/run/shop/web.sock")
    assert found["definition"] == "/etc/systemd/system/shop-web-r2.service"
    assert found["log"] == "/srv/shop/log/web-r2.log"
    assert found["interpreter"] == "/srv/shop/releases/r2/.venv/bin/python"


def test_a_path_of_python_stands_before_the_command():
    declared = [{"name": "web", "command": "gunicorn x {socket}"}]
    (found,) = release_units(declared, release="r2", python_path=["/srv/shop/shared/w", ""], **WHERE)
    command = "/srv/shop/releases/r2/.venv/bin/gunicorn x /run/shop/web-r2.sock"
    assert found["command"] == f"/usr/bin/env PYTHONPATH=/srv/shop/shared/w {command}"
    (found,) = release_units(declared, release="r2", python_path=["/a", "/b c"], **WHERE)
    assert found["command"].startswith("/usr/bin/env PYTHONPATH='/a:/b c' /srv")


def test_a_worker_has_none():
    found = unit("celery -A shop worker", **{"class": "worker"})
    assert (found["socket"], found["entrance"]) == ("", "")


@pytest.mark.parametrize(
    ("kind", "socket", "entrance"),
    [
        ("link", "/run/shop/web-r2.sock", "/run/shop/web.sock"),
        ("port", "/run/shop/web-r2.sock", "/run/shop/web.sock"),
        ("upstream", "/run/shop/web-r2.sock", "/etc/nginx/seamless/shop-web.conf"),
        ("activation", "/run/shop/web.sock", "/etc/systemd/system/shop-web.socket.d/release.conf"),
    ],
)
def test_each_kind_of_entrance_has_a_file_of_its_own(kind, socket, entrance):
    declared = [{"name": "web", "command": "x {socket}"}, {"name": "w", "class": "worker", "command": "x"}]
    web, worker = release_units(declared, release="r2", entrance_kind=kind, web_server="nginx", **WHERE)
    assert (web["socket"], web["entrance"], web["command"].split()[1]) == (socket, entrance, socket)
    assert (web["entrance_kind"], web["web_server"]) == (kind, "nginx") and "entrance_kind" not in worker


def test_a_web_unit_is_asked_at_its_own_health_path():
    common = {"health_path": "/health/", "health_status": 200, "health_host": "shop.example"}
    declared = [
        {"name": "web", "command": "x"},
        {"name": "api", "command": "x", "health_path": "/alive", "health_status": 204},
    ]
    web, api, worker = release_units(
        [*declared, {"name": "w", "class": "worker", "command": "x"}], release="r2", **WHERE, **common
    )
    asked = ("health_path", "health_status", "health_host")
    assert [web[name] for name in asked] == ["/health/", 200, "shop.example"]
    assert [api[name] for name in asked] == ["/alive", 204, "shop.example"]
    assert not set(asked) & set(worker) and not set(asked) & set(unit())


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "gunicorn x --bind unix:{socket}",
            "/srv/shop/releases/r2/.venv/bin/gunicorn x --bind unix:/run/shop/web-r2.sock",
        ),
        ("bin/start {shared}", "/srv/shop/releases/r2/src/bin/start /srv/shop/shared"),
        ("/usr/bin/env {release} {root}", "/usr/bin/env /srv/shop/releases/r2 /srv/shop"),
        ("{venv}/bin/python '{\"json\": 1}'", "/srv/shop/releases/r2/.venv/bin/python '{\"json\": 1}'"),
    ],
)
def test_tokens_and_programs(command, expected):
    assert unit(command)["command"] == expected


def test_an_unknown_manager_is_refused():
    with pytest.raises(AnsibleFilterError, match="runit"):
        release_units([], release="r2", **{**WHERE, "manager": "runit"})


def test_units_replace_those_of_the_same_name():
    old = [{"unit": "web", "name": "shop-web-r1", "socket": "/run/shop/web-r1.sock"}]
    web, worker = units_replacing([unit(), {"unit": "worker", "name": "shop-worker-r2"}], old)
    assert (web["previous"], web["previous_socket"]) == ("shop-web-r1", "/run/shop/web-r1.sock")
    assert worker["previous"] == ""


def test_a_unit_does_not_replace_itself():
    assert units_replacing([unit()], [unit()])[0]["previous"] == ""


def test_an_unknown_report_is_refused():
    with pytest.raises(AnsibleFilterError, match="poem"):
        report({}, "poem")


@pytest.mark.parametrize(
    ("url", "database", "problem"),
    [
        ("", "", ""),
        (None, "", ""),
        ("postgres://u:s3cret@h/my%20shop", "my shop", ""),
        (["postgres://u:s3cret@h/shop"], "", "deploy_database_url is not text but a list"),
        ("mysql://u:s3cret@h/shop", "", "MySQL"),
        ("sqlite:////srv/shop/shared/db.sqlite3", "/srv/shop/shared/db.sqlite3", ""),
        ("sqlite+aiosqlite:////srv/a%20shop/db?timeout=9", "/srv/a shop/db", ""),
        ("sqlite:///db.sqlite3", "", "deploy_database_url names the SQLite file 'db.sqlite3', whose place depends on"),
        ("sqlite://", "", "names no file of SQLite; write it as sqlite:////ABSOLUTE/PATH"),
        ("sqlite:///:memory:", "", "names no file of SQLite"),
        ("sqlite:////srv/shop/../db", "", "no plain path"),
    ],
)
def test_a_database_url_is_read_or_explained(url, database, problem):
    found = database_connection(url, "application", "deploy_database_url")
    assert found["database"] == database
    assert problem in found["problem"] if problem else not found["problem"]
    assert found["engine"] == (("sqlite" if str(url).startswith("sqlite") else "postgresql") if database else "")
    assert "s3cret" not in str(found)


KNOWN = ["deploy_environment", "deploy_units", "deploy_git_key", "deploy_health_path", "deploy_python", "deploy_hosts"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("deploy_enviroment", "deploy_environment"),
        ("deploy_unit", "deploy_units"),
        ("deploy_healthpath", "deploy_health_path"),
        ("deploy_environment", ""),
        # Names that somebody uses for a purpose of their own.
        ("deploy_secret_key", ""),
        ("deploy_home", ""),
    ],
)
def test_a_variable_that_almost_has_a_known_name_is_told(name, meant):
    found = misspelt_variables(["deploy_hosts", name], KNOWN, "deploy_")
    assert len(found) == bool(meant)
    assert all(name in sentence and f"write {meant} if" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("hosts", "sizes", "expected"),
    [
        ("a", [1, "100%"], ["a"]),
        ("abcd", [1, "100%"], ["a", "bcd"]),
        ("abcd", ["50%"], ["ab", "cd"]),
        ("abcde", [1, 2], ["a", "bc", "de"]),
        ("abc", ["10%"], ["a", "b", "c"]),
        ("abc", "100%", ["abc"]),
        ("", [1], []),
    ],
)
def test_batches_keep_the_order_and_leave_nobody_out(hosts, sizes, expected):
    assert batches(list(hosts), sizes) == [list(batch) for batch in expected]


@pytest.mark.parametrize("sizes", [[], [0], ["0%"], ["half"], [-1], [1.5]])
def test_a_size_that_means_nothing_is_refused(sizes):
    with pytest.raises(AnsibleFilterError, match="deploy_batches"):
        batches(["a"], sizes)
