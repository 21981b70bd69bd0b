# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports say what happened, in lines that a tired person can read."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _report, _report_done, _report_plan

RELEASE = {"release": "r2", "previous": "r1", "commit": "1a2b3c4d5e6f7a8b", "dependencies": "reused", "live": False}
PLAN = [
    {"id": "orders.0002_note", "operations": ["Add field note to order"], "atomic": True, "reversible": True},
    {"id": "orders.0003_index", "operations": ["Create index"], "atomic": False, "reversible": False, "data": True},
]


def line(lines, label):
    return next(text for text in lines if text.startswith(label))


def test_the_live_release_again_says_what_it_started():
    live = {**RELEASE, "live": True}
    service = {"name": "shop-web-r2", "changed": True, "measured": {"ready_seconds": 1.2}}
    lines = _report_done.done({"release": live, "services": [service, {"name": "shop-worker-r2", "changed": False}]})
    assert line(lines, "Started:").endswith("It is healthy now.")
    assert [text for text in lines if text.startswith("Service:")] == ["Service:   shop-web-r2: ready after 1.2 s"]
    assert _report_done.done({"release": live, "services": [{**service, "changed": False}]}) == [
        "Nothing to do: release r2 (1a2b3c4d5e6f) is live already and healthy."
    ]


def test_plan_names_release_strategy_and_migrations():
    lines = _report_plan.plan({"strategy": "online", "release": RELEASE, "database": {"plan": PLAN}, "forced": True})
    assert line(lines, "Release:").endswith("r1 -> r2 (1a2b3c4d5e6f)")
    assert "stop" not in line(lines, "Strategy:")
    assert "taken over" in line(lines, "Dependencies:")
    assert "  orders.0002_note: Add field note to order" in lines
    assert "  orders.0003_index: Create index [not atomic, cannot be taken back, runs code or changes data]" in lines
    assert "the verdict is not asked" in line(lines, "Attention:")


def test_plan_of_a_dry_run_leaves_the_choice_to_the_rehearsal():
    facts = {"strategy": "online", "wanted": "auto", "check_mode": True, "release": RELEASE}
    assert "a rehearsal decides" in line(_report_plan.plan(facts), "Strategy:")
    assert "pull, install" in line(_report_plan.plan({**facts, "wanted": "online"}), "Strategy:")


def test_plan_shows_what_a_rehearsal_proved():
    rehearsed = {
        "verdicts": [{}],
        "rehearsal": "schema",
        "seconds": [0.25, 0.5],
        "table": ["orders.0002_note  blocking"],
        "reasons": ["orders.0002_note is blocking: the INSERT fails."],
    }
    facts = {"strategy": "online", "release": RELEASE, "database": {"plan": PLAN}, "rehearsed": rehearsed}
    lines = _report_plan.plan(facts)
    assert line(lines, "Rehearsal:").endswith("on a copy of the schema, 0.8 s of migrations")
    assert "  orders.0002_note  blocking" in lines
    data = {**rehearsed, "rehearsal": "data", "data": {"bytes": 2**30, "bytes_after": 2**30 + 3 * 2**20}}
    grown = _report_plan.plan({**facts, "rehearsed": data})
    assert line(grown, "Rehearsal:").endswith("on a copy with data, 0.8 s of migrations, 3 MiB more on disk")
    assert "  Not online: orders.0002_note is blocking: the INSERT fails." in lines
    assert not any(text.startswith("Attention:") for text in lines)


def test_plan_says_what_migrates_when_the_units_start():
    script = {
        "evidence": "start.sh:2 applies it",
        "remedy": "take it out",
        "place": "start.sh:2",
        "scripts": ["start.sh"],
    }
    units = [
        {"name": "web", "command": "/bin/sh {project}/start.sh"},
        {"name": "w", "command": "/bin/sh -c 'flask db upgrade'"},
    ]
    facts = {"strategy": "online", "release": RELEASE, "database": {"plan": [], "starts": [script]}, "units": units}
    said = [text for text in _report_plan.plan(facts) if text.startswith("Attention:")]
    assert "unit w applies migrations in its own command (flask db upgrade)" in said[0] and len(said) == 2
    assert said[1].endswith("start.sh:2 applies it; take it out (unit web runs it)")
    (unused,) = [text for text in _report_plan.plan({**facts, "units": []}) if text.startswith("Attention:")]
    assert unused.endswith("(no unit of this deploy runs it by its name)")
    (out,) = [
        text for text in _report_plan.plan({**facts, "without_migrations": True}) if text.startswith("Attention:")
    ]
    assert out.endswith("unit w, start.sh:2 would migrate at the start; deploy_without_migrations leaves it out")


def test_plan_says_what_an_older_release_does_not_know():
    lines = _report_plan.plan(
        {"strategy": "online", "release": RELEASE, "database": {"plan": [], "missing": ["orders.0002_note"]}}
    )
    assert "orders.0002_note, which this release does not know" in line(lines, "Attention:")


def test_plan_says_what_is_wrong_with_revisions_and_who_migrates_at_the_start():
    found = {"evidence": "abc has no downgrade.", "remedy": "write one"}
    starts = {"evidence": "create_app() calls upgrade()", "remedy": "set MIGRATE_ON_START=0"}
    database = {"plan": [], "findings": [found, {"evidence": "Two bases.", "remedy": ""}], "starts": [starts]}
    lines = _report_plan.plan({"strategy": "online", "release": RELEASE, "database": database})
    for sentence in (
        "abc has no downgrade; write one",
        "Two bases.",
        "create_app() calls upgrade(); set MIGRATE_ON_START=0",
    ):
        assert f"Attention:    {sentence}" in lines


def test_plan_without_the_framework_names_files():
    lines = _report_plan.plan(
        {"strategy": "online", "release": {**RELEASE, "migration_files": ["orders/migrations/0002.py"]}}
    )
    assert "  orders/migrations/0002.py" in lines


def test_plan_warns_of_a_maintenance_without_fence_and_of_drift():
    facts = {
        "strategy": "maintenance",
        "fenced": False,
        "release": RELEASE,
        "database": {"plan": PLAN, "model_changes": {"orders": ["Add field x"]}},
    }
    lines = _report_plan.plan(facts)
    assert "stop, migrate" in line(lines, "Strategy:")
    assert any("deploy_database_admin_url" in text for text in lines)
    assert any("models of orders differ" in text for text in lines)
    assert not any("deploy_database_admin_url" in text for text in _report_plan.plan({**facts, "fenced": True}))


def test_done_tells_what_was_measured():
    lines = _report_done.done(
        {
            "release": RELEASE,
            "database": {"applied": [{"id": "orders.0002_note", "seconds": 0.31}]},
            "backups": [{"path": "/srv/shop/backups/x.dump", "size": 5 * 1024 * 1024}],
            "services": [{"name": "shop-web-r2", "measured": {"ready_seconds": 1.25, "unserved_seconds": 0.0}}],
            "trouble": ["the old release did not stop"],
        }
    )
    assert line(lines, "Migrated:").endswith("orders.0002_note in 0.3 s")
    assert "(5 MiB, read back in full)" in line(lines, "Backup:")
    assert line(lines, "Service:").endswith("ready after 1.2 s, without a listener for 0.000 s")
    assert line(lines, "Attention:").endswith("the old release did not stop")
    assert "rollback.yml" in line(lines, "Way back:")


def test_done_says_when_there_was_nothing_to_do():
    (only,) = _report_done.done({"release": {**RELEASE, "live": True}})
    assert only.startswith("Nothing to do: release r2")


def failure(**facts):
    base = {
        "task": "Apply the migrations",
        "reason": "boom",
        "undone": ["service.start"],
        "recovery": "As it was.",
        "old": "r1",
        "new": "r2",
        "serves": True,
        "trouble": [],
        "deploy_id": "d1",
    }
    return _report.failure({**base, **facts})


def test_failure_says_what_stands_and_what_to_do():
    lines = failure()
    assert line(lines, "Reason:").endswith("boom")
    assert line(lines, "Service:").endswith("release r1 serves and is healthy")
    assert "deploy again" in line(lines, "Next:")


def test_failure_with_trouble_sends_to_the_trouble_first():
    assert "DOES NOT SERVE: refused" in line(failure(serves=False, problem="refused"), "Service:")
    assert "trouble first" in line(failure(serves=False), "Next:")
    assert "trouble first" in line(failure(trouble=["x"]), "Next:")


def test_failure_before_anything_was_touched():
    lines = failure(undone=[], old="", new="")
    assert line(lines, "Undone:").endswith("nothing was touched")
    assert line(lines, "Service:").endswith("was not touched")


def test_status():
    releases = {
        "live": "r2",
        "previous": "r1",
        "releases": [{"release": "r2", "commit": "1a2b3c4d5e6f7a", "activated_at": "now", "who": "ops"}],
    }
    journal = {
        "holder": {},
        "unfinished": [],
        "deploys": [{"deploy_id": "d1", "who": "ops", "result": "rolled_back", "reason": "boom"}],
    }
    lines = _report.status(
        {
            "app": "shop",
            "path": "/srv/shop",
            "releases": releases,
            "journal": journal,
            "serving": [{"entrance": "/run/web.sock", "serving": {"status": 200, "release": "r2", "pid": 7}}],
        }
    )
    assert line(lines, "Live:").endswith("r2 (1a2b3c4d5e6f) since now, by ops")
    assert line(lines, "Deploy now:").endswith("none")
    assert line(lines, "Serving:").endswith("release r2 answers 200, process 7")
    assert "  d1 by ops, rolled back: boom" in lines


def test_single_steps_do_not_claim_that_the_release_is_live():
    lines = _report_done.done({"release": RELEASE, "activated": False})
    assert line(lines, "Ready:").endswith("it is not live, only the steps that were chosen ran")
    assert not any(text.startswith(("Live:", "Way back:")) for text in lines)
    nothing = _report_done.done({"release": {**RELEASE, "release": "", "commit": ""}, "activated": False})
    assert nothing == ["Done:      the steps that were chosen, without a release"]


def test_an_application_that_runs_as_root_is_said():
    lines = _report_plan.plan({"strategy": "online", "release": RELEASE, "runs_as_root": True})
    assert "set deploy_user" in line(lines, "Attention:")


def test_a_release_that_was_removed_does_not_stay_for_a_look():
    assert "stays for a look" not in line(failure(kept=False), "Next:")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("version is 'v9', which is no branch", ["version is deploy_version"]),
        ("pg_dump 16 is older; client_path is /x", ["client_path is deploy_postgresql_client_path"]),
        ("Correct deploy_version. The version of Django differs, and python is fast", []),
        ("not ready after 8 s (ready_timeout): no answer", ["ready_timeout is deploy_ready_timeout"]),
        ("python is 'python3', version 3.9", ["python is deploy_python"]),
    ],
)
def test_a_failure_names_the_variables_behind_the_options(reason, expected):
    assert _report.variables_in(reason) == expected
    assert [text[len("Set by:    ") :] for text in failure(reason=reason) if text.startswith("Set by:")] == expected


def test_hosts_that_did_not_come_along_are_named():
    assert "app2, app3" in line(failure(absent=["app2", "app3"]), "Missing:")
    assert not any(text.startswith("Missing:") for text in failure())


@pytest.mark.parametrize(
    ("reason", "end"), [("no answer", " no answer."), ("No answer.", " No answer."), ("Is it up?.", " Is it up?")]
)
def test_the_last_sentence_has_one_mark_at_its_end(reason, end):
    assert _report.verdict({"reason": reason})[0].endswith(end)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"held_back": ["orders.0003"]}, "Held back: orders.0003, until nobody uses what goes with it"),
        ({"held_back": ["orders.0003"]}, "applied with the next different release, or now with -e"),
        ({"held_back": ["orders.0003"], "contract": "manual"}, "applied only with -e deploy_contract=after"),
        (
            {"held_back": ["orders.0003"], "contracted": {"failed": True, "msg": "no lock"}},
            "after the handover: no lock",
        ),
        ({"contracted": {"applied": [{"id": "orders.0003", "seconds": 0.25}]}}, "Afterwards: orders.0003 in 0.2 s"),
    ],
)
def test_done_says_what_waited_for_the_old_release(facts, expected):
    text = "\n".join(_report_done.done({"release": RELEASE, **facts}))
    assert expected in text
    assert ("Held back" in text) == ("held_back" in facts)


STOPS = {
    "strategy": "maintenance",
    "release": RELEASE,
    "fenced": True,
    "last_seconds": {"start": 4.0},
    "rehearsed": {
        "verdicts": [{"impact": {"seconds": 2.5}}, {"impact": {"seconds": 0.5}}],
        "rehearsal": "schema",
        "seconds": [0.1, 0.1],
        "table": [],
        "reasons": [],
        "bytes": 1024**3,
    },
}


def test_the_stop_is_predicted_and_compared():
    said = line(_report_plan.plan(STOPS), "Stop:")
    assert said == "Stop:         about 18 s: migrations 3 s, safety copy 5 s, start 4 s, steps between 6 s"
    assert not any(text.startswith("Stop:") for text in _report_plan.plan({**STOPS, "strategy": "online"}))
    whole = _report_plan.plan({**STOPS, "copied": False})
    assert line(whole, "Stop:") == "Stop:         about 13 s: migrations 3 s, start 4 s, steps between 6 s"
    learned = line(_report_plan.plan({**STOPS, "pace": 0.4}), "Stop:")
    assert learned == "Stop:         about 16 s: migrations 1 s, safety copy 5 s, start 4 s, steps between 6 s"
    assert learned == line(_report_plan.plan({**STOPS, "pace": "0.4"}), "Stop:"), "as ansible-core 2.16 hands it over"
    took = _report_done.done({"release": RELEASE, "seconds": {"stop": 16.0, "start": 4.0}, "planned": STOPS})
    assert line(took, "Stopped:") == "Stopped:   16 s, 18 s were predicted"
    assert not any(
        text.startswith("Stopped:") for text in _report_done.done({"release": RELEASE, "seconds": {"start": 4.0}})
    )


@pytest.mark.parametrize(
    "facts, said",
    [
        ({}, ["Way back:     a copy of the database, made when nobody can write any more"]),
        ({"copied": False}, ["Way back:     all migrations in one transaction; nothing is copied"]),
        ({"fenced": False}, []),
        (
            {"fenced": False, "saved": True},
            ["Way back:     by hand, with a second backup that is made when the release has stopped"],
        ),
        ({"saved": True}, ["Way back:     a copy of the database, made when nobody can write any more"]),
        ({"strategy": "online"}, []),
    ],
)
def test_the_plan_says_what_a_failure_is_taken_back_with(facts, said):
    planned = {**STOPS, "database": {"plan": [{"id": "orders.0002"}]}, **facts}
    assert [text for text in _report_plan.plan(planned) if text.startswith("Way back:")] == said


def test_a_failure_names_what_is_held_back():
    told = _report.failure({"deploy_id": "d", "held_back": ["orders.0003"], "old": "r1", "new": "r2", "recovery": "x"})
    assert "deploy_strategy=maintenance" in line(told, "Held back:")
