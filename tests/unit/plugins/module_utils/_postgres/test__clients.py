# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which client a server gets; any interpreter, no client programs."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _clients
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clients import Client, choose

ALL = [Client("/15", "15.18"), Client("/17", "17.2"), Client("/18", "18.4")]


@pytest.mark.parametrize(
    "server, newer, expected",
    [
        ("15.3", False, "/15"),
        ("17.9", False, "/17"),
        ("18.4", True, "/18"),
        ("16.1", True, "/17"),
        ("13.1", True, "/15"),
    ],
)
def test_own_major_first_then_the_nearest_newer(server, newer, expected):
    assert choose(ALL, server, "", newer).directory == expected


@pytest.mark.parametrize(
    "clients, server, newer, words",
    [
        (ALL, "16.1", False, ["newer_client=true", "postgresql-client-16", "17.2 in /17"]),
        (ALL, "19.0", True, ["refuses a server that is newer", "postgresql-client-19", "client_path", "15.18 in /15"]),
        ([], "18.4", True, ["none at all", "postgresql-client-18"]),
    ],
)
def test_refusal_says_what_was_found_and_what_to_install(clients, server, newer, words):
    with pytest.raises(DeployError) as refused:
        choose(clients, server, "", newer)
    for word in words:
        assert word in refused.value.msg


def test_refusal_names_the_given_directory():
    with pytest.raises(DeployError, match="in client_path /opt/pg "):
        choose([Client("/opt/pg", "15.1")], "18.4", "/opt/pg", False)


def test_programs_of_two_versions_are_no_client():
    def run(argv, **_more):
        version = "16.1" if argv[0].endswith("pg_dump") else "15.1 (Debian 15.1-1)"
        return 0, f"{argv[0]} (PostgreSQL) {version}\n", ""

    assert _clients.probe(run, "/mixed") is None


def test_version_is_read_without_the_packagers_words():
    client = _clients.probe(
        lambda argv, **_more: (0, "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", ""), "/15"
    )
    assert client == Client("/15", "15.18")
    assert client.major == 15
    assert client.program("pg_dump") == "/15/pg_dump"


def test_program_that_does_not_run_is_no_client():
    def run(argv, **_more):
        raise FileNotFoundError(argv[0])

    assert _clients.probe(run, "/gone") is None
