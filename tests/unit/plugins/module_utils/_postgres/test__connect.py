# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a refused connection is explained as; any interpreter, no database."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _connect

CONNECTION = DatabaseConnection("admin", "db.example", 5433, "shop", "orders", "s3cret")

CASES = [
    ('connection to server at "127.0.0.1", port 5433 failed: Connection refused', "no_server", "login_port"),
    (
        'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory',
        "no_server",
        "login_host",
    ),
    ('could not translate host name "db.example" to address: Name or service not known', "unknown_host", "login_host"),
    ("timeout expired", "timeout", "firewall"),
    ("fe_sendauth: no password supplied", "no_password", "login_password"),
    ('FATAL:  password authentication failed for user "shop"', "wrong_password", "login_password"),
    ('FATAL:  Peer authentication failed for user "shop"', "peer", "become_user"),
    (
        'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "shop", database "orders", no encryption',
        "no_entry",
        "pg_hba.conf",
    ),
    ('FATAL:  database "orders" does not exist', "no_database", "databases"),
    ('FATAL:  role "shop" does not exist', "no_role", "login_user"),
    ('FATAL:  permission denied for database "orders"', "forbidden", "CONNECT"),
    ("FATAL:  sorry, too many clients already", "full", "max_connections"),
    ("FATAL:  the database system is starting up", "starting", "again"),
    (
        'connection to server on socket "/run/.s.PGSQL.5432" failed: Permission denied',
        "socket_forbidden",
        "become_user",
    ),
    ("server does not support SSL, but SSL was required", "tls", "sslmode"),
    ("something in another language", "unknown", "login_url"),
]


@pytest.mark.parametrize("said, cause, word", CASES, ids=[case[1] for case in CASES])
def test_cause_and_advice(said, cause, word):
    assert _connect.cause_of(said) == cause
    explained = _connect.explain(said, CONNECTION, "databases")
    assert word in explained
    assert " ".join(said.split()) in explained


def test_a_lent_login_that_has_ended_is_no_server_that_is_down():
    gone = "/var/run/postgresql/seamless-login-x1"
    said = f'connection to server on socket "{gone}/.s.PGSQL.5432" failed: No such file or directory'
    explained = _connect.explain(said, DatabaseConnection("admin", gone, user="postgres"), "login_url")
    assert explained.startswith("The administrator's login that was lent to a deploy has ended")
    assert "deploy again" in explained and "login_port" not in explained


REFUSED = (
    'connection to server at "127.0.0.1", port 5432 failed: FATAL:  password authentication failed for user "shop"'
)


def test_what_every_attempt_says_is_told_once():
    explained = _connect.explain(f"{REFUSED}\n{REFUSED}\n", CONNECTION, "databases")
    assert explained.endswith(f"PostgreSQL said: {' '.join(REFUSED.split())}")
    assert explained.count("failed: FATAL") == 1


def test_what_two_addresses_say_is_told_of_both():
    lines = [f'connection to server at "db" ({address}), port 5432 failed: timeout expired' for address in "12"]
    assert _connect.explain("\n".join(lines), CONNECTION, "databases").endswith(" ".join(lines))


def test_explanation_holds_no_password():
    assert "s3cret" not in _connect.explain("password s3cret was wrong", CONNECTION, "databases")


def test_missing_driver_names_the_role_that_brings_it(monkeypatch):
    monkeypatch.setattr(_connect, "psycopg2", None)
    with pytest.raises(
        _connect.DeployError, match=r"psycopg2 is missing.*seamless\.deploy\.host.*ansible_python_interpreter"
    ):
        _connect.connect(CONNECTION)
