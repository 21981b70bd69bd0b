# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_backup against real servers of two versions (control node)."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import signal
import stat
import subprocess
import time
import typing as t

import pytest

from tests.support.module import finish_module, run_module, start_module
from tests.support.postgres import EmbeddedPostgres


@pytest.fixture
def dest(short_dir):
    return short_dir / "backups"


@pytest.fixture
def shop(database):
    """A database with rows that compress and rows that do not."""
    database.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, note text)")
    database.execute(
        "INSERT INTO orders (note) SELECT md5(random()::text) || repeat('x', 200) FROM generate_series(1, 20000)"
    )
    database.execute("CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint REFERENCES orders)")
    return database


def options(database, dest: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    return {
        "databases": [database.name],
        "dest": str(dest),
        "login_url": database.superuser_url,
        "client_path": str(database.server.bin_dir),
        **more,
    }


def names(dest: pathlib.Path) -> list[str]:
    return sorted(os.listdir(dest)) if dest.exists() else []


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def restore_count(server, archive: str, owner: str) -> int:
    """Restore into a new database and count the orders."""
    name = f"{owner}_again"
    server.create_database(name, owner, server.passwords[owner])
    argv = [str(server.bin_dir / "pg_restore"), "--exit-on-error", f"--dbname={server.url(name)}", archive]
    subprocess.run(argv, check=True, capture_output=True)
    return server.execute("SELECT count(*) FROM orders", name)[0][0]


@pytest.mark.parametrize(
    "more", [{}, {"format": "directory", "jobs": 2}, {"compression": "none"}], ids=["custom", "directory", "plain"]
)
def test_backup_is_proven_private_and_restores(shop, dest, more):
    result = run_module("pg_backup", options(shop, dest, label="before-r2", **more))
    assert result.get("failed") is None, result["msg"]
    backup = result["backups"][0]
    manifest = json.loads(pathlib.Path(backup["manifest_path"]).read_text())
    assert restore_count(shop.server, backup["path"], shop.user) == 20000
    assert mode(backup["manifest_path"]) == 0o600
    assert mode(str(dest)) == 0o700
    assert os.path.basename(backup["path"]).startswith(f"{shop.name}-{result['timestamp']}-before-r2")
    assert names(dest) == sorted([os.path.basename(backup["path"]), os.path.basename(backup["manifest_path"])])
    if "format" in more:
        assert mode(backup["path"]) == 0o700
        for name, digest in manifest["files"].items():
            assert hashlib.sha256(pathlib.Path(backup["path"], name).read_bytes()).hexdigest() == digest
            assert mode(os.path.join(backup["path"], name)) == 0o600
    else:
        assert mode(backup["path"]) == 0o600
        assert hashlib.sha256(pathlib.Path(backup["path"]).read_bytes()).hexdigest() == backup["sha256"]
        assert os.path.getsize(backup["path"]) == backup["size"]
    assert (manifest["database"], manifest["label"], manifest["tables"]) == (shop.name, "before-r2", 2)
    assert backup["client_version"].split(".")[0] == backup["server_version"].split(".")[0] == "18"


def test_several_databases_share_one_time_stamp(shop, dest):
    server = shop.server
    server.create_database(f"{shop.name}_stock", shop.user, shop.password)
    result = run_module("pg_backup", options(shop, dest, databases=[shop.name, f"{shop.name}_stock"]))
    assert [backup["database"] for backup in result["backups"]] == [shop.name, f"{shop.name}_stock"]
    assert all(result["timestamp"] in backup["path"] for backup in result["backups"])


def test_version_16_with_its_own_client(database16, dest):
    result = run_module("pg_backup", options(database16, dest))
    assert result["changed"] is True
    assert result["backups"][0]["client_version"].startswith("16.")


def test_database_name_cannot_become_options_or_a_path(shop, dest):
    name = f"{shop.name}_/../host=evil user's"
    shop.server.create_database(name, shop.user, shop.password)
    result = run_module("pg_backup", options(shop, dest, databases=[name]))
    assert result.get("failed") is None, result["msg"]
    assert os.path.dirname(result["backups"][0]["path"]) == str(dest)
    assert result["backups"][0]["database"] == name


def test_unix_socket_without_a_password(shop, dest):
    params = options(
        shop, dest, login_host=str(shop.server.socket_dir), login_port=shop.server.port, login_user="postgres"
    )
    del params["login_url"]
    result = run_module("pg_backup", params)
    assert result.get("failed") is None, result["msg"]
    assert result["backups"][0]["size"] > 100000


def test_check_mode_says_and_touches_nothing(shop, dest):
    told = run_module("pg_backup", options(shop, dest), check=True)
    assert not dest.exists()
    made = run_module("pg_backup", options(shop, dest))
    assert told["changed"] is True
    assert set(told) == set(made)
    assert set(told["backups"][0]) == set(made["backups"][0])
    assert told["backups"][0]["size"] == told["estimated_bytes"] > 0


WRONG = {
    "wrong password": ({"login_password": "nonsense"}, ["login_password", "does not accept the password"]),
    "no such database": ({"databases": ["nowhere"]}, ["databases", "'nowhere' does not exist"]),
    "no server": ({"login_port": 1}, ["login_port", "no postgresql server answers"]),
    "no host": ({"login_host": "nowhere.invalid"}, ["login_host", "cannot be resolved"]),
    "no socket": ({"login_host": "/nowhere"}, ["login_host", "no postgresql server answers"]),
    "no role": ({"login_user": "nobody_here", "login_password": "x"}, ["login_user"]),
    "jobs without directory": ({"jobs": 2}, ["jobs=2", "format=directory"]),
    "level of none": ({"compression": "none", "compression_level": 3}, ["compression_level=3"]),
    "level too high": ({"compression_level": 12}, ["compression_level=12", "1 to 9"]),
    "zstd not built in": ({"compression": "zstd"}, ["compression=zstd", "not built into"]),
    "lz4 not built in": ({"compression": "lz4"}, ["compression=lz4", "not built into"]),
    "client_path": ({"client_path": "/nowhere"}, ["client_path /nowhere", "pg_dump"]),
    "no space": ({"min_free": "1000T"}, ["dest", "min_free", "estimated"]),
    "size": ({"min_free": "much"}, ["min_free"]),
    "label": ({"label": "../x"}, ["label"]),
    "keep": ({"keep": 0}, ["keep is 0"]),
    "no databases": ({"databases": []}, ["databases is empty"]),
    "dest": ({"dest": "/proc/nowhere"}, ["dest /proc/nowhere"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_refused_before_anything_is_written(shop, dest, case):
    more, words = WRONG[case]
    result = run_module("pg_backup", {**options(shop, dest), **more})
    assert result["failed"] is True
    for word in words:
        assert word.lower() in result["msg"].lower()
    assert "Traceback" not in result["_output"]
    assert not dest.exists()


def test_older_client_is_refused_and_told_what_to_install(shop, postgres16, dest):
    result = run_module("pg_backup", options(shop, dest, client_path=str(postgres16.bin_dir), newer_client=True))
    assert result["failed"] is True
    for word in ("client_path", str(postgres16.bin_dir), "16.", "postgresql-client-18"):
        assert word in result["msg"]
    assert not dest.exists()


def test_newer_client_is_refused_unless_allowed(database16, postgres, dest):
    result = run_module("pg_backup", options(database16, dest, client_path=str(postgres.bin_dir)))
    assert "newer_client" in result["msg"] and not dest.exists()


def test_newer_client_that_fails_its_trial_is_refused(database16, postgres, dest):
    result = run_module("pg_backup", options(database16, dest, client_path=str(postgres.bin_dir), newer_client=True))
    assert "trial restore" in result["msg"]
    assert "transaction_timeout" in result["stderr"]
    assert names(dest) == []
    assert database16.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'seamless_trial%'") == [(0,)]


def test_newer_client_needs_a_role_that_may_try(database16, postgres, dest):
    more = {"client_path": str(postgres.bin_dir), "newer_client": True, "login_url": database16.url}
    result = run_module("pg_backup", options(database16, dest, **more))
    assert "CREATEDB" in result["msg"] and names(dest) == []


def truncating_client(server, directory: pathlib.Path) -> pathlib.Path:
    """A pg_dump that loses the end of what it wrote, and says that all went well."""
    directory.mkdir()
    real = server.bin_dir
    (directory / "pg_restore").symlink_to(real / "pg_restore")
    script = directory / "pg_dump"
    script.write_text(
        f'#!/bin/sh\n"{real}/pg_dump" "$@" || exit\n'
        'for word in "$@"; do case $word in --file=*partial*) f=${word#--file=}; '
        '[ -d "$f" ] && f=$(ls -S "$f"/*.dat.gz | head -n 1); truncate -s -3000 "$f";; esac; done\n'
    )
    script.chmod(0o755)
    return directory


@pytest.mark.parametrize(
    "more", [{}, {"compression": "none"}, {"format": "directory"}], ids=["gzip", "plain", "directory"]
)
def test_truncated_archive_is_caught_though_its_list_is_fine(shop, dest, short_dir, more):
    good = run_module("pg_backup", options(shop, dest, **more))
    before = names(dest)
    client = truncating_client(shop.server, short_dir / "broken")
    result = run_module("pg_backup", options(shop, dest, client_path=str(client), keep=1, label="", **more))
    assert result["failed"] is True
    assert "cannot be read back" in result["msg"]
    assert names(dest) == before
    listed = subprocess.run(
        [str(shop.server.bin_dir / "pg_restore"), "--list", good["backups"][0]["path"]], check=False
    )
    assert listed.returncode == 0


def test_backup_with_too_few_tables_is_caught(shop, dest, short_dir):
    client = short_dir / "partial"
    client.mkdir()
    (client / "pg_restore").symlink_to(shop.server.bin_dir / "pg_restore")
    (client / "pg_dump").write_text(f'#!/bin/sh\nexec "{shop.server.bin_dir}/pg_dump" "$@" --exclude-table=lines\n')
    (client / "pg_dump").chmod(0o755)
    result = run_module("pg_backup", options(shop, dest, client_path=str(client)))
    assert "names 1 tables and the database has 2" in result["msg"]
    assert names(dest) == []


def test_locked_table_ends_in_a_clear_message(shop, dest):
    holder = shop.server.connect(shop.name)
    try:
        holder.cursor().execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        result = run_module("pg_backup", options(shop, dest, lock_wait_timeout=1))
    finally:
        holder.close()
    assert "lock_wait_timeout" in result["msg"]
    assert result["rc"] == 1 and "orders" in result["stderr"]
    assert names(dest) == []


def test_table_that_the_role_may_not_read(shop, dest):
    result = run_module("pg_backup", options(shop, dest, login_url=shop.url))
    assert "may not read all" in result["msg"]
    assert names(dest) == []


def test_full_disk_harms_nothing(shop, short_dir):
    if os.geteuid() != 0:
        print("skipped: mounting a small file system needs root")
        pytest.skip("mounting a small file system needs root")
    dest = short_dir / "small"
    dest.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", str(dest)], check=False, capture_output=True
    )
    if mounted.returncode:
        print("skipped: this machine lets nobody mount a tmpfs")
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        small = {"min_free": "0", "space_factor": 0.0}
        good = run_module("pg_backup", options(shop, dest, **small))
        assert good.get("failed") is None, good["msg"]
        before = names(dest)
        digest = hashlib.sha256(pathlib.Path(good["backups"][0]["path"]).read_bytes()).hexdigest()
        result = run_module("pg_backup", options(shop, dest, label="two", compression="none", keep=1, **small))
        assert "dest is full" in result["msg"], result
        assert names(dest) == before
        assert hashlib.sha256(pathlib.Path(good["backups"][0]["path"]).read_bytes()).hexdigest() == digest
        estimated = run_module("pg_backup", options(shop, dest))
        assert "estimated" in estimated["msg"] and estimated["free_bytes"] < estimated["estimated_bytes"] + (64 << 20)
    finally:
        subprocess.run(["umount", str(dest)], check=True)


def test_retention_counts_by_label_and_takes_only_its_own(shop, dest):
    dest.mkdir()
    foreign = dest / f"{shop.name}-20200101T000000Z.dump"
    foreign.write_text("made by hand")
    made = []
    for label in ("", "", "nightly", ""):
        result = run_module("pg_backup", options(shop, dest, label=label, keep=2))
        made.append(os.path.basename(result["backups"][0]["path"]))
    assert result["removed"] == [made[0]]
    kept = {name for name in names(dest) if not name.endswith(".json")}
    assert kept == {foreign.name, *made[1:]}


def test_killed_run_leaves_a_part_that_a_later_run_removes(shop, dest):
    holder = shop.server.connect(shop.name)
    holder.cursor().execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    process = start_module("pg_backup", options(shop, dest, format="directory"), start_new_session=True)
    try:
        waiting = (
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'seamless.deploy' AND wait_event_type = 'Lock'"
        )
        deadline = time.monotonic() + 30
        while not shop.server.execute(waiting) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        holder.close()
    parts = names(dest)
    assert len(parts) == 1 and ".partial-" in parts[0]
    young = run_module("pg_backup", options(shop, dest))
    assert young.get("failed") is None and parts[0] in names(dest)
    long_ago = time.time() - 7200
    for parent, _directories, files in os.walk(dest / parts[0]):
        for path in [parent, *(os.path.join(parent, name) for name in files)]:
            os.utime(path, (long_ago, long_ago))
    old = run_module("pg_backup", options(shop, dest, label="later"))
    assert old.get("failed") is None and parts[0] not in names(dest)


def test_second_database_fails_and_the_first_backup_stays(shop, dest):
    other = f"{shop.name}_locked"
    shop.server.create_database(other, shop.user, shop.password)
    shop.server.execute("CREATE TABLE held (id int)", other)
    holder = shop.server.connect(other)
    holder.cursor().execute("BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
    result = run_module("pg_backup", options(shop, dest, databases=[shop.name, other], lock_wait_timeout=1))
    holder.close()
    assert result["failed"] is True
    assert [backup["database"] for backup in result["backups"]] == [shop.name]
    assert len(names(dest)) == 2


def test_password_stays_in_the_environment(shop, dest, short_dir):
    journal = short_dir / "journal.jsonl"
    params = options(shop, dest, journal=str(journal), deploy_id="d1", login_url=shop.url, databases=[shop.name])
    shop.execute(f"GRANT pg_read_all_data TO {shop.user}")
    process = start_module("pg_backup", params)
    seen = []
    while process.poll() is None:
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(entry.read_bytes())
            except OSError:
                continue
    result = finish_module(process)
    assert result.get("failed") is None, result["msg"]
    assert any(b"pg_dump\0" in line for line in seen)
    token = shop.password.rpartition(":")[2]
    secrets = [shop.password, shop.url.split(":")[2].split("@")[0], f":{token}"]
    written = "".join(path.read_text() for path in [journal, *dest.glob("*.json")])
    for secret in secrets:
        assert secret not in written
        assert secret not in result["_output"].replace(json.dumps(result.get("invocation", {})), "")
        assert not any(secret.encode() in line for line in seen)
    events = [(json.loads(line)["action"], json.loads(line)["event"]) for line in journal.read_text().splitlines()]
    assert events == [("database.backup", "intent"), ("database.backup", "done")]


@pytest.fixture
def debian15(short_dir):
    """A server of the system's PostgreSQL 15, where there is one: older than both servers of the wheel."""
    programs = pathlib.Path("/usr/lib/postgresql/15/bin")
    if not (programs / "postgres").exists():
        print("skipped: this machine has no PostgreSQL 15 of Debian")
        pytest.skip("this machine has no PostgreSQL 15 of Debian")
    server = EmbeddedPostgres(short_dir, 16, {"fsync": "off"})
    server.bin_dir = server._server_bin = programs
    with server:
        yield server


def test_newer_client_that_proves_itself_is_taken(debian15, postgres16, dest):
    debian15.create_database("shop", "shop", "x")
    debian15.execute("CREATE TABLE orders AS SELECT generate_series(1, 9) AS id", "shop")
    params = {"databases": ["shop"], "dest": str(dest), "login_url": debian15.url("shop"), "newer_client": True}
    result = run_module("pg_backup", {**params, "client_path": str(postgres16.bin_dir)})
    assert result.get("failed") is None, result
    assert result["backups"][0]["server_version"].startswith("15.")
    assert result["backups"][0]["client_version"].startswith("16.")
    assert debian15.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'seamless%'") == [(0,)]
    assert len(names(dest)) == 2


def test_client_of_the_same_major_is_found_without_a_path(debian15, dest):
    params = {"databases": ["postgres"], "dest": str(dest), "login_url": debian15.admin_url}
    result = run_module("pg_backup", params)
    assert result.get("failed") is None, result
    assert result["client"] == "/usr/lib/postgresql/15/bin"
