# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input, missing programs and full disks on a host where a release serves: all else than test_refusals.py (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.lab import faults
from tests.lab.refused import missing, present, refused
from tests.lab.stage import LabStage, lab_stage

pytestmark = pytest.mark.long

WEB = {"name": "web", "class": "web", "command": "{venv}/bin/gunicorn shop.wsgi --bind unix:{socket}"}
BAD_WORKER = {"name": "worker", "class": "worker", "command": "{venv}/bin/celery worker"}
GIT = "ssh://deployer@127.0.0.1/srv/git/shop"


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host whose nginx the deploy sets up, with release 1 live."""
    with lab_stage(entrance="nginx") as scene:
        scene.changes.update(deploy_entrance="link", deploy_web_server="nginx")
        scene.live(1)
        yield scene


VALUES: dict[str, tuple[dict[str, t.Any], list[str]]] = {
    "environment": ({"deploy_required_environment": ["STRIPE_KEY"]}, ["deploy_environment lacks STRIPE_KEY"]),
    "misspelt": ({"deploy_enviroment": {"DEBUG": "1"}}, ["deploy_enviroment", "write deploy_environment"]),
    "version": ({"deploy_version": "v9.9"}, ["version is 'v9.9'", "it has: ", "file:///srv/git/shop"]),
    "python": ({"deploy_python": "python3.99"}, ["python is 'python3.99'", "does not exist", "install it"]),
    "clients": ({"deploy_postgresql_client_path": "/no/such"}, ["pg_dump", "/no/such"]),
    "requirement": (
        {"deploy_wheelhouse": "/opt", "deploy_python": "python3"},
        ["the dependencies in requirements.txt cannot be installed", "pip says"],
    ),
    "supervisor": (
        {"deploy_service_manager": "supervisor", "deploy_web_server": "none"},
        ["supervisor_config /etc/supervisor/supervisord.conf does not exist", "give the path"],
    ),
    "user scope": (
        {"deploy_systemd_scope": "user", "deploy_web_server": "none"},
        ["the systemd manager of this user does not run", "loginctl enable-linger", "systemd_scope=system"],
    ),
    "worker program": (
        {"deploy_units": [WEB, BAD_WORKER]},
        ["units has worker", "/.venv/bin/celery", "does not exist", "correct its command"],
    ),
    "unit template": (
        {"deploy_unit_template": "/no/such.j2"},
        ["deploy_unit_template is '/no/such.j2'", "no file on the control node"],
    ),
    "closed directory": (
        {"deploy_socket_dir": "/srv/private/run"},
        ["nginx runs as www-data", "may not enter directory /srv/private (mode 0700", "deploy_socket_dir"],
    ),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_that_cannot_work(stage: LabStage, case: str) -> None:
    changes, words = VALUES[case]
    stage.hosts["app1"].run("install -d -o shop -m 0700 /srv/private")
    refused(stage, words, 5 if case == "requirement" else 2, **changes)


def test_a_wrong_password_is_not_shown(stage: LabStage) -> None:
    wrong = stage.url(near=True).replace(stage.password, "wr0ng-pa55word")
    result = refused(stage, ["does not accept the password", "'shop'", "login_password"], deploy_database_url=wrong)
    assert "wr0ng-pa55word" not in result.stdout and "deploy_database_url" in " ".join(result.report)


def test_a_database_host_that_is_down(stage: LabStage) -> None:
    nobody = stage.url(near=True).replace("127.0.0.1", stage.hosts["app1"].address.rpartition(".")[0] + ".77")
    refused(stage, ["No PostgreSQL server answers at", ".77:5432", "login_host"], deploy_database_url=nobody)


def test_no_git(stage: LabStage) -> None:
    fault = missing(stage.hosts["app1"], "/usr/bin/git")
    refused(stage, ["git is not installed on the target", "install it there"], fault=fault)


def test_a_site_of_somebody_else_that_nginx_refuses(stage: LabStage) -> None:
    fault = present(stage.hosts["app1"], "/etc/nginx/sites-enabled/broken", "nonsense on;\n")
    told = ["nginx refuses its configuration as it is", 'unknown directive "nonsense"', "sites-enabled/broken:1"]
    refused(stage, told, fault=fault)


@pytest.mark.parametrize(
    ("directory", "words"),
    [
        ("/srv/shop/releases", ["not enough room for a release", "MB free", "free some"]),
        ("/srv/shop/.deploy", ["deploy lock", "No space left on device", "make room on the disk of deploy_path"]),
    ],
)
def test_a_disk_that_is_full_at_the_beginning(stage: LabStage, directory: str, words: list[str]) -> None:
    refused(stage, words, fault=faults.fill(stage.hosts["app1"], directory))


def test_a_repository_whose_host_nobody_knows(stage: LabStage, tmp_path: pathlib.Path) -> None:
    key = stage.lab.key.read_text()
    result = refused(
        stage,
        ["Host key verification failed", "known_hosts=accept-new", GIT],
        deploy_repository=GIT,
        deploy_git_key=key,
    )
    assert key.splitlines()[2] not in result.stdout
