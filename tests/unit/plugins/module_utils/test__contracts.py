# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contracts between the parts, as they stand on disk and on the wire.

The golden forms below are what other parts and older targets hold. Changing one means a new version
of that contract and a reader for the old one, not a new golden form.
"""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import (
    _connection,
    _journal,
    _lock,
    _manifest,
    _migration,
    _runner,
    _unfinished,
)
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _adapter

RECORD = _journal.JournalRecord(
    "20261121T010203-ab12",
    "2026-11-21T01:02:03Z",
    "web1",
    "start",
    "service.switch",
    "intent",
    "shop-web",
    {"from": "r1"},
    {"former": "web-r1.sock"},
)
MANIFEST = _manifest.ReleaseManifest(
    release="20261121T010203-1a2b3c4",
    source={"kind": "git", "location": "ssh://git/shop", "version": "v2"},
    commit="1a2b3c4d",
    identity="f00",
    prepared_at="2026-11-21T01:02:03Z",
    who="ops",
)
RUNNER = _runner.RunnerState(
    "migrate-1",
    "20261121T010203-ab12",
    "migrate",
    "database.migrate",
    "running",
    4711,
    998877,
    "boot-a",
    "2026-11-21T01:02:03Z",
    "/srv/shop/.deploy/run/migrate-1.jsonl",
)
OWNER = {"node": "f00", "pid": 4711, "started": "998877", "boot": "boot-c"}
HOLDER = _lock.Holder("20261121T010203-ab12", "ops", "AWX job 7", "2026-11-21T01:02:03Z", "boot-a", OWNER)
FACTS = _unfinished.HostFacts(
    "web1",
    "20261121T010203-ab12",
    release="20261121T010203-1a2b3c4",
    last="service.switch done",
    undo_steps=["start"],
    database={"applied": ["orders.0002"]},
)
UNIT = _adapter.Unit("shop-web-r2", "web", "/run/shop/web-r2.sock", "/run/shop/web.sock", "/srv/shop/releases/r2")
MIGRATION = _migration.Migration("orders.0002_note", "orders", "0002_note", operations=["Add field note to order"])
VERDICT = _migration.Verdict(
    "orders.0002_note", "r1", "r2", "expand", findings=[_migration.Finding("orders_order.note", "it is nullable")]
)
CONNECTION = _connection.DatabaseConnection(
    "application", "db1", 5433, "shop", "shop", "s3cret", {"sslmode": "require"}
)

GOLDEN = [
    (
        RECORD,
        '{"action": "service.switch", "at": "2026-11-21T01:02:03Z", "deploy_id": "20261121T010203-ab12", '
        '"detail": {"from": "r1"}, "event": "intent", "host": "web1", "step": "start", "subject": "shop-web", '
        '"undo": {"former": "web-r1.sock"}, "version": 1}',
    ),
    (
        MANIFEST,
        '{"activated_at": "", "commit": "1a2b3c4d", "demands": {}, "dependencies": {}, "held_back": [], "identity": "f00", '
        '"prepared_at": "2026-11-21T01:02:03Z", "reason": "", "release": "20261121T010203-1a2b3c4", '
        '"result": "preparing", "shared": [], "source": {"kind": "git", "location": "ssh://git/shop", '
        '"version": "v2"}, "units": [], "unmet": [], "version": 1, "who": "ops"}',
    ),
    (
        RUNNER,
        '{"action": "database.migrate", "boot_id": "boot-a", "deploy_id": "20261121T010203-ab12", "finished_at": "", '
        '"id": "migrate-1", "pid": 4711, "process_started": 998877, "rc": null, '
        '"result_file": "/srv/shop/.deploy/run/migrate-1.jsonl", "started_at": "2026-11-21T01:02:03Z", '
        '"status": "running", "step": "migrate", "version": 1}',
    ),
    (
        HOLDER,
        '{"boot_id": "boot-a", "deploy_id": "20261121T010203-ab12", "origin": "AWX job 7", '
        '"owner": {"boot": "boot-c", "node": "f00", "pid": 4711, "started": "998877"}, "since": "2026-11-21T01:02:03Z", "version": 1, "who": "ops"}',
    ),
    (
        FACTS,
        '{"activated": false, "began": "", "complete": false, "database": {"applied": ["orders.0002"]}, '
        '"deploy_id": "20261121T010203-ab12", "ended": "", "failed": false, "going_back": false, "host": "web1", '
        '"kind": "deploy", "last": "service.switch done", "origin": "", "previous": "", '
        '"release": "20261121T010203-1a2b3c4", "running": [], "stopped": false, "strategy": "", "switched": "none", '
        '"undo_steps": ["start"], "version": 1, "wanted": "", "who": ""}',
    ),
    (
        UNIT,
        '{"definition": "", "directory": "/srv/shop/releases/r2", "entrance": "/run/shop/web.sock", "interpreter": "", '
        '"name": "shop-web-r2", "socket": "/run/shop/web-r2.sock", "unit_class": "web", "version": 1}',
    ),
    (
        MIGRATION,
        '{"atomic": true, "backwards": false, "data": false, "dependencies": [], "id": "orders.0002_note", "label": "orders", '
        '"name": "0002_note", "operations": ["Add field note to order"], "reversible": true, "sql": [], "version": 1}',
    ),
    (
        VERDICT,
        '{"compatibility": "expand", "findings": [{"evidence": "it is nullable", "object": "orders_order.note", '
        '"remedy": "", "version": 1}], "impact": {}, "migration": "orders.0002_note", "new_release": "r2", "old_release": "r1", '
        '"rehearsal": "none", "version": 1}',
    ),
    (
        CONNECTION,
        '{"database": "shop", "host": "db1", "options": {"sslmode": "require"}, "port": 5433, "role": "application", '
        '"user": "shop", "version": 1}',
    ),
]


def name_of(case: object) -> str:
    return type(case).__name__ if dataclasses.is_dataclass(case) else ""


@pytest.mark.parametrize(("contract", "golden"), GOLDEN, ids=name_of)
def test_json_form_stays(contract, golden):
    assert json.dumps(contract.to_json(), sort_keys=True) == golden


@pytest.mark.parametrize(("contract", "golden"), GOLDEN, ids=name_of)
def test_reads_what_it_wrote(contract, golden):
    again = type(contract).from_json(json.loads(golden))
    expected = dataclasses.replace(contract, password="") if hasattr(contract, "password") else contract
    assert again == expected


@pytest.mark.parametrize(("contract", "golden"), GOLDEN, ids=name_of)
def test_refuses_a_newer_version(contract, golden):
    with pytest.raises((DeployError, ValueError), match="version"):
        type(contract).from_json({**json.loads(golden), "version": 99})


@pytest.mark.parametrize("contract", [RECORD, MANIFEST, RUNNER, HOLDER, FACTS], ids=name_of)
def test_ignores_keys_of_a_newer_minor_release(contract):
    assert type(contract).from_json({**contract.to_json(), "added later": 1}) == contract


def test_a_lock_of_an_older_release_has_no_owner():
    older = {name: value for name, value in HOLDER.to_json().items() if name != "owner"}
    assert _lock.Holder.from_json(older) == dataclasses.replace(HOLDER, owner={})


def test_damaged_contract_is_named():
    with pytest.raises(DeployError, match="a release manifest lacks commit, identity"):
        _manifest.ReleaseManifest.from_json(
            {"version": 1, "release": "r", "source": {}, "prepared_at": "2026-11-21T01:02:03Z"}
        )


def test_no_contract_shows_a_password():
    assert "s3cret" not in json.dumps(CONNECTION.to_json()) + repr(CONNECTION) + CONNECTION.where()


@pytest.mark.parametrize(
    ("boot", "started", "expected"),
    [("boot-a", 998877, "running"), ("boot-a", 5, "lost"), ("boot-a", None, "lost"), ("boot-b", 998877, "lost")],
)
def test_runner_is_lost_unless_the_very_process_lives(boot, started, expected):
    assert RUNNER.observed(boot, started).status == expected


def test_finished_runner_stays_finished():
    finished = dataclasses.replace(RUNNER, status="finished", rc=0)
    assert finished.observed("boot-b", None) == finished


def test_verdict_refuses_an_unknown_word():
    with pytest.raises(ValueError, match="harmless"):
        _migration.Verdict("m", "r1", "r2", "harmless")
