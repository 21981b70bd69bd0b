# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long steps outlive their connection, and the next run finds them: real playbooks, killed (control node)."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs

from tests.support.django_project import SETTINGS, Project, django_python
from tests.support.playbook import Play, Result, local_inventory, run_playbook, start_playbook

SLEEP = 'migrations.RunSQL("SELECT pg_sleep({seconds}); CREATE TABLE slept (id int)", "DROP TABLE slept"),'


class Host:
    """This machine as a target: a project with a slow migration, its journal, and plays for them."""

    def __init__(self, base: pathlib.Path, database: t.Any) -> None:
        self.base, self.database = base, database
        self.project = Project(base / "project")
        self.journal = Journal(str(base / ".deploy" / "journal.jsonl"))
        self.runs = Runs(self.journal.path)
        self.tmp = base / "tmp"
        self.tmp.mkdir()
        # What is sent to a target is unpacked in TMPDIR, what a module leaves lies in remote_tmp.
        self.env = {"TMPDIR": str(self.tmp)}

    def slow(self, seconds: float) -> None:
        """Add a migration that takes this long."""
        self.project.migration("0002_slow", SLEEP.format(seconds=seconds), after="0001_initial")

    def play(self, *tasks: dict[str, t.Any]) -> str:
        """Write a playbook of these tasks."""
        path = self.base / "play.yml"
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]))
        return str(path)

    def begin(self, **options: t.Any) -> dict[str, t.Any]:
        """Begin a deploy, and show what that returns."""
        module = {"path": self.journal.path, "state": "begin", **options}
        return {"seamless.deploy.deploy_journal": module, "register": "began"}

    def migrate(self, **options: t.Any) -> dict[str, t.Any]:
        """Apply the migrations in the deploy that was begun."""
        module = {
            "chdir": str(self.project.path),
            "python": django_python(),
            "environment": {"DATABASE_URL": self.database.url},
            "bridge_path": str(self.base / "bridge"),
            "journal": self.journal.path,
            "deploy_id": "{{ began.deploy_id }}",
            **options,
        }
        return {"seamless.deploy.django_migrate": module}

    @property
    def inventory(self) -> dict[str, t.Any]:
        """This machine."""
        return local_inventory({"ansible_remote_tmp": str(self.tmp / "remote")})

    def again(self, **options: t.Any) -> tuple[Result, dict[str, t.Any]]:
        """Begin another deploy by a playbook of its own: the run, and what the module returned."""
        answer = self.base / "answer.json"
        keep = {
            "ansible.builtin.copy": {"dest": str(answer), "content": "{{ began | to_json }}"},
            "when": "began is defined",
        }
        begin = {**self.begin(**options), "ignore_errors": True}
        done = run_playbook(self.play(begin, keep), self.inventory, env=self.env, base=self.base)
        return done, json.loads(answer.read_text())

    def until(self, true: t.Callable[[], t.Any], seconds: float = 60) -> t.Any:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = true()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError("it never came to that")

    def running(self) -> list[str]:
        """Give the actions that run detached, once their intent is on record."""
        intents = [record.action for record in self.journal.read() if record.event == "intent"]
        return [state.action for state in self.runs.alive() if state.action in intents]

    def told(self, action: str) -> list[str]:
        """Give the events of an action."""
        return [record.event for record in self.journal.read() if record.action == action]


@pytest.fixture
def host(tmp_path: pathlib.Path, database: t.Any) -> t.Iterator[Host]:
    """Make one; nothing of it runs on afterwards."""
    made = Host(tmp_path, database)
    yield made
    for state in made.runs.alive():
        made.runs.end(state)


def module_process(host: Host) -> int:
    """Give the module's own process, which waits for its daemon."""
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != host.runs.alive()[0].pid:
            environ = pathlib.Path("/proc", name, "environ")
            cmdline = pathlib.Path("/proc", name, "cmdline")
            try:
                ours = f"TMPDIR={host.tmp}".encode() in environ.read_bytes().split(b"\0")
                if (
                    ours
                    and b"AnsiballZ_django_migrate" in cmdline.read_bytes()
                    and b"/bin/sh" not in cmdline.read_bytes()
                ):
                    return int(name)
            except OSError:
                continue
    raise AssertionError("the module's process is not there")


def killed_during_migration(host: Host, seconds: float) -> None:
    """Kill ansible-playbook, with all that it started here but for the daemon, while a migration runs."""
    host.slow(seconds)
    with start_playbook(host.play(host.begin(), host.migrate()), host.inventory, env=host.env, base=host.base) as play:
        host.until(lambda: play.process.poll() is not None or "database.migrate" in host.running())
        assert play.process.poll() is None, play.said()
        kill_with_module(host, play)


def kill_with_module(host: Host, play: Play) -> None:
    """End the play and the module by force, and take away all that Ansible has sent."""
    module = module_process(host)
    play.kill()
    os.kill(module, signal.SIGHUP)
    for path in host.tmp.iterdir():
        shutil.rmtree(path, ignore_errors=True)


def test_a_migration_outlives_its_playbook_and_the_next_run_waits_for_it(host: Host) -> None:
    killed_during_migration(host, 8)
    assert host.running() == ["database.migrate"] and host.told("database.migrate") == ["intent"]
    first = host.runs.alive()[0].deploy_id
    done, answer = host.again()
    assert done.rc == 0, done.stdout
    assert answer["taken_over"] == {"deploy_id": first, "why": "its ansible-playbook has ended"}
    (waited,) = answer["waited_for"]
    assert (waited["action"], waited["outcome"], waited["msg"]) == ("database.migrate", "finished", "")
    assert 0 < waited["seconds"] < 30
    assert answer["unfinished"] == [first]
    facts = answer["facts"][first]
    assert "things.0002_slow" in facts["database"]["applied"] and not facts["database"]["doubtful"]
    assert host.database.execute("SELECT count(*) FROM slept") == [(0,)]
    assert host.told("database.migrate")[-1] == "done" and os.listdir(host.runs.folder) == []


def test_what_ansible_has_sent_may_vanish_before_the_work_has_begun(host: Host) -> None:
    held = host.base / "held"
    held.touch()
    slow = f"import os, time\nwhile os.path.exists({str(held)!r}):\n    time.sleep(0.1)\n"
    host.project.write("site1/settings.py", slow + SETTINGS)
    with start_playbook(host.play(host.begin(), host.migrate()), host.inventory, env=host.env, base=host.base) as play:
        host.until(lambda: play.process.poll() is not None or host.runs.alive())
        time.sleep(1)  # the application's interpreter is asked for its plan by then, and for nothing else
        kill_with_module(host, play)
    held.unlink()
    host.until(lambda: not host.runs.alive())
    assert host.told("database.migrate")[-1] == "done"


def test_what_still_runs_can_be_ended_instead(host: Host) -> None:
    killed_during_migration(host, 120)
    first = host.runs.alive()[0].deploy_id
    begun = time.monotonic()
    _done, answer = host.again(running="end")
    assert answer["waited_for"][0]["outcome"] == "ended" and time.monotonic() - begun < 60
    assert host.told("database.migrate")[-1] == "failed"
    assert answer["facts"][first]["database"]["doubtful"] is True
    assert host.runs.alive() == []
    query = "SELECT count(*) FROM pg_tables WHERE tablename = 'slept'"
    assert host.database.execute(query) == [(0,)]


def test_a_step_that_runs_too_long_keeps_the_next_deploy_out_in_words(host: Host) -> None:
    killed_during_migration(host, 30)
    _done, answer = host.again(running_timeout=1)
    assert answer["failed"] and "database.migrate of deploy" in answer["msg"] and "recover_running=end" in answer["msg"]
    assert host.running() == ["database.migrate"]


def test_a_deploy_whose_playbook_lives_is_not_taken_over(host: Host) -> None:
    host.slow(15)
    play = host.play(host.begin(), host.migrate())
    with start_playbook(play, host.inventory, env=host.env, base=host.base) as running:
        host.until(lambda: running.process.poll() is not None or "database.migrate" in host.running())
        _done, answer = host.again(stale=0)
        assert answer["failed"] and answer["refused"]
        assert "Its ansible-playbook still runs on this control node." in answer["msg"]
        assert "On this host runs database.migrate since" in answer["msg"]
        first = running.wait(60)
    assert first.rc == 0, first.stdout
    assert host.told("database.migrate")[-1] == "done"


def test_a_deploy_that_was_taken_over_does_nothing_more(host: Host) -> None:
    host.slow(0)
    late = host.play(host.begin(), {"ansible.builtin.pause": {"seconds": 20}}, host.migrate())
    with start_playbook(late, host.inventory, env=host.env, base=host.base) as play:
        first = host.until(lambda: host.journal.read() and host.journal.read()[0].deploy_id)
        _done, answer = host.again(take_over=first)
        assert answer["taken_over"]["why"] == "a person says so"
        end = play.wait(90)
    assert end.rc != 0 and "was taken over, and nothing more is done for it" in end.stdout
    assert host.told("database.migrate") == []


def test_errors_and_warnings_come_back_as_they_were(host: Host) -> None:
    host.project.migration("0002_bad", 'migrations.RunSQL("SELECT no_such_column"),', after="0001_initial")
    done = run_playbook(host.play(host.begin(), host.migrate()), host.inventory, env=host.env, base=host.base)
    assert done.rc == 2 and "no_such_column" in done.stdout and "Traceback" not in done.stdout
    assert host.told("database.migrate")[-1] == "failed" and os.listdir(host.runs.folder) == []


def test_no_secret_is_left_in_what_waits_to_be_told(host: Host) -> None:
    host.database.execute("CREATE TABLE things_thing (id int)")  # in the way of the first migration
    host.project.migration("0002_slow", SLEEP.format(seconds=5), after="0001_initial")
    with start_playbook(host.play(host.begin(), host.migrate()), host.inventory, env=host.env, base=host.base) as play:
        host.until(lambda: play.process.poll() is not None or host.runs.states())
        play.kill()
    host.until(lambda: not host.runs.alive())
    for path in pathlib.Path(host.runs.folder).iterdir():
        assert host.database.password not in path.read_text() and path.stat().st_mode & 0o077 == 0
