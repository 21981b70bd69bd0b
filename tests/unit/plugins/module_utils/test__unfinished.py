# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with an unfinished deploy, row by row, and the facts from which it is decided."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._journal import JournalRecord
from ansible_collections.seamless.deploy.plugins.module_utils._recovery import DatabaseFacts
from ansible_collections.seamless.deploy.plugins.module_utils._unfinished import HostFacts, decide_deploy, host_facts

STEPS_OF_PULL = ["pull", "install"]
STARTED = [*STEPS_OF_PULL, "start"]


def host(name="app1", steps=(), database=None, **more):
    more.setdefault("release", "r2" if steps else "")
    found = dataclasses.asdict(database) if database else {}
    return HostFacts(name, "d1", undo_steps=list(steps), database=found, **more)


FENCED = DatabaseFacts(fenced=True)
COPIED = DatabaseFacts(applied=("a.1",), fenced=True, copy="c")
CUT_OFF = DatabaseFacts(doubtful=True, fenced=True, copy="c")
MIGRATED = DatabaseFacts(applied=("a.1",))
IN_DOUBT = DatabaseFacts(doubtful=True)
HALF = DatabaseFacts(doubtful=True, left_behind=True)
OPENED = DatabaseFacts(applied=("a.1",), opened=True, copy="c")
DATABASE_HOST = host("db1", ["pull", "migrate"], MIGRATED)

TABLE = {
    "nothing known": ([], False, "close"),
    "only begun": ([host()], False, "close"),
    "only begun, on two": ([host(), host("app2")], False, "close"),
    "all undone but not ended": ([host(release="r2", going_back=True)], False, "close"),
    "all undone, the database left migrated": (
        [host(release="r2", going_back=True, database=MIGRATED)],
        False,
        "close",
    ),
    "pulled": ([host(steps=["pull"])], False, "backwards"),
    "pulled on one of two": ([host(steps=["pull"]), host("app2")], False, "backwards"),
    "installed": ([host(steps=STEPS_OF_PULL, complete=True)], False, "backwards"),
    "stopped": ([host(steps=[*STEPS_OF_PULL, "stop"], stopped=True)], False, "backwards"),
    "fenced, nothing applied": ([host(steps=["stop", "migrate"], database=FENCED)], False, "backwards"),
    "fenced, copied, applied": ([host(steps=["stop", "migrate"], database=COPIED)], False, "backwards"),
    "fenced, copied, applied, compatible": ([host(steps=["migrate"], database=COPIED)], True, "backwards"),
    "fenced, copied, cut off in a migration": ([host(steps=["migrate"], database=CUT_OFF)], False, "backwards"),
    "migrated online": ([host(steps=[*STEPS_OF_PULL, "migrate"], database=MIGRATED)], False, "forwards"),
    "migrated online, compatible": ([host(steps=["pull", "migrate"], database=MIGRATED)], True, "forwards"),
    "cut off in a migration online": ([host(steps=["pull", "migrate"], database=IN_DOUBT)], False, "forwards"),
    "half of a migration stands": ([host(steps=["pull", "migrate"], database=HALF)], False, "ask"),
    "half of a migration, compatible": ([host(steps=["pull", "migrate"], database=HALF)], True, "backwards"),
    "migrated and opened": ([host(steps=["stop", "migrate"], database=OPENED)], False, "forwards"),
    "migrated, then a step failed": (
        [host(steps=["migrate", "start"], database=MIGRATED, failed=True)],
        False,
        "forwards",
    ),
    "migrated, another host without the release": (
        [DATABASE_HOST, host("app2", release="", steps=["pull"])],
        False,
        "ask",
    ),
    "migrated, another host with the release": ([DATABASE_HOST, host("app2", steps=["pull"])], False, "forwards"),
    "handed over, nothing migrated": ([host(steps=STARTED, switched="all")], False, "forwards"),
    "some of it handed over": ([host(steps=STARTED, switched="some")], False, "backwards"),
    "one of two handed over": (
        [host(steps=STARTED, switched="all"), host("app2", steps=STEPS_OF_PULL)],
        False,
        "backwards",
    ),
    "both handed over": (
        [host(steps=STARTED, switched="all"), host("app2", steps=STARTED, switched="all")],
        False,
        "forwards",
    ),
    "handed over behind a closed fence": ([host(steps=STARTED, switched="all", database=FENCED)], False, "backwards"),
    "live": ([host(steps=[*STARTED, "verify"], switched="all", activated=True)], False, "forwards"),
    "live, migrated": ([host(steps=["migrate", "verify"], activated=True, database=MIGRATED)], False, "forwards"),
    "ended well on the other host": ([host(ended="succeeded"), host("app2", steps=STARTED)], False, "forwards"),
    "nothing to do on the other host": ([host(ended="unchanged"), host("app2", steps=STARTED)], False, "forwards"),
    "rolled back on the other host": ([host(ended="rolled_back"), host("app2", steps=STARTED)], False, "backwards"),
    "failed on the other host": ([host(ended="failed"), host("app2", steps=["pull"])], False, "backwards"),
    "closed on the other host": ([host(ended="closed"), host("app2", steps=["pull"])], False, "backwards"),
    "refused on the other host": ([host(ended="refused"), host("app2")], False, "close"),
    "migrated, going back had begun": (
        [host(steps=["pull", "migrate"], database=MIGRATED, going_back=True)],
        False,
        "backwards",
    ),
    "migrated, going back had begun elsewhere": (
        [DATABASE_HOST, host("app2", steps=["pull"], going_back=True)],
        False,
        "backwards",
    ),
    "live on one, going back had begun": (
        [host(steps=["verify"], activated=True), host("app2", steps=["pull"], going_back=True)],
        False,
        "backwards",
    ),
    "all left as it is, the database migrated": (
        [host(release="r2", going_back=True, database=DatabaseFacts(applied=("a.1",), left=True))],
        False,
        "close",
    ),
    "going back, fenced again": (
        [
            host(
                steps=["migrate"],
                database=DatabaseFacts(applied=("a.1",), fenced=True, opened=True, copy="c"),
                going_back=True,
            )
        ],
        False,
        "backwards",
    ),
    "still running": ([host(steps=["migrate"], running=["database.migrate (process 7)"])], False, "ask"),
    "a rollback, nothing done": ([host(kind="rollback")], False, "close"),
    "a rollback, half way": ([host(kind="rollback", steps=["start"])], False, "backwards"),
    "an adoption, only begun": ([host(kind="adoption")], False, "close"),
    "an adoption, half way": ([host(kind="adoption", last="adoption.lead done")], False, "ask"),
    "an adoption, all of it done": (
        [host(kind="adoption", last="adoption.activate done", complete=True)],
        False,
        "close",
    ),
    "an adoption, failed": ([host(kind="adoption", last="adoption.lead failed", ended="failed")], False, "close"),
    "a rollback, reached": ([host(kind="rollback", steps=["start", "verify"], activated=True)], False, "close"),
}


@pytest.mark.parametrize(("hosts", "compatible", "expected"), TABLE.values(), ids=TABLE.keys())
def test_decision(hosts, compatible, expected):
    decision = decide_deploy(hosts, compatible)
    assert decision.action == expected
    assert decision.sentence.endswith((".", "made since."))


@pytest.mark.parametrize(("hosts", "compatible", "expected"), TABLE.values(), ids=TABLE.keys())
def test_the_order_of_hosts_decides_nothing(hosts, compatible, expected):
    assert decide_deploy(list(reversed(hosts)), compatible).action == expected


def test_the_sentence_names_what_stands_and_who_lacks_it():
    asked = decide_deploy([DATABASE_HOST, host("app2", release="", steps=["pull"])]).sentence
    assert "a.1" in asked and "app2 never had its release" in asked and "deploy_database_compatible" in asked


def record(action, event, step="start", subject="", detail=None, undo=None):
    return JournalRecord("d1", "2026-11-21T01:02:03Z", "app1", step, action, event, subject, detail or {}, undo or {})


BEGIN = record("deploy", "begin", "deploy", detail={"who": "ops", "version": "v2", "strategy": "online"})
CHOSEN = record("release.chosen", "note", "pull", "r2", {"previous": "r1", "complete": True})
PULLED = [record("release.pull", event, "pull", "r2", undo={"release": "r2"}) for event in ("intent", "done")]
WEB = {"state": "absent"}


def started(unit, event="done", socket="/s"):
    return record("service.start", event, "start", unit, {"socket": socket}, WEB)


def switched(unit, event="done"):
    return record("service.switch", event, "start", unit, {}, WEB)


DEFINED = record("service.define", "done", undo={"units": ["web", "api", "mail"]})
ALL_STARTED = [DEFINED, started("web"), started("api"), started("mail", socket="")]

JOURNALS = {
    "opening": ([BEGIN], {"who": "ops", "wanted": "v2", "strategy": "online", "began": "2026-11-21T01:02:03Z"}),
    "pulled": ([BEGIN, *PULLED], {"release": "r2", "complete": False, "undo_steps": ["pull"], "last": "release.pull done"}),
    "pull cut off": ([BEGIN, PULLED[0]], {"release": "r2", "complete": False, "last": "release.pull intent"}),
    "one that was there": ([BEGIN, CHOSEN], {"release": "r2", "previous": "r1", "complete": True}),
    "installed": ([*PULLED, record("release.install", "done", "install", "r2")], {"complete": True}),
    "stopped": ([record("service.stop", "done", "stop", "old", undo={"state": "started"})], {"stopped": True}),
    "an old unit let go": ([record("service.stop", "done", "verify", "old", undo={"state": "started"})], {"stopped": False}),
    "none switched": (ALL_STARTED, {"switched": "none"}),
    "one of two switched": ([*ALL_STARTED, switched("web")], {"switched": "some"}),
    "both switched": ([*ALL_STARTED, switched("web"), switched("api")], {"switched": "all"}),
    "second cut off": ([*ALL_STARTED, switched("web"), switched("api", "intent")], {"switched": "some"}),
    "a worker is missing": (
        [DEFINED, started("web"), started("api"), switched("web"), switched("api")],
        {"switched": "some"},
    ),
    "switched and back": (
        [*ALL_STARTED, switched("web"), switched("web", "undone")],
        {"switched": "none", "going_back": True},
    ),
    "live": (
        [record("release.activate", "done", "verify", "r2", undo={"release": "r1"})],
        {"activated": True, "release": "r2", "previous": "r1", "undo_steps": ["verify"]},
    ),
    "activation cut off": ([record("release.activate", "intent", "verify", "r2")], {"activated": False}),
    "failed": ([BEGIN, record("service.start", "failed", "start", "web", undo=WEB)], {"failed": True}),
    "ended": ([BEGIN, record("deploy", "end", "deploy", detail={"result": "succeeded"})], {"ended": "succeeded"}),
    "taken over": ([BEGIN, record("lock", "note", "deploy", detail={"taken over by": "d2"})], {"last": "", "ended": ""}),
    "another kind": ([record("deploy", "begin", "deploy", detail={"kind": "rollback"})], {"kind": "rollback"}),
    "restored": (
        [record("database.migrate", "done", "migrate", "x", {"applied": ["a.1"]}), record("database.restore", "done", "migrate")],
        {"going_back": True},
    ),
    # What is done on the way back is no progress, and nothing that has to be undone.
    "the way back has begun": ([*PULLED, record("deploy.back", "note", "back")], {"going_back": True, "undo_steps": ["pull"]}),
    "the old release behind the entrance again": (
        [*ALL_STARTED, *(record(f"service.{what}", "done", "back", "old", {"socket": "/o"}, WEB) for what in ("define", "start", "switch"))],
        {"switched": "none", "going_back": True, "undo_steps": ["start"], "last": "service.switch done"},
    ),
    "the old release live again": (
        [record("release.activate", "done", "verify", "r2", undo={"release": "r1"}), record("release.activate", "done", "back", "r1")],
        {"activated": True, "release": "r2", "previous": "r1", "undo_steps": ["verify"], "going_back": True},
    ),
    "only the old release live": ([record("release.activate", "done", "back", "r1", undo={"release": "r2"})], {"activated": False, "undo_steps": []}),
    "an undo that failed": ([record("service.start", "failed", "back", "old", undo=WEB)], {"failed": False, "undo_steps": []}),
    "adopted half": ([record("adoption.lead", "done", subject="r0")], {"complete": False, "last": "adoption.lead done"}),
    "adopted": ([record("adoption.activate", "done", subject="r0")], {"complete": True}),
    "let go": ([record("adoption.let_go", "done", subject="r0")], {"complete": True}),
    "left as it is": (
        [record("service.start", "done", undo=WEB), record("service.start", "left", "start")],
        {"undo_steps": [], "going_back": True},
    ),
    "a fence that was opened on the way": (
        [record("database.fence", event, "migrate", "shop", undo=WEB) for event in ("done", "undone")],
        {"undo_steps": [], "going_back": False},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("records", "expected"), JOURNALS.values(), ids=JOURNALS.keys())
def test_facts(records, expected):
    found = host_facts(records, "d1")
    assert {name: getattr(found, name) for name in expected} == expected


def test_facts_of_the_database_come_back_from_json():
    records = [record("database.migrate", "done", "migrate", "default", {"applied": ["a.1"]}, {"applying": ["a.1"]})]
    found = HostFacts.from_json(host_facts(records, "d1").to_json())
    assert found.database_facts() == MIGRATED
