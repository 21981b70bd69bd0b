# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, arguments, space and messages of a dump; any interpreter, no client programs."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _dump
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._dump import DumpFormat


def test_argv_of_a_directory_in_parallel():
    dump = DumpFormat("directory", 4, "zstd", 3)
    assert _dump.dump_argv("/b/pg_dump", dump, 16, 60, "/d/.x.partial-1", "0-1") == [
        "/b/pg_dump",
        "--format=directory",
        "--compress=zstd:3",
        "--lock-wait-timeout=60000",
        "--no-password",
        "--file=/d/.x.partial-1",
        "--jobs=4",
        "--snapshot=0-1",
    ]


@pytest.mark.parametrize(
    "compression, level, major, word",
    [
        ("none", None, 18, "none"),
        ("none", None, 15, "0"),
        ("gzip", None, 16, "gzip"),
        ("gzip", 9, 16, "gzip:9"),
        ("gzip", None, 15, "6"),
        ("gzip", 3, 13, "3"),
        ("lz4", None, 17, "lz4"),
    ],
)
def test_compress_argument_of_old_and_new_clients(compression, level, major, word):
    assert DumpFormat("custom", 1, compression, level).compress_argument(major) == word


def test_zstd_with_an_old_client_is_refused():
    with pytest.raises(DeployError, match="compression=zstd needs pg_dump 16"):
        DumpFormat("custom", 1, "zstd").compress_argument(15)


@pytest.mark.parametrize(
    "wrong",
    [("custom", 0), ("custom", 2), ("custom", 1, "none", 1), ("custom", 1, "gzip", 10), ("custom", 1, "zstd", 0)],
)
def test_formats_that_make_no_sense(wrong):
    with pytest.raises(DeployError):
        DumpFormat(*wrong)


@pytest.mark.parametrize(
    "database, label, kind, name",
    [
        ("shop", "", "custom", "shop-S.dump"),
        ("shop", "r2", "directory", "shop-S-r2"),
        ("../a b", "", "custom", "..%2Fa%20b-S.dump"),
        ("店", "", "directory", "%E5%BA%97-S"),
    ],
)
def test_names_are_safe(database, label, kind, name):
    assert _dump.backup_name(database, "S", label, kind) == name


@pytest.mark.parametrize("label", ["a/b", "-x", "a b", "x" * 41, "é"])
def test_labels_that_are_no_file_names(label):
    with pytest.raises(DeployError, match="label"):
        _dump.check_label(label)


def test_space_is_refused_with_every_figure():
    _dump.check_space("/b", 100, 200, 100)
    with pytest.raises(DeployError, match=r"dest /b has 200 bytes free.*300\.0 kB.*min_free") as refused:
        _dump.check_space("/b", 300 * 1024, 200, 100)
    assert refused.value.result == {"estimated_bytes": 300 * 1024, "free_bytes": 200}


@pytest.mark.parametrize(
    "compression, factor, expected", [("none", None, 1200), ("gzip", None, 500), ("gzip", 0.1, 100), ("zstd", 0.0, 0)]
)
def test_estimate(compression, factor, expected):
    assert _dump.estimate(1000, compression, factor) == expected


def test_tables_of_a_listing():
    listing = """;
; Selected TOC Entries:
;
215; 1259 16386 TABLE public orders shop
216; 1259 16390 TABLE public "TABLE DATA" shop
3400; 0 16386 TABLE DATA public orders shop
3401; 0 16386 TABLE ATTACH public part shop
217; 1259 16399 FOREIGN TABLE public far shop
3500; 0 0 COMMENT - TABLE public orders shop
"""
    assert _dump.tables_in(listing) == 2


def test_errors_count_whatever_the_exit_code_says():
    said = _dump.messages_of(
        "pg_dump: warning: there are circular foreign-key constraints on this table:\n"
        "pg_dump: detail: orders\n"
        "pg_restore: error: could not read from input file: end of file\n"
        "pg_restore: [archiver] out of memory\n"
    )
    assert said.warnings == ["pg_dump: warning: there are circular foreign-key constraints on this table:"]
    assert len(said.errors) == 2


@pytest.mark.parametrize(
    "stderr, word",
    [
        ("pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout", "lock_wait_timeout"),
        ("pg_dump: error: could not write to output file: No space left on device", "dest is full"),
        ("pg_dump: error: query failed: ERROR:  permission denied for table orders", "pg_read_all_data"),
        ("pg_dump: error: strange", "stderr"),
    ],
)
def test_why_a_dump_failed(stderr, word):
    assert word in _dump.dump_refusal(stderr, "shop", 60)


def test_environment_takes_the_place_of_arguments():
    connection = DatabaseConnection(
        "admin", "/run/pg", 5433, "shop", "a=b", "s3cret", {"sslmode": "require", "sslrootcert": "/ca"}
    )
    environment = _dump.client_environment(connection)
    assert environment["PGPASSWORD"] == "s3cret"
    assert (environment["PGDATABASE"], environment["PGSSLMODE"], environment["PGSSLROOTCERT"]) == (
        "a=b",
        "require",
        "/ca",
    )
    assert not [
        word for word in _dump.dump_argv("pg_dump", DumpFormat(), 18, 60, "/x") if "s3cret" in word or "a=b" in word
    ]
