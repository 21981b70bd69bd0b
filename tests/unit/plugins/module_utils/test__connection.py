# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Database URLs in, connections out."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection, parse_url
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

GOOD = [
    ("postgres://shop:pw@db1:5433/shop", ("db1", 5433, "shop", "shop", "pw", {})),
    ("postgresql+psycopg2://shop@db1/shop", ("db1", 5432, "shop", "shop", "", {})),
    ("postgres://shop:p%40ss%2F@db1/shop%20one", ("db1", 5432, "shop", "shop one", "p@ss/", {})),
    ("postgres:///shop?host=/var/run/postgresql", ("/var/run/postgresql", 5432, "", "shop", "", {})),
    ("postgres://shop@/shop?host=/tmp/pg&port=5544", ("/tmp/pg", 5544, "shop", "shop", "", {})),
    ("postgres://shop:pw@[::1]:5432/shop?sslmode=require", ("::1", 5432, "shop", "shop", "pw", {"sslmode": "require"})),
]


@pytest.mark.parametrize(("url", "expected"), GOOD, ids=[url for url, _expected in GOOD])
def test_reads(url, expected):
    found = parse_url(url, "application", "deploy_database_url")
    assert (found.host, found.port, found.user, found.database, found.password, found.options) == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://shop:pw@db1/shop", "MySQL database, which is not supported"),
        ("sqlite:///db.sqlite3", "SQLite database"),
        ("shop", "has no scheme"),
        ("postgres://shop:pw@db1:54x/shop", "its port is not a number"),
        ("postgres://shop:pw@db1", "names no database"),
    ],
)
def test_refuses_and_never_repeats_the_password(url, message):
    with pytest.raises(DeployError, match=message) as caught:
        parse_url(url, "application", "deploy_database_url")
    assert "deploy_database_url" in caught.value.msg
    assert "pw" not in caught.value.msg


def test_admin_without_a_database_takes_the_maintenance_database():
    assert parse_url("postgres://postgres@db1", "admin", "deploy_database_admin_url").database == "postgres"


def test_the_password_reaches_programs_through_the_environment():
    connection = DatabaseConnection("application", "db1", 5432, "shop", "shop", "pw", {"sslmode": "require"})
    assert connection.environment() == {
        "PGHOST": "db1",
        "PGPORT": "5432",
        "PGUSER": "shop",
        "PGDATABASE": "shop",
        "PGPASSWORD": "pw",
        "PGSSLMODE": "require",
    }
    assert connection.psycopg2_arguments()["dbname"] == "shop"


def test_whose_socket_it_must_be_reaches_the_driver_and_programs():
    connection = parse_url("postgres://postgres:pw@/postgres?host=/run/x&requirepeer=postgres", "admin", "login_url")
    assert connection.psycopg2_arguments()["requirepeer"] == "postgres"
    assert connection.environment()["PGREQUIREPEER"] == "postgres"


def test_another_role_is_refused():
    with pytest.raises(ValueError, match="superuser"):
        DatabaseConnection("superuser")
