# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All units of a release in one call, against a real supervisord and a real gunicorn (control node)."""

from __future__ import annotations

import os
import pathlib
import shutil
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _journal, _journal_store

from tests.support.module import run_module
from tests.support.service_shop import APPLICATION, Shop, Traffic, get
from tests.support.supervisor import Supervisor

CLASSES = {"web": "web", "api": "web", "worker": "worker", "beat": "singleton"}


class Units:
    """Releases with two web units, a worker and a scheduler."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.common = {
            "manager": "supervisor",
            "supervisor_config": str(shop.supervisor.config),
            "ready_timeout": 20,
            "journal": str(shop.journal),
        }

    def release(
        self, name: str, old: str = "", kinds: t.Iterable[str] = tuple(CLASSES), **more: str
    ) -> list[dict[str, t.Any]]:
        """The records of a release, rendered into it and not yet known to supervisor."""
        path = self.shop.release(name, **more)
        (path / ".units").mkdir()
        return [self.record(kind, name, old) for kind in kinds]

    def record(self, kind: str, release: str, old: str) -> dict[str, t.Any]:
        path = self.shop.base / "releases" / release
        python, web = path / ".venv" / "bin" / "python", CLASSES[kind] == "web"
        socket = f"{self.shop.run}/{kind}-{release}.sock" if web else ""
        command = (
            f"{python} -m gunicorn --bind unix:{socket} --workers 2 --threads 2 wsgi:application"
            if web
            else f"{python} -u {path}/worker.py {self.shop.base}/{kind}.log"
        )
        name = f"shop-{kind}-{release}"
        definition = pathlib.Path(self.shop.define(name, release, command)["definition"])
        text = definition.read_text()
        definition.unlink()
        return {
            "unit": kind,
            "name": name,
            "unit_class": CLASSES[kind],
            "command": command,
            "socket": socket,
            "entrance": f"{self.shop.run}/{kind}.sock" if web else "",
            "directory": str(path),
            "interpreter": str(python),
            "definition": str(definition),
            "previous": f"shop-{kind}-{old}" if old else "",
            "previous_socket": f"{self.shop.run}/{kind}-{old}.sock" if old and web else "",
            "text": text,
            "log": "not an option",
        }

    def call(self, units: list[dict[str, t.Any]], check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        return run_module("service_units", {**self.common, "deploy_id": "d1", "units": units, **more}, check)

    def done(self, units: list[dict[str, t.Any]], **more: t.Any) -> dict[str, t.Any]:
        result = self.call(units, **more)
        assert not result.get("failed"), result
        return result

    def live(self, name: str, **more: t.Any) -> list[dict[str, t.Any]]:
        units = self.release(name, **more)
        self.done(units, define=True, deploy_id="d0")
        return units

    def states(self) -> dict[str, str]:
        lines = self.shop.supervisor.ctl("status").stdout.splitlines()
        return {line.split()[0]: line.split()[1] for line in lines}

    def answers(self, kind: str = "web") -> str:
        return get(self.shop.run / f"{kind}.sock")[1].split()[0]

    def actions(self, deploy_id: str = "d1") -> list[str]:
        return [
            f"{record['action'].partition('.')[2]} {record['subject']}".strip()
            for record in self.shop.records()
            if record["deploy_id"] == deploy_id and record["event"] == "intent"
        ]

    def log(self, kind: str) -> list[str]:
        return [" ".join(line.split()[1:]) for line in (self.shop.base / f"{kind}.log").read_text().splitlines()]


def kept(record: dict[str, t.Any]) -> pathlib.Path:
    return pathlib.Path(record["directory"], ".units", os.path.basename(record["definition"]))


@pytest.fixture
def units(short_dir: pathlib.Path, supervisor: Supervisor, gunicorn: pathlib.Path) -> Units:
    return Units(Shop(short_dir, supervisor, gunicorn))


def test_a_release_is_handed_over_whole_and_the_old_one_retired(units: Units) -> None:
    old = units.live("r1")
    new = units.release("r2", "r1")
    with Traffic(units.shop.run / "web.sock", 100, 2) as traffic:
        result = units.done(new, define=True)
        assert units.states()["shop-web-r1"] == units.states()["shop-web-r2"] == "RUNNING"
        retired = units.done(old, state="absent", step="verify")
    assert traffic.failures == []
    assert (units.answers("web"), units.answers("api")) == ("r2", "r2")
    assert set(units.states()) == {record["name"] for record in new}
    assert units.log("beat") == ["r1 began", "r1 ended", "r2 began"]
    assert [entry["name"] for entry in result["results"]] == [f"shop-{kind}-r2" for kind in CLASSES]
    web = result["results"][0]
    assert web["measured"]["ready_seconds"] > 0 and web["measured"]["unserved_seconds"] == 0.0
    assert web["state"] == "handed_over" and web["pid"] > 0
    assert [entry["state"] for entry in retired["results"]] == ["absent"] * 4
    assert units.actions()[:12] == [
        "define",
        "start shop-web-r2",
        "start shop-api-r2",
        "stop shop-worker-r1",
        "start shop-worker-r2",
        "stop shop-beat-r1",
        "start shop-beat-r2",
        "switch shop-web-r2",
        "switch shop-api-r2",
        "stop shop-web-r1",
        "remove shop-web-r1",
        "stop shop-api-r1",
    ]
    assert not units.done(new, define=True)["changed"]
    assert not units.done(old, state="absent")["changed"]


def test_what_the_journal_holds_brings_the_old_release_back(units: Units) -> None:
    units.live("r1")
    units.done(units.release("r2", "r1"), define=True)
    for entry in _journal.undo_plan(_journal_store.Journal(str(units.shop.journal)).read(), "d1"):
        if entry.action != "service.define":
            options = {name: value for name, value in entry.undo.items() if name != "former_target"}
            assert not run_module("service_restart", options).get("failed")
    assert (units.answers("web"), units.answers("api")) == ("r1", "r1")
    assert units.log("beat")[-1] == "r1 began"
    assert set(units.states()) == {f"shop-{kind}-r1" for kind in CLASSES}


def test_a_definition_that_is_missing_comes_back_from_the_release(units: Units) -> None:
    old = [{**record, "text": ""} for record in units.live("r1")]
    new = units.release("r2", "r1")
    units.done(new, define=True)
    units.done(old, state="absent")
    assert not any(os.path.exists(record["definition"]) for record in old)
    kept(old[0]).chmod(0o666)
    refused = units.call(old, leaving=new)
    assert "can be written by others than its owner, and is not installed" in refused["msg"]
    assert not os.path.exists(old[0]["definition"]) and units.answers() == "r2"
    kept(old[0]).chmod(0o644)
    units.done(old, leaving=new)
    assert units.answers() == units.answers("api") == "r1"


def test_everything_stops_who_hands_out_work_first(units: Units) -> None:
    old = units.live("r1")
    assert units.done(old[::-1], state="stopped")["changed"]
    assert units.actions() == [f"stop shop-{kind}-r1" for kind in ("api", "web", "beat", "worker")]
    assert set(units.states().values()) == {"STOPPED"}
    assert "autostart=true" not in "".join(pathlib.Path(record["definition"]).read_text() for record in old)
    assert not units.done(old, state="stopped")["changed"]


def test_one_call_is_the_way_back(units: Units) -> None:
    old = units.live("r1")
    new = units.release("r2", "r1")
    units.done(new, define=True)
    with Traffic(units.shop.run / "web.sock", 100, 2) as traffic:
        result = units.done(old, leaving=new)
    assert traffic.failures == [] and units.answers() == units.answers("api") == "r1"
    assert set(units.states()) == {f"shop-{kind}-r1" for kind in CLASSES}
    assert units.log("beat") == ["r1 began", "r1 ended", "r2 began", "r2 ended", "r1 began"]
    assert not any(os.path.exists(record["definition"]) for record in new)
    assert len(result["results"]) == 8


@pytest.mark.parametrize("stopped", [False, True])
def test_a_definition_that_supervisor_cannot_read_is_no_hindrance(units: Units, stopped: bool) -> None:
    old = units.live("r1")
    new = units.release("r2", "r1")
    new[1]["text"] = "[program:shop-api-r2]\nautostart=maybe\ncommand=true\n"
    if stopped:
        units.done(old, state="stopped")
    result = units.call(new, define=True)
    assert result["failed"] and "cannot read its configuration" in result["msg"], result
    # Nothing stays that would keep anybody from starting anything, even before the way back.
    assert not any(os.path.exists(record["definition"]) for record in new)
    for record in new:
        shutil.copy(kept(record), record["definition"])
    assert units.shop.supervisor.ctl("reread").returncode != 0
    units.done(old, leaving=new)
    assert units.answers() == units.answers("api") == "r1"
    assert set(units.states()) == {f"shop-{kind}-r1" for kind in CLASSES}
    assert set(units.states().values()) == {"RUNNING"}
    assert units.shop.supervisor.ctl("reread").returncode == 0


def test_a_unit_that_does_not_come_up_leaves_the_rest_alone(units: Units) -> None:
    units.live("r1", kinds=["web", "beat"])
    new = units.release("r2", "r1", kinds=["web", "beat"], application="import missing_module")
    result = units.call(new, define=True)
    assert "Its log says: ModuleNotFoundError: No module named 'missing_module'" in result["msg"]
    assert [entry["failed"] for entry in result["results"]] == [True]
    assert result["log_tail"] and units.log("beat") == ["r1 began"] and units.answers() == "r1"


def test_in_a_stop_workers_come_up_beside_the_web_units(units: Units) -> None:
    old = units.live("r1")
    units.done(old, state="stopped", deploy_id="d0")
    new = units.release("r2", "r1")
    units.done(new, define=True, at_once=True)
    assert units.actions() == [
        "define",
        *(f"start shop-{kind}-r2" for kind in ("worker", "beat", "web", "api")),
        *(f"switch shop-{kind}-r2" for kind in ("web", "api")),
    ]
    assert set(units.states().values()) == {"RUNNING", "STOPPED"} and units.answers() == "r2"


def test_a_worker_that_ends_at_once_keeps_the_entrance_where_it_was(units: Units) -> None:
    old = units.live("r1", kinds=["web", "worker"])
    units.done(old, state="stopped", deploy_id="d0")
    new = units.release("r2", "r1", kinds=["web", "worker"])
    pathlib.Path(new[1]["directory"], "worker.py").write_text("raise SystemExit(3)")
    result = units.call(new, define=True, at_once=True, ready_timeout=10)
    assert result["failed"] and "shop-worker-r2 does not come up" in result["msg"], result
    assert os.readlink(units.shop.run / "web.sock").endswith("web-r1.sock")


def test_the_way_back_goes_as_far_as_it_can(units: Units) -> None:
    old = units.live("r1", kinds=["web", "api", "beat"])
    new = units.release("r2", "r1", kinds=["web", "api", "beat"])
    units.done(new, define=True)
    gone = [{**record, "directory": new[1]["directory"]} if record["unit"] == "api" else record for record in old]
    result = units.call(gone, leaving=new, ready_timeout=3)
    assert result["failed"] and "is not ready" in result["msg"] and "outside of directory" in result["msg"]
    assert units.answers() == "r1" and units.log("beat")[-1] == "r1 began"
    assert [entry["name"] for entry in result["results"] if entry.get("failed")] == ["shop-api-r1"]


def test_each_release_is_asked_at_its_own_health_path(units: Units) -> None:
    old = units.release("r1", kinds=["web"], application=APPLICATION.replace("/health/", "/alive"))
    (units.shop.base / "releases" / "r1" / "health").write_text("204 No Content")
    old = [{**old[0], "health_path": "/alive", "health_status": "204"}]
    units.done(old, define=True, deploy_id="d0")
    new = units.release("r2", "r1", kinds=["web"])
    units.done(new, define=True, health_path="/other/")
    undo = {
        entry.action: entry.undo
        for entry in _journal.undo_plan(_journal_store.Journal(str(units.shop.journal)).read(), "d0")
    }
    assert (undo["service.start"]["health_path"], undo["service.start"]["health_status"]) == ("/alive", 204)
    assert units.answers() == "r2"
    units.done(old, leaving=new)
    assert units.answers() == "r1"
    refused = units.call([{**old[0], "health_status": 200}], ready_timeout=2)
    assert "GET /alive (Host: localhost) answered 204 instead of 200" in refused["msg"]


def test_what_cannot_work_is_said_before_anything_is_touched(units: Units) -> None:
    new = units.release("r1")
    cases: list[tuple[list[dict[str, t.Any]], dict[str, t.Any], str]] = [
        ([{**new[0], "name": ""}], {}, "entry 1 has no name"),
        ([new[0], new[0]], {}, "has shop-web-r1 twice"),
        ([{**new[0], "unit_class": "cron"}], {}, "unit_class of shop-web-r1 is 'cron'"),
        ([{**new[0], "health_status": "fine"}], {}, "health_status of shop-web-r1 is 'fine'"),
        (
            [new[0], {**new[1], "command": "/nowhere/gunicorn x"}],
            {},
            "the program of api, /nowhere/gunicorn, does not exist",
        ),
        ([new[0], {**new[1], "socket": "/nowhere/x.sock"}], {}, "does not exist: make it first"),
        ([{**new[0], "text": ""}], {"define": True}, "has no text"),
        ([{**new[0], "definition": "/nowhere/x.conf"}], {}, "no file that the service manager reads"),
        ([{**new[0], "entrance": "/nowhere/web"}], {}, "ends in .sock"),
        (new, {"leaving": new, "state": "absent"}, "leaving is for state=handed_over only"),
    ]
    for records, options, said in cases:
        result = units.call(records, **options)
        assert said in result["msg"], result
    assert units.states() == {} and not any(os.path.exists(record["definition"]) for record in new)


def test_check_mode_tells_everything_and_does_nothing(units: Units) -> None:
    units.live("r1")
    new = units.release("r2", "r1")
    records = units.shop.records()
    result = units.call(new, check=True, define=True)
    assert result["changed"] and result["defined"] == [record["name"] for record in new]
    assert result["results"][0]["actions"][0] == "start shop-web-r2"
    assert any("lead to" in action for action in result["results"][0]["actions"])
    assert "stop shop-beat-r1" in result["results"][3]["actions"]
    assert result["diff"]["after"]["shop-web-r2"]["entrance"] == "shop-web-r2"
    assert units.shop.records() == records and units.answers() == "r1"
    assert not any(os.path.exists(record["definition"]) for record in new)
