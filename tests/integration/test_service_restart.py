# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""service_restart and service_info against a real supervisord and a real gunicorn, under load (control node)."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import pathlib
import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _journal, _journal_store
from ansible_collections.seamless.deploy.plugins.module_utils._service import _drain

from tests.support.module import run_module
from tests.support.service_shop import APPLICATION, Shop, Traffic, get
from tests.support.supervisor import Supervisor


@pytest.fixture
def shop(short_dir: pathlib.Path, supervisor: Supervisor, gunicorn: pathlib.Path) -> Shop:
    return Shop(short_dir, supervisor, gunicorn)


def restart(params: dict[str, t.Any], check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    return run_module("service_restart", {**params, **more}, check)


def refuse(params: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    result = restart(params, **more)
    assert result.get("failed"), result
    print(result["msg"])
    return result


def succeed(params: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    result = restart(params, **more)
    assert not result.get("failed"), result
    return result


def try_slowly(shop: Shop) -> None:
    """A request that nobody waits for as long as it takes."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        get(shop.entrance, "/?sleep=60", timeout=40)


def wait_for_connection(shop: Shop) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        seen = _drain.look(os.path.realpath(shop.entrance))
        if seen and seen.established:
            return
        time.sleep(0.05)
    raise AssertionError("the slow request never arrived")


def test_a_unit_is_started_once_and_stopped_once(shop: Shop) -> None:
    shop.release("r1")
    web = shop.web("r1")
    assert restart(web, check=True)["changed"] and not (shop.run / "web-r1.sock").exists()
    started = succeed(web, state="started")
    assert started["changed"] and started["pid"] > 0 and started["measured"]["ready_seconds"] > 0
    assert get(web["socket"]) == (200, "r1 says 200 OK")
    assert not succeed(web, state="started")["changed"]
    assert succeed(web, state="stopped")["changed"]
    assert "autostart=false" in pathlib.Path(web["definition"]).read_text()
    assert not succeed(web, state="stopped")["changed"]
    assert succeed(web, state="started")["changed"]
    assert "autostart=true" in pathlib.Path(web["definition"]).read_text()
    assert succeed(web, state="absent")["changed"]
    assert not pathlib.Path(web["definition"]).exists()
    assert "r1" not in shop.supervisor.ctl("status").stdout
    assert not succeed(web, state="absent")["changed"]


def test_three_handovers_under_load_fail_no_request(shop: Shop) -> None:
    names = ["r1", "r2", "r3", "r4"]
    for name in names:
        shop.release(name)
    first = succeed(shop.web("r1"), state="handed_over")
    assert first["changed"] and first["measured"]["unserved_seconds"] is None
    with Traffic(shop.entrance, 200) as traffic:
        for old, new in itertools.pairwise(names):
            time.sleep(1)
            result = succeed(shop.web(new), state="handed_over", previous=f"shop-web-{old}")
            assert result["measured"]["unserved_seconds"] == 0.0
            assert result["drained"]["closed_at_limit"] == 0
        time.sleep(1)
    assert traffic.failures == []
    assert {answer.split()[0] for answer in traffic.answers} == set(names)
    print(f"requests={len(traffic.answers)} failed={len(traffic.failures)} last={result['measured']}")
    again = succeed(shop.web("r4"), state="handed_over", previous="shop-web-r3")
    assert not again["changed"]
    assert "STOPPED" in shop.supervisor.ctl("status", "shop-web-r3").stdout


def test_a_slow_request_completes_on_the_release_that_took_it(shop: Shop) -> None:
    shop.release("r1")
    shop.release("r2")
    succeed(shop.web("r1"), state="handed_over")
    slow: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: slow.append(get(shop.entrance, "/?sleep=5")))
    thread.start()
    wait_for_connection(shop)
    result = succeed(shop.web("r2"), state="handed_over", previous="shop-web-r1")
    thread.join()
    assert slow == [(200, "r1 says 200 OK")]
    assert get(shop.entrance) == (200, "r2 says 200 OK")
    assert result["drained"] == {"open_connections": 1, "closed_at_limit": 0}


def test_a_connection_open_at_the_limit_is_counted(shop: Shop) -> None:
    shop.release("r1")
    shop.release("r2")
    succeed(shop.web("r1"), state="handed_over")
    thread = threading.Thread(target=lambda: try_slowly(shop))
    thread.start()
    wait_for_connection(shop)
    result = succeed(shop.web("r2"), state="handed_over", previous="shop-web-r1", drain_timeout=1, stop_timeout=2)
    thread.join()
    assert result["drained"]["closed_at_limit"] == 1
    assert get(shop.entrance) == (200, "r2 says 200 OK")


@pytest.mark.parametrize(
    ("health", "application", "command", "said"),
    [
        ("500 Broken", APPLICATION, "", "answered 500 instead of 200. Body: r2 says 500 Broken"),
        ("302 Found", APPLICATION, "", "it redirects to"),
        ("", "import missing_module", "", "exit status"),
        ("", APPLICATION, "/nowhere/gunicorn", "cannot be run"),
    ],
)
def test_a_release_that_does_not_come_up_leaves_the_old_one_alone(
    shop: Shop, health: str, application: str, command: str, said: str
) -> None:
    shop.release("r1")
    shop.release("r2", health, application)
    succeed(shop.web("r1"), state="handed_over")
    target = os.readlink(shop.entrance)
    options = {"command": command} if command else {}
    broken = shop.web("r2", **options)
    with Traffic(shop.entrance, 50, 2) as traffic:
        before = shop.supervisor.ctl("pid", "shop-web-r1").stdout
        result = refuse(broken, state="handed_over", previous="shop-web-r1", ready_timeout=4)
    assert said in result["msg"] and "shop-web-r2 was stopped" in result["msg"]
    assert "\n" not in result["msg"]
    assert isinstance(result["log_tail"], list)
    assert os.readlink(shop.entrance) == target and traffic.failures == []
    assert {answer.split()[0] for answer in traffic.answers} == {"r1"}
    assert shop.supervisor.ctl("pid", "shop-web-r1").stdout == before
    assert "STOPPED" in shop.supervisor.ctl("status", "shop-web-r2").stdout


def test_the_cause_of_a_crash_is_named_without_waiting_for_the_limit(shop: Shop) -> None:
    shop.release("r1", application="import missing_module")
    result = refuse(shop.web("r1"), state="started", ready_timeout=60)
    assert "does not come up" in result["msg"] and "is not ready after" not in result["msg"]
    assert "Its log says: ModuleNotFoundError: No module named 'missing_module'" in result["msg"]
    assert 0 < len(result["log_tail"]) <= 20


def test_an_answer_of_another_release_is_no_readiness(shop: Shop) -> None:
    shop.release("r1")
    shop.release("r2")
    directory = str(shop.base / "releases" / "r1")
    result = refuse(shop.web("r2", directory=directory), state="handed_over", ready_timeout=3)
    assert "answered 200, but process" in result["msg"] and "outside of directory" in result["msg"]
    other = {**shop.web("r2"), "interpreter": str(shop.base / "releases/r1/.venv/bin/python")}
    result = refuse(other, state="handed_over", ready_timeout=3)
    assert "not interpreter" in result["msg"]
    assert not os.path.lexists(shop.entrance)


def test_a_new_release_that_fails_behind_the_entrance_is_switched_back(shop: Shop) -> None:
    shop.release("r1")
    shop.release("r2")
    succeed(shop.web("r1"), state="handed_over")
    # Healthy once, and never again: over its own socket it is ready, through the entrance it is not.
    count = (shop.base / "releases" / "r2" / "wsgi.py").read_text()
    (shop.base / "releases" / "r2" / "wsgi.py").write_text(
        count.replace("    body =", '    health.write_text("503 Once")\n    body =')
    )
    result = refuse(shop.web("r2"), state="handed_over", previous="shop-web-r1", ready_timeout=3)
    assert "was switched back to" in result["msg"] and "503" in result["msg"]
    assert get(shop.entrance) == (200, "r1 says 200 OK")
    events = [record["event"] for record in shop.records() if record["action"] == "service.switch"]
    assert events[-3:] == ["intent", "done", "undone"]


def test_what_the_journal_holds_brings_the_old_release_back(shop: Shop) -> None:
    shop.release("r1")
    shop.release("r2")
    succeed(shop.web("r1"), state="handed_over", deploy_id="d0")
    with Traffic(shop.entrance, 50, 2) as traffic:
        succeed(shop.web("r2"), state="handed_over", previous="shop-web-r1")
        undo = _journal.undo_plan(_journal_store.Journal(str(shop.journal)).read(), "d1")
        assert [entry.action for entry in undo] == ["service.stop", "service.switch", "service.start"]
        for entry in undo:
            options = {name: value for name, value in entry.undo.items() if name != "former_target"}
            succeed(options)
    assert traffic.failures == []
    assert get(shop.entrance) == (200, "r1 says 200 OK")
    assert "shop-web-r2" not in shop.supervisor.ctl("status").stdout
    assert not (shop.supervisor.include_dir / "shop-web-r2.conf").exists()


@pytest.mark.parametrize("unit_class", ["worker", "singleton"])
def test_a_worker_ends_before_the_next_one_begins(shop: Shop, unit_class: str) -> None:
    shop.release("r1")
    shop.release("r2")
    succeed(shop.worker("r1", unit_class), state="handed_over")
    result = succeed(shop.worker("r2", unit_class), state="handed_over", previous="shop-worker-r1")
    assert shop.worker_log() == ["r1 began", "r1 ended", "r2 began"]
    assert result["measured"]["stop_seconds"] > 0 and result["measured"]["unserved_seconds"] is None
    assert not succeed(shop.worker("r2", unit_class), state="handed_over", previous="shop-worker-r1")["changed"]


def test_a_worker_that_does_not_come_up_gives_way_to_the_old_one(shop: Shop) -> None:
    shop.release("r1")
    broken = shop.release("r2")
    (broken / "worker.py").write_text("import missing_module")
    succeed(shop.worker("r1"), state="handed_over")
    result = refuse(shop.worker("r2"), state="handed_over", previous="shop-worker-r1")
    assert "shop-worker-r2 was stopped" in result["msg"] and "shop-worker-r1 was started again" in result["msg"]
    assert shop.worker_log() == ["r1 began", "r1 ended", "r1 began"]
    assert any("missing_module" in line for line in result["log_tail"])


def test_a_process_that_ignores_term_is_killed_with_its_children(shop: Shop) -> None:
    path = shop.release("r1")
    (path / "worker.py").write_text(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True).pid)\n"
        "time.sleep(300)\n"
    )
    succeed(shop.worker("r1", "singleton"), state="started")
    child = int((shop.base / "shop-worker-r1.log").read_text().split()[0])
    result = succeed(shop.worker("r1", "singleton"), state="stopped", stop_timeout=1)
    assert result["changed"] and result["measured"]["stop_seconds"] >= 1
    assert not pathlib.Path(f"/proc/{child}/maps").exists() or not pathlib.Path(f"/proc/{child}/maps").read_text()


def test_a_restart_in_place_is_measured(shop: Shop) -> None:
    shop.release("r1")
    succeed(shop.web("r1"), state="handed_over")
    result = succeed(shop.web("r1"), state="restarted")
    assert result["measured"]["unserved_seconds"] > 0
    reloaded = succeed(shop.web("r1"), state="reloaded")
    assert reloaded["changed"] and reloaded["measured"]["unserved_seconds"] == 0.0


def test_other_programs_are_left_alone(shop: Shop) -> None:
    shop.release("r1")
    shop.supervisor.add_program("other", command="sleep 1000")
    before = shop.supervisor.ctl("pid", "other").stdout
    (shop.supervisor.include_dir / "other.conf").write_text("[program:other]\ncommand=sleep 2000\n")
    succeed(shop.web("r1"), state="started")
    succeed(shop.web("r1"), state="absent")
    assert shop.supervisor.ctl("pid", "other").stdout == before


def test_what_cannot_work_is_said_before_anything_is_touched(shop: Shop) -> None:
    shop.release("r1")
    web = shop.web("r1")
    long = "/" + "x" * 110 + "/web.sock"
    assert "108" not in refuse({**web, "socket": long}, state="started")["msg"]
    assert "at most 107" in refuse({**web, "socket": long}, state="started")["msg"]
    assert "does not exist: make it first" in refuse({**web, "socket": "/nowhere/web.sock"}, state="started")["msg"]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(shop.entrance))
    listener.listen()
    assert "is a socket itself" in refuse(web, state="handed_over")["msg"]
    listener.close()
    assert "supervisord.conf" in refuse({**web, "supervisor_config": "/nowhere/supervisord.conf"})["msg"]
    pathlib.Path(web["definition"]).unlink()
    assert "supervisor has no program shop-web-r1" in refuse(web, state="started")["msg"]
    assert shop.supervisor.ctl("status").stdout == ""
    shop.supervisor.stop()
    assert "supervisord is not running" in refuse(web)["msg"]
    assert not any(record["action"] == "service.switch" for record in shop.records())


def test_check_mode_tells_the_whole_handover_and_does_none_of_it(shop: Shop) -> None:
    shop.release("r1")
    shop.release("r2")
    succeed(shop.web("r1"), state="handed_over")
    records = shop.records()
    result = restart(shop.web("r2"), check=True, state="handed_over", previous="shop-web-r1")
    assert result["changed"] and result["actions"] == [
        "start shop-web-r2",
        "wait until shop-web-r2 is ready",
        f"let {shop.entrance} lead to {shop.run}/web-r2.sock",
        f"ask shop-web-r2 through {shop.entrance}",
        f"drain {shop.run}/web-r1.sock",
        "stop shop-web-r1",
    ]
    assert result["diff"] == {
        "before": {"shop-web-r2": "absent", "shop-web-r1": "running", "entrance": "shop-web-r1"},
        "after": {"shop-web-r2": "running", "shop-web-r1": "stopped", "entrance": "shop-web-r2"},
    }
    assert shop.records() == records and get(shop.entrance) == (200, "r1 says 200 OK")


def test_who_serves(shop: Shop) -> None:
    shop.release("r1")
    web = shop.web("r1")
    ask = {"entrance": web["entrance"], "directory": web["directory"], "interpreter": web["interpreter"]}
    manager = {
        "manager": "supervisor",
        "supervisor_config": web["supervisor_config"],
        "names": ["shop-web-r1", "other"],
    }
    nobody = run_module("service_info", {**ask, **manager})
    assert not nobody["serving"]["answers"] and "does not exist" in nobody["serving"]["problem"]
    assert [unit["known"] for unit in nobody["units"]] == [False, False]
    pid = succeed(web, state="handed_over")["pid"]
    seen = run_module("service_info", {**ask, **manager})
    serving = seen["serving"]
    assert (serving["pid"], serving["release"], serving["status"]) == (pid, "r1", 200)
    assert serving["healthy"] and serving["directory_ok"] and serving["interpreter_ok"] and not serving["problem"]
    assert seen["entrance"] == {"target": web["socket"], "unit": "shop-web-r1"}
    assert seen["units"][0]["running"] and seen["units"][0]["starts_at_boot"]
    wrong = run_module("service_info", {**ask, "directory": "/nowhere"})["serving"]
    assert wrong["directory_ok"] is False and "outside of directory" in wrong["problem"]
