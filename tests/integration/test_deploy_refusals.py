# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot work is refused before anything is touched, in one sentence that names the option (control node)."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _journal

from tests.support.playbook import Result
from tests.support.whole import Footprint, Whole, whole

WEB = {"name": "web", "class": "web", "command": "gunicorn shop.wsgi --bind unix:{socket}"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Whole]:
    """Have release 1 live; every test here tries to deploy release 2."""
    with whole(tmp_path_factory.mktemp("refusals")) as scene:
        scene.live(1)
        yield scene


@pytest.fixture(scope="module")
def stands(shop: Whole) -> Footprint:
    """Describe what must be left alone."""
    return shop.footprint()


def refused(shop: Whole, stands: Footprint, words: list[str], **changes: t.Any) -> Result:
    """Deploy with these variables, and expect that everything stays and that every one of the words is in the reason."""
    known = len(shop.records())
    result = shop.run(2, **changes)
    assert result.rc != 0, result.stdout
    message = reason(result)
    print(f"\n   {message}")
    assert [word for word in words if word not in message] == [], message
    assert "Traceback" not in result.stdout
    assert shop.footprint() == stands
    records = [_journal.JournalRecord.from_json(record) for record in shop.records()[known:]]
    assert _journal.undo_plan(records, _journal.last_deploy(records)) == []
    assert _journal.unfinished(records) == [] and not shop.locked()
    # Code is fetched beside the live release at most; nothing else is begun.
    assert {record.action for record in records} <= {"deploy", "deploy.back", "release.pull"}
    return result


def reason(result: Result) -> str:
    """Give what the last failure says."""
    found = re.findall(r"^(?:fatal|failed): \[localhost\].*? => (\{.*\})$", result.stdout, re.MULTILINE)
    assert found, result.stdout
    return str(json.loads(found[-1])["msg"])


VALUES: dict[str, tuple[dict[str, t.Any], list[str]]] = {
    "type": ({"deploy_keep_releases": "many"}, ["deploy_keep_releases", "many"]),
    "float": ({"deploy_version": 1.1}, ["deploy_version arrived as 1.1", "no longer text", "quote it"]),
    "environment": (
        {"deploy_required_environment": ["SECRET_KEY", "STRIPE_KEY"]},
        ["deploy_environment lacks STRIPE_KEY", "deploy_required_environment"],
    ),
    "mysql": ({"deploy_database_url": "mysql://u:p@h/d"}, ["MySQL", "not supported"]),
    "sqlite": ({"deploy_database_url": "sqlite:///db.sqlite3"}, ["deploy_database_url", "sqlite:////"]),
    "no socket": (
        {"deploy_units": [{**WEB, "command": "gunicorn shop.wsgi --bind :8000"}]},
        ["deploy_units", "unix:{socket}"],
    ),
    "unknown token": (
        {"deploy_units": [{**WEB, "command": f"{WEB['command']} --chdir {{projcet}}"}]},
        ["deploy_units", "{projcet}", "{project}"],
    ),
    "misspelt variable": ({"deploy_enviroment": {"DEBUG": "1"}}, ["deploy_enviroment", "write deploy_environment"]),
    "no supervisor": ({"deploy_supervisor_config": "/no/such.conf"}, ["supervisor_config /no/such.conf"]),
    "no include": ({"deploy_supervisor_include": "/no/such"}, ["deploy_supervisor_include is /no/such"]),
    "no user": ({"deploy_user": "nobody-of-this-name"}, ["nobody-of-this-name", "Correct deploy_path or deploy_user"]),
    "two admins": (
        {"deploy_database_admin_user": "postgres"},
        ["deploy_database_admin_user is 'postgres'", "deploy_database_admin_url is set too"],
    ),
    "long socket": ({"deploy_socket_dir": "/run/" + "x" * 90}, ["deploy_socket_dir is too long", "107"]),
    "no hook file": ({"deploy_hooks": {"before_stop": "/no/such.yml"}}, ["deploy_hooks", "/no/such.yml"]),
    "unknown hook": ({"deploy_hooks": {"before_lunch": "/no/such.yml"}}, ["deploy_hooks has before_lunch"]),
}


# Found one after the other, by whoever needs them; the others are found together.
ALONE = ("type", "no supervisor", "no include", "no user")
TOGETHER = (
    "float",
    "environment",
    "sqlite",
    "two admins",
    "unknown token",
    "misspelt variable",
    "long socket",
    "no hook file",
)


def test_values_that_cannot_work_are_told_together(shop: Whole, stands: Footprint) -> None:
    changes = {name: value for case in TOGETHER for name, value in VALUES[case][0].items()}
    before = len(shop.records())
    refused(shop, stands, [word for case in TOGETHER for word in VALUES[case][1]], **changes)
    assert len(shop.records()) == before


@pytest.mark.parametrize(
    "case", [case if case in ALONE else pytest.param(case, marks=pytest.mark.long) for case in VALUES]
)
def test_a_value_that_cannot_work(shop: Whole, stands: Footprint, case: str) -> None:
    changes, words = VALUES[case]
    before = len(shop.records())
    refused(shop, stands, words, **changes)
    assert len(shop.records()) == before


def test_an_unknown_version(shop: Whole, stands: Footprint) -> None:
    refused(shop, stands, ["v9.9", shop.scene.repository.url], deploy_version="v9.9")


def test_a_repository_that_cannot_be_reached(shop: Whole, stands: Footprint) -> None:
    refused(
        shop, stands, ["repository", "http://127.0.0.1:1/shop.git"], deploy_repository="http://127.0.0.1:1/shop.git"
    )


def test_a_project_without_manage_py(shop: Whole, stands: Footprint) -> None:
    refused(shop, stands, ["manage.py", "project_dir", "orders"], deploy_project_dir="orders")


def test_a_wrong_password(shop: Whole, stands: Footprint) -> None:
    wrong = shop.scene.url.replace(shop.scene.postgres.passwords["shop"], "wr0ng-pa55word")
    result = refused(shop, stands, ["password", "shop"], deploy_database_url=wrong)
    assert "wr0ng-pa55word" not in result.stdout


@pytest.mark.long
def test_client_programs_older_than_the_server(shop: Whole, stands: Footprint) -> None:
    older = shop.scene.postgres.bin_dir.parent.parent / "pginstall" / "bin"
    assert (older / "pg_dump").exists()
    refused(shop, stands, ["16", "18", str(older)], deploy_postgresql_client_path=str(older))


TEMPLATES = {
    "[program:{{ item.name }}]\ncommand={{ no_such_variable }}\n": "no_such_variable",
    "[program:{{ item.name }}]\n{% if item.unit %}\n": "endif",
    "[program:{{ item.name }}]\ncommand={{ item.command / 2 }}\n": "unsupported operand",
}


# One shows that it is found, the others what is found.
@pytest.mark.parametrize(
    "text", [pytest.param(each, marks=pytest.mark.long) if "such" not in each else each for each in TEMPLATES]
)
def test_a_unit_template_that_cannot_be_rendered(shop: Whole, stands: Footprint, text: str) -> None:
    template, before = shop.scene.base / "unit.j2", len(shop.records())
    template.write_text(text)
    refused(
        shop,
        stands,
        ["Nothing was touched", "deploy_unit_template", str(template), "unit web", TEMPLATES[text]],
        deploy_unit_template=str(template),
    )
    assert len(shop.records()) == before


@pytest.mark.long
def test_a_wrong_password_of_the_admin(shop: Whole, stands: Footprint) -> None:
    postgres = shop.scene.postgres
    wrong = postgres.admin_url.replace(postgres.passwords[postgres.admin_user], "wr0ng-pa55word")
    result = refused(
        shop,
        stands,
        ["does not accept the password", postgres.admin_user],
        deploy_strategy="maintenance",
        deploy_database_admin_url=wrong,
    )
    assert "wr0ng-pa55word" not in result.stdout and "deploy_database_admin_url" in " ".join(result.report)
    assert "Pull the release" not in result.stdout


@pytest.mark.long
def test_a_full_disk_at_the_backup(shop: Whole, stands: Footprint) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system to fill")
    with small_disk(shop.scene.base / "small") as path:
        refused(shop, stands, [str(path), "free"], deploy_backup_path=str(path))


@contextlib.contextmanager
def small_disk(path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """Mount a file system of a few megabytes."""
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(path)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("this container may not mount a small file system to fill")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_a_second_deploy_at_the_same_time(shop: Whole, stands: Footprint) -> None:
    gate, hook = shop.scene.base / "gate", shop.scene.base / "wait.yml"
    wait = {"ansible.builtin.wait_for": {"path": str(gate), "timeout": 240, "sleep": 1}}
    hook.write_text(json.dumps([{"name": "Wait at the gate", **wait}]))
    results: dict[str, Result] = {}

    def deploy(name: str, **changes: t.Any) -> threading.Thread:
        thread = threading.Thread(target=lambda: results.update({name: shop.run(2, deploy_who=name, **changes)}))
        thread.start()
        return thread

    threads = [deploy("anna", deploy_hooks={"before_backup": str(hook)})]
    try:
        while "Wait at the gate" not in shop.scene.log.read_text():
            assert threads[0].is_alive(), results["anna"].stdout
            time.sleep(0.2)
        holder = json.loads((shop.root / ".deploy" / "lock").read_text())
        second = shop.run(2, deploy_who="ben")
        message = reason(second)
        print(f"\n   {message}")
        assert second.rc != 0
        for word in ("anna", holder["since"], holder["deploy_id"], holder["origin"], "deploy_lock_wait"):
            assert word in message
        threads.append(deploy("cleo", deploy_lock_wait=120))
        while "Begin on the host of the database" not in shop.scene.log.read_text().rpartition("PLAY [")[2]:
            assert threads[1].is_alive(), results["cleo"].stdout
            time.sleep(0.2)
        assert shop.footprint() == stands
    finally:
        gate.touch()
        for thread in threads:
            thread.join()
    assert results["anna"].rc == 0, results["anna"].stdout
    # The third one waited, and found that its release had gone live meanwhile.
    assert (results["cleo"].rc, results["cleo"].changed) == (0, 0), results["cleo"].stdout
    assert shop.serving() == "2" and not shop.locked()
