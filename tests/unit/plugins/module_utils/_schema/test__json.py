# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON form of a catalog, as it lies on disk; any interpreter, no database.

The golden form is what older files hold. Changing it means a new version and a reader for the old one.
"""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _json
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Constraint,
    Domain,
    Enum,
    Extension,
    Function,
    Index,
    Publication,
    Sequence,
    Snapshot,
    Table,
    Trigger,
    View,
)

TRIGGER = Trigger("seen", "CREATE TRIGGER seen", "disabled", 14)
SNAPSHOT = Snapshot(
    "postgresql",
    tables=[
        Table(
            "public.orders",
            columns=[Column("id", "bigint", True, identity="always", number=1)],
            constraints=[
                Constraint("parent", "foreign", "FOREIGN KEY …", ["id"], "public.customer", ["id"], "cascade", oid=12)
            ],
            indexes=[Index("public.by_id", "CREATE INDEX …", columns=["id", ""], valid=False, oid=13, bytes=8192)],
            triggers=[TRIGGER],
            oid=11,
            filenode=11,
            rows=7.0,
            bytes=16384,
            data_bytes=8192,
            options=["fillfactor=80"],
        )
    ],
    views=[View("public.totals", " SELECT 1;", True, [Column("n", "integer", number=1)], oid=15, triggers=[TRIGGER])],
    sequences=[Sequence("public.orders_id_seq", owned_by="public.orders.id", last_value=42, oid=16)],
    enums=[Enum("public.mood", ["sad", "ok"], 17)],
    functions=[Function("public.f", "number integer", "integer", language="sql", body="f00", oid=18)],
    extensions=[Extension("vector", "0.8", "public")],
    publications=[Publication("out", tables=["public.orders"], oid=19)],
    server="18.4",
    database="shop",
    taken_at="2026-11-21T01:02:03Z",
    domains=[Domain("public.percent", "integer", True, "0", ["CHECK ((VALUE > 0))"], 20)],
    database_oid=5,
    bytes=7000000,
)
COLUMN = (
    '{"collation": "", "default": "", "generated": "", "generation": "", "identity": "always", "name": "id", '
    '"not_null": true, "not_null_valid": true, "number": 1, "type": "bigint"}'
)
TRIGGERS = '[{"definition": "CREATE TRIGGER seen", "enabled": "disabled", "name": "seen", "oid": 14}]'
GOLDEN = (
    '{"bytes": 7000000, "database": "shop", "database_oid": 5, "dialect": "postgresql", '
    '"domains": [{"checks": ["CHECK ((VALUE > 0))"], "default": "0", "name": "public.percent", "not_null": true, "oid": 20, '
    '"type": "integer"}], "enums": [{"labels": ["sad", "ok"], "name": "public.mood", "oid": 17}], '
    '"extensions": [{"name": "vector", "schema": "public", "version": "0.8"}], '
    '"functions": [{"arguments": "number integer", "body": "f00", "kind": "function", "language": "sql", "name": "public.f", '
    '"oid": 18, "returns": "integer"}], '
    '"publications": [{"all_tables": false, "name": "out", "oid": 19, "tables": ["public.orders"]}], '
    '"sequences": [{"cycle": false, "increment": 1, "last_value": 42, "maximum": 0, "minimum": 1, "name": "public.orders_id_seq", '
    '"oid": 16, "owned_by": "public.orders.id", "start": 1, "type": "bigint"}], "server": "18.4", '
    '"tables": [{"bytes": 16384, "columns": [' + COLUMN + '], "comment": "", '
    '"constraints": [{"columns": ["id"], "deferrable": false, "deferred": false, "definition": "FOREIGN KEY \\u2026", '
    '"kind": "foreign", "name": "parent", "oid": 12, "on_delete": "cascade", "on_update": "", "referenced_columns": ["id"], '
    '"references": "public.customer", "validated": true}], "data_bytes": 8192, "filenode": 11, '
    '"indexes": [{"bytes": 8192, "columns": ["id", ""], "constraint": "", "definition": "CREATE INDEX \\u2026", "method": "btree", '
    '"name": "public.by_id", "oid": 13, "predicate": "", "unique": false, "valid": false}], "inherits": [], "kind": "table", '
    '"name": "public.orders", "oid": 11, "options": ["fillfactor=80"], "partition_bound": "", "partition_key": "", '
    '"partition_of": "", "row_security": false, "rows": 7.0, "triggers": ' + TRIGGERS + ', "unlogged": false}], '
    '"taken_at": "2026-11-21T01:02:03Z", "version": 1, '
    '"views": [{"bytes": 0, "columns": [{"collation": "", "default": "", "generated": "", "generation": "", "identity": "", '
    '"name": "n", "not_null": false, "not_null_valid": true, "number": 1, "type": "integer"}], "definition": " SELECT 1;", '
    '"indexes": [], "materialized": true, "name": "public.totals", "oid": 15, "triggers": ' + TRIGGERS + "}]}"
)


def test_json_form_stays():
    assert json.dumps(_json.to_json(SNAPSHOT), sort_keys=True) == GOLDEN


def test_reads_what_it_wrote():
    assert _json.from_json(json.loads(GOLDEN)) == SNAPSHOT
    assert _json.loads(_json.dumps(SNAPSHOT)) == SNAPSHOT


def test_equal_catalogs_are_equal_byte_by_byte():
    again = _json.from_json(json.loads(GOLDEN))
    assert _json.dumps(again) == _json.dumps(SNAPSHOT)


def test_ignores_keys_of_a_newer_minor_release():
    data = json.loads(GOLDEN)
    data["added later"] = data["tables"][0]["added later"] = data["tables"][0]["columns"][0]["added later"] = 1
    assert _json.from_json(data) == SNAPSHOT


def test_reads_a_file_of_an_older_minor_release():
    data = json.loads(GOLDEN)
    del data["domains"], data["tables"][0]["options"], data["tables"][0]["columns"][0]["not_null_valid"]
    read = _json.from_json(data)
    assert (read.domains, read.tables[0].options, read.tables[0].columns[0].not_null_valid) == ([], [], True)


def test_written_for_people_and_other_tools():
    written = _json.dumps(SNAPSHOT)
    assert '   "definition": "FOREIGN KEY …"' in written
    assert written.endswith("}\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "the file has format version 2, this release of seamless.deploy reads 1 to 1"),
        ({"version": None}, "the file has format version None"),
        (
            {"dialect": "mysql"},
            "the file is one of 'mysql', this release of seamless.deploy knows postgresql and sqlite",
        ),
        ({"tables": [{"kind": "table"}]}, "the file is damaged"),
        ({"tables": {"a": 1}}, "the file is damaged"),
        ({"tables": 7}, "the file is damaged"),
        ({"views": [{"name": "v", "definition": "", "columns": [1]}]}, "the file is damaged"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_what_it_cannot_read_is_refused(change, message):
    with pytest.raises(DeployError, match=message):
        _json.from_json({**json.loads(GOLDEN), **change}, "the file")


@pytest.mark.parametrize("text", ["", "{", "\x00"])
def test_no_json_is_refused(text):
    with pytest.raises(DeployError, match="the file is not JSON"):
        _json.loads(text, "the file")


def test_lacking_dialect_is_named():
    with pytest.raises(DeployError, match="the file lacks dialect"):
        _json.from_json({"version": 1}, "the file")


PHYSICAL = ["server", "database", "taken_at", "database_oid", "bytes"]


def test_fingerprint_is_of_the_schema_alone():
    other = dataclasses.replace(SNAPSHOT, **dict.fromkeys(PHYSICAL))
    assert _json.fingerprint(other) == _json.fingerprint(SNAPSHOT)
    table = dataclasses.replace(SNAPSHOT.tables[0], rows=8, bytes=1, filenode=9, oid=8, data_bytes=1)
    assert _json.fingerprint(dataclasses.replace(SNAPSHOT, tables=[table])) == _json.fingerprint(SNAPSHOT)
    table = dataclasses.replace(table, comment="other")
    assert _json.fingerprint(dataclasses.replace(SNAPSHOT, tables=[table])) != _json.fingerprint(SNAPSHOT)
