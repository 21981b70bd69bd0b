# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_fence against real servers of two versions (control node)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
import typing as t

import psycopg2
import pytest

from tests.support.module import run_module, start_module
from tests.support.postgres import EmbeddedPostgres


@pytest.fixture(params=[18, pytest.param(16, marks=pytest.mark.long)])
def shop(request):
    """A database with orders, settings, a limit, grants and a comment, on both servers."""
    database = request.getfixturevalue("database" if request.param == 18 else "database16")
    name, user = database.name, database.user
    connection = psycopg2.connect(database.url)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, note text)")
        cursor.execute("INSERT INTO orders (note) SELECT 'before' FROM generate_series(1, 50)")
    connection.close()
    for statement in (
        f"COMMENT ON DATABASE {name} IS 'the shop''s own'",
        f"ALTER DATABASE {name} CONNECTION LIMIT 40",
        f'ALTER DATABASE {name} SET search_path TO "$user", public, pg_catalog',
        f"ALTER DATABASE {name} SET work_mem TO '7MB'",
        f"ALTER ROLE {user} IN DATABASE {name} SET statement_timeout TO '61s'",
        f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO pg_monitor WITH GRANT OPTION",
    ):
        database.server.execute(statement)
    return database


def fence(database, state: str, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    return run_module("pg_fence", options(database, state, **more), check)


def options(database, state: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "state": state,
        "database": database.name,
        "fence_id": "20261121-ab",
        "login_url": database.admin_url,
        "timeout": 20,
        **more,
    }


def ok(result: dict[str, t.Any]) -> dict[str, t.Any]:
    assert "failed" not in result, result["msg"]
    return result


def write(database, statement: str, name: str = "") -> None:
    database.server.execute(statement, name or database.name)


def notes(database, name: str = "") -> list[str]:
    return sorted({row[0] for row in database.server.execute("SELECT note FROM orders", name or database.name)})


def databases(database) -> list[str]:
    found = database.server.execute(f"SELECT datname FROM pg_database WHERE datname ~ '^{database.name}'")
    return sorted(row[0].replace(database.name, "shop") for row in found)


def properties(database) -> list[t.Any]:
    """All that belongs to a database and is not inside it, without names of our own."""
    row = database.server.execute(
        f"""SELECT pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'),
                   (SELECT array_agg(a::text ORDER BY a::text) FROM aclexplode(datacl) AS a),
                   (SELECT array_agg(setrole || ':' || setconfig::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
            FROM pg_database AS d WHERE datname = '{database.name}'"""
    )
    return list(row[0])


FENCED, COPY, FAILED = "shop_fenced_20261121-ab", "shop_copy_20261121-ab", "shop_failed_20261121-ab"


def test_maintenance_deploy_goes_well(shop):
    before = properties(shop)
    closed = ok(fence(shop, "closed"))
    assert databases(shop) == [COPY, FENCED]
    assert closed["fenced_name"].replace(shop.name, "shop") == FENCED
    assert closed["copied"] is True and closed["counters"]["tables"]["public.orders"][0] == 50
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        psycopg2.connect(shop.url)
    write(shop, "ALTER TABLE orders ADD COLUMN paid boolean", closed["fenced_name"])
    opened = ok(fence(shop, "open"))
    assert databases(shop) == ["shop", COPY]
    assert properties(shop) == before
    psycopg2.connect(shop.url).close()
    assert opened["restored"] is False
    cleaned = ok(fence(shop, "cleaned", keep=0))
    assert databases(shop) == ["shop"]
    assert len(cleaned["removed"]) == 1


def test_failure_behind_the_fence_restores_the_copy(shop):
    before = properties(shop)
    closed = ok(fence(shop, "closed"))
    write(shop, "UPDATE orders SET note = 'broken'", closed["fenced_name"])
    restored = ok(fence(shop, "open", restore=True))
    assert restored["restored"] is True and restored["unchanged"] is True
    assert restored["changes"]["updated"] == 50
    assert databases(shop) == ["shop", FAILED]
    assert notes(shop) == ["before"]
    assert properties(shop) == before
    again = ok(fence(shop, "open", restore=True))
    assert (again["changed"], again["restored"]) == (False, True)


def test_failure_after_opening_restores_while_nothing_was_written(shop):
    ok(fence(shop, "closed"))
    write(shop, "UPDATE orders SET note = 'migrated'", f"{shop.name}_fenced_20261121-ab")
    opened = ok(fence(shop, "open"))
    refused = fence(shop, "open", restore=True)
    assert "close the fence first" in refused["msg"]
    psycopg2.connect(shop.url).close()
    again = ok(fence(shop, "closed", safety_copy=False, counters=opened["counters"]))
    assert again["unchanged"] is True and again["copied"] is False
    restored = ok(fence(shop, "open", restore=True, counters=opened["counters"]))
    assert restored["restored"] is True
    assert notes(shop) == ["before"]


@pytest.mark.parametrize("given", [True, False], ids=["counters given", "counters on record"])
@pytest.mark.parametrize(
    "statement", ["INSERT INTO orders (note) VALUES ('paid')", "TRUNCATE orders", "CREATE TABLE carts (id int)"]
)
def test_restore_is_refused_when_something_was_written(shop, statement, given):
    ok(fence(shop, "closed"))
    opened = ok(fence(shop, "open"))
    write(shop, statement)
    more = {"counters": opened["counters"]} if given else {}
    again = ok(fence(shop, "closed", safety_copy=False, **more))
    assert again["unchanged"] is False
    refused = fence(shop, "open", restore=True, **more)
    assert refused["failed"] is True
    assert "public." in refused["msg"] and "restore_only_if_unchanged" in refused["msg"]
    if statement.startswith("INSERT"):
        assert "public.orders: 1 inserted" in refused["msg"]
    assert databases(shop) == [COPY, FENCED]
    back = ok(fence(shop, "open"))
    assert back["changed"] is True and databases(shop) == ["shop", COPY]


def test_loss_can_be_accepted_and_is_counted(shop):
    ok(fence(shop, "closed"))
    ok(fence(shop, "open"))
    write(shop, "INSERT INTO orders (note) VALUES ('paid'), ('paid')")
    ok(fence(shop, "closed", safety_copy=False))
    restored = ok(fence(shop, "open", restore=True, restore_only_if_unchanged=False))
    assert restored["changes"]["inserted"] == 2
    assert notes(shop) == ["before"]
    assert "paid" in notes(shop, restored["failed_name"])


def test_fence_opened_by_hand_never_loses_writes(shop):
    closed = ok(fence(shop, "closed"))
    shop.server.execute(f'ALTER DATABASE "{closed["fenced_name"]}" RENAME TO {shop.name}')
    write(shop, "INSERT INTO orders (note) VALUES ('paid')")
    ok(fence(shop, "closed", safety_copy=False))
    assert "1 inserted" in fence(shop, "open", restore=True)["msg"]
    ok(fence(shop, "open"))
    assert properties(shop)[2] == "the shop's own"


def test_statistics_reset_counts_as_written(shop):
    ok(fence(shop, "closed"))
    ok(fence(shop, "open"))
    write(shop, "SELECT pg_stat_reset()")
    again = ok(fence(shop, "closed", safety_copy=False))
    assert again["unchanged"] is False and "reset" in again["reason"]
    assert "reset" in fence(shop, "open", restore=True)["msg"]


def test_server_crash_after_opening_counts_as_written(short_dir):
    with EmbeddedPostgres(short_dir, 18, {"fsync": "off"}) as server:
        server.create_database("shop", "shop", "x")
        params = {"database": "shop", "fence_id": "1", "login_url": server.admin_url}
        ok(run_module("pg_fence", {**params, "state": "closed"}))
        ok(run_module("pg_fence", {**params, "state": "open"}))
        server.stop("immediate")
        server.start()
        params["login_url"] = server.admin_url
        again = ok(run_module("pg_fence", {**params, "state": "closed", "safety_copy": False}))
        assert again["unchanged"] is False
        assert "a crash" in run_module("pg_fence", {**params, "state": "open", "restore": True})["msg"]


class Reconnecting:
    """An application that comes back the moment it is thrown out, with several connections."""

    def __init__(self, url: str) -> None:
        self.stopped = threading.Event()
        self.connected = 0
        self.threads = [threading.Thread(target=self._run, args=(url,), daemon=True) for _number in range(6)]

    def _run(self, url: str) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(psycopg2.Error):
                connection = psycopg2.connect(url, application_name="gunicorn", connect_timeout=5)
                self.connected += 1
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(30)")

    def __enter__(self) -> Reconnecting:
        for thread in self.threads:
            thread.start()
        while self.connected < 6:
            time.sleep(0.01)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stopped.set()


def test_application_that_keeps_reconnecting_is_kept_out(shop):
    with Reconnecting(shop.url) as application:
        closed = ok(fence(shop, "closed"))
        ended = {(one["user"], one["application_name"]): one["count"] for one in closed["ended_sessions"]}
        assert ended[(shop.user, "gunicorn")] >= 6
        inside = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{closed['fenced_name']}'"
        assert shop.server.execute(inside) == [(0,)]
        before = application.connected
        ok(fence(shop, "open"))
        deadline = time.monotonic() + 20
        while application.connected == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert application.connected > before
    shop.server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{shop.name}'")


def test_session_that_does_not_end_is_named_and_nothing_changed(shop):
    connection = psycopg2.connect(shop.url, application_name="stuck worker")
    pid = connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        refused = fence(shop, "closed", timeout=2)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert refused["failed"] is True
    for word in ("stuck worker", "timeout", str(pid), shop.user):
        assert word in refused["msg"]
    assert databases(shop) == ["shop"]
    connection.close()


def test_check_mode_and_second_runs(shop):
    told = ok(fence(shop, "closed", check=True))
    assert (told["changed"], told["plan"]) == (True, ["fence", "copy"])
    assert databases(shop) == ["shop"]
    made = ok(fence(shop, "closed"))
    assert set(told) == set(made) and told["copy_name"] == made["copy_name"]
    assert ok(fence(shop, "closed"))["changed"] is False
    assert ok(fence(shop, "closed", safety_copy=False))["changed"] is False
    told = ok(fence(shop, "open", check=True, restore=True))
    assert told["plan"] == ["swap"] and databases(shop) == [COPY, FENCED]
    told = ok(fence(shop, "open", check=True))
    assert told["plan"] == ["reopen"]
    ok(fence(shop, "open", copy="drop"))
    assert databases(shop) == ["shop"]
    assert ok(fence(shop, "open", copy="drop"))["changed"] is False
    assert ok(fence(shop, "open", restore=True))["restored"] is False


@pytest.mark.parametrize("again", ["closed", "open", "restore"])
@pytest.mark.parametrize("where", ["before the copy", "before the mark"])
def test_killed_between_rename_and_copy(shop, where, again):
    ok(fence(shop, "closed", safety_copy=True))
    fenced, copy = f"{shop.name}_fenced_20261121-ab", f"{shop.name}_copy_20261121-ab"
    mark = shop.server.execute(
        f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{fenced}'"
    )[0][0]
    wanted = mark.replace('"copy": "made"', '"copy": "wanted"').replace("'", "''")
    assert wanted != mark
    shop.server.execute(f"COMMENT ON DATABASE \"{fenced}\" IS '{wanted}'")
    if where == "before the copy":
        shop.server.execute(f'DROP DATABASE "{copy}"')
    else:
        shop.server.execute(f'COMMENT ON DATABASE "{copy}" IS NULL')
    if again == "closed":
        result = ok(fence(shop, "closed"))
        assert result["copied"] is True and databases(shop) == [COPY, FENCED]
        ok(fence(shop, "open", restore=True))
        assert databases(shop) == ["shop", FAILED]
    else:
        result = ok(fence(shop, "open", restore=again == "restore"))
        assert result["restored"] is False and databases(shop) == ["shop"]
    assert properties(shop)[1:3] == [40, "the shop's own"]


def test_module_process_killed_while_it_copies(database, short_dir):
    database.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, note text)")
    database.execute("INSERT INTO orders (note) SELECT repeat(md5(random()::text), 30) FROM generate_series(1, 40000)")
    journal = str(short_dir / "journal.jsonl")
    more = {"journal": journal, "deploy_id": "d1"}
    process = start_module("pg_fence", options(database, "closed", **more))
    fenced = f"SELECT 1 FROM pg_database WHERE datname = '{database.name}_fenced_20261121-ab'"
    deadline = time.monotonic() + 30
    while not database.server.execute(fenced) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert "shop" not in databases(database)
    restored = ok(fence(database, "open", restore=True, **more))
    assert restored["changed"] is True and "shop" in databases(database)
    assert database.execute("SELECT count(*) FROM orders") == [(40000,)]
    events = [(line["action"], line["event"]) for line in map(json.loads, open(journal))]
    assert events[0] == ("database.fence", "intent") and events[-1] == ("database.fence", "undone")


def test_journal_knows_how_to_take_a_fence_back(shop, short_dir):
    more = {"journal": str(short_dir / "journal.jsonl"), "deploy_id": "d1"}
    ok(fence(shop, "closed", **more))
    intent = json.loads(open(more["journal"]).readline())
    assert intent["step"] == "stop" and intent["undo"]["copy_name"].endswith("_copy_20261121-ab")
    ok(fence(shop, "open", step="migrate", **more))
    lines = [json.loads(line) for line in open(more["journal"])]
    assert [(line["step"], line["action"], line["event"]) for line in lines[-2:]] == [
        ("migrate", "database.open", "done"),
        ("stop", "database.fence", "undone"),
    ]
    ok(fence(shop, "closed", safety_copy=False, **more))
    ok(fence(shop, "open", restore=True, **more))
    undone = {json.loads(line)["action"] for line in open(more["journal"]) if json.loads(line)["event"] == "undone"}
    assert undone == {"database.fence", "database.open"}


def prepared(shop, stack):
    connection = shop.server.connect(shop.name)
    connection.cursor().execute("BEGIN; INSERT INTO orders (note) VALUES ('x'); PREPARE TRANSACTION 'halfway'")
    connection.close()
    stack.callback(shop.execute, "ROLLBACK PREPARED 'halfway'")


def slot(shop, stack):
    shop.execute("SELECT pg_create_logical_replication_slot('feed', 'pgoutput')")
    stack.callback(shop.execute, "SELECT pg_drop_replication_slot('feed')")


def publication(shop, stack):
    shop.execute("CREATE PUBLICATION news FOR TABLE orders")


def subscription(shop, stack):
    shop.execute(
        "CREATE SUBSCRIPTION mail CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)"
    )
    stack.callback(shop.execute, "DROP SUBSCRIPTION mail")


@pytest.mark.parametrize(
    "tie, words", [(prepared, "halfway"), (slot, "feed"), (publication, "news"), (subscription, "mail")]
)
def test_what_ties_a_database_refuses_the_fence(shop, tie, words):
    with contextlib.ExitStack() as stack:
        tie(shop, stack)
        session = psycopg2.connect(shop.url)
        refused = fence(shop, "closed")
        assert refused["failed"] is True and words in refused["msg"]
        with session.cursor() as cursor:
            cursor.execute("SELECT 1")
        session.close()
    assert databases(shop) == ["shop"]


def test_rights_are_checked_first(shop):
    role = f"{shop.name}_admin"
    shop.server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    shop.server.passwords[role] = "x"
    url = {"login_url": shop.server.url("postgres", role)}
    try:
        assert "owner" in fence(shop, "closed", **url)["msg"]
        shop.server.execute(f"GRANT {shop.user} TO {role}")
        assert "CREATEDB" in fence(shop, "closed", **url)["msg"]
        shop.server.execute(f"ALTER ROLE {role} CREATEDB")
        superuser = shop.server.connect(shop.name)
        assert "postgres" in fence(shop, "closed", **url)["msg"]
        superuser.close()
        assert databases(shop) == ["shop"]
        for statement in (
            f"ALTER ROLE {shop.user} IN DATABASE {shop.name} RESET ALL",
            f"REVOKE ALL ON DATABASE {shop.name} FROM pg_monitor",
        ):
            shop.server.execute(statement)
        before = properties(shop)
        session = psycopg2.connect(shop.url)
        ok(fence(shop, "closed", **url))
        session.close()
        ok(fence(shop, "open", restore=True, **url))
        assert properties(shop) == before
    finally:
        shop.server.execute(f"REASSIGN OWNED BY {role} TO postgres")
        shop.server.execute(f"DROP ROLE {role}")


def test_failing_copy_opens_the_database_again(shop):
    role = f"{shop.name}_admin"
    shop.server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x' CREATEDB IN ROLE {shop.user}, pg_signal_backend")
    shop.server.passwords[role] = "x"
    try:
        # A setting that only a superuser may give to a database cannot be copied by this role.
        shop.server.execute(f"ALTER DATABASE {shop.name} SET log_statement TO 'all'")
        failed = fence(shop, "closed", login_url=shop.server.url("postgres", role))
        assert failed["failed"] is True and "is open again" in failed["msg"] and "superuser" in failed["msg"]
        assert databases(shop) == ["shop"]
        assert properties(shop)[2] == "the shop's own"
    finally:
        shop.server.execute(f"DROP ROLE {role}")


def test_both_names_exist_and_none(shop):
    ok(fence(shop, "closed", safety_copy=False))
    shop.server.execute(f"CREATE DATABASE {shop.name}")
    for state in ("closed", "open"):
        assert "both" in fence(shop, state)["msg"]
    shop.server.execute(f"DROP DATABASE {shop.name}")
    assert "no safety copy" in fence(shop, "open", restore=True)["msg"]
    ok(fence(shop, "closed"))
    ok(fence(shop, "open", copy="drop"))
    assert "does not exist" in run_module("pg_fence", {**options(shop, "closed"), "database": "nowhere"})["msg"]
    for wrong in ({"database": "postgres"}, {"fence_id": "a b"}, {"login_password": "wrong"}, {"login_port": 1}):
        result = run_module("pg_fence", {**options(shop, "closed"), **wrong})
        assert result["failed"] is True and next(iter(wrong)) in result["msg"]


def test_copy_after_writes_behind_the_fence_is_refused(shop):
    closed = ok(fence(shop, "closed", safety_copy=False))
    write(shop, "DELETE FROM orders", closed["fenced_name"])
    assert "50 deleted" in fence(shop, "closed")["msg"]
    assert databases(shop) == [FENCED]


def test_retention_takes_only_what_fences_made(shop):
    for number in ("1", "2", "3"):
        ok(fence(shop, "closed", fence_id=number))
        ok(fence(shop, "open", fence_id=number))
        time.sleep(1.01)
    shop.server.execute(f"CREATE DATABASE {shop.name}_copy_by_hand")
    told = ok(fence(shop, "cleaned", check=True, keep=1))
    assert len(told["removed"]) == 2
    assert ok(fence(shop, "cleaned", keep=0, keep_days=1))["removed"] == []
    ok(fence(shop, "cleaned", keep=1))
    assert databases(shop) == ["shop", "shop_copy_3", "shop_copy_by_hand"]
    ok(fence(shop, "closed", fence_id="3", safety_copy=False))
    assert ok(fence(shop, "cleaned", keep=0))["changed"] is False


def test_admin_url_may_name_the_fenced_database(shop):
    ok(fence(shop, "closed", login_url=shop.superuser_url))
    ok(fence(shop, "open", login_url=shop.superuser_url))
    assert databases(shop) == ["shop", COPY]
