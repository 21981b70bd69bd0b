#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: schema_snapshot
short_description: The schema of a database is stored as a file, or compared with one
version_added: 0.1.0
description:
  - Reads the catalog of a PostgreSQL or SQLite database at one moment, stores it as a JSON file, and says what differs between
    such files, or between one and the database as it is now.
  - Read are tables, columns, constraints, indexes, triggers, partitions, views, sequences, enums, domains, functions, extensions and
    publications, with sizes and estimates. Objects of extensions, temporary ones and those of the system are left out.
    Privileges, policies, rules and the values of rows are not read.
  - Nothing in the database is changed, and no row is read. It takes one short transaction that only reads.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._postgresql
attributes:
  check_mode:
    support: full
    details:
      - The database is read, and nothing is stored or removed.
  diff_mode:
    support: full
    details:
      - With O(state=taken) the difference to the newest file of the same database and label.
      - With O(state=compared) it is returned too, but Ansible shows differences only of tasks that change something. RV(text) is the same.
  idempotent:
    support: full
    details:
      - A schema that the newest file has already makes no other file. Sizes and estimates alone are no difference.
  platform:
    platforms: posix
requirements:
  - psycopg2 in the Python that runs the module, for PostgreSQL (the role P(seamless.deploy.host#role) makes one)
  - PostgreSQL 13 or newer, or SQLite 3.26 or newer
options:
  state:
    description:
      - V(taken) has the schema of the database stored in O(dest).
      - V(compared) compares O(before) with O(after), or with the database.
    type: str
    choices: [taken, compared]
    default: taken
  path:
    description: The file of a SQLite database. It is opened to be read only.
    type: path
  database:
    description: Name of a PostgreSQL database. The default is the one in O(login_url).
    type: str
  dest:
    description:
      - Directory that the files go to, required with O(state=taken). It is created with mode 0700 when it is missing; the files have mode 0600.
      - They are called C(<database>-<time>[-<label>].schema.json), the time in UTC.
    type: path
  label:
    description: A word that becomes part of the name. Each label has a newest file and a retention of its own.
    type: str
  keep_days:
    description:
      - Days after which a file of the same database and label is removed. The newest one always stays.
    type: int
    default: 28
  before:
    description: A stored file, required with O(state=compared). Differences lead from it to the other side.
    type: path
  after:
    description: The file to compare it with. Without it, that is the database.
    type: path
author:
  - seamless.deploy contributors (@seamless-deploy)
seealso:
  - module: seamless.deploy.pg_backup
"""

EXAMPLES = r"""
- name: Store the schema of the shop, and show what changed since the last time
  seamless.deploy.schema_snapshot:
    login_url: "{{ shop_database_url }}"
    dest: /srv/shop/schemas
  register: schema
  diff: true

- name: See whether the database still has that schema
  seamless.deploy.schema_snapshot:
    state: compared
    login_url: "{{ shop_database_url }}"
    before: "{{ schema.path }}"
  register: compared
  failed_when: not compared.equal

- name: Compare the files of two releases
  seamless.deploy.schema_snapshot:
    state: compared
    before: /srv/shop/schemas/shop-20261101T031500Z.schema.json
    after: /srv/shop/schemas/shop-20261121T031500Z.schema.json

- name: Store the schema of a SQLite database
  seamless.deploy.schema_snapshot:
    path: /srv/shop/shared/db.sqlite3
    dest: /srv/shop/schemas
    label: before-r2
"""

RETURN = r"""
path:
  description: The file that has this schema; in check mode, where it would be.
  returned: O(state=taken)
  type: str
removed:
  description: Files that the retention removed; in check mode, those that it would.
  returned: O(state=taken)
  type: list
  elements: str
before:
  description: The side that differences lead from. With O(state=taken) the newest file until now, empty when there was none.
  returned: success
  type: dict
  contains: &side
    database: {description: Name of the database., type: str}
    dialect: {description: V(postgresql) or V(sqlite)., type: str}
    server: {description: Version of the server or of SQLite., type: str}
    taken_at: {description: 'When it was read, UTC.', type: str}
    tables: {description: Number of tables., type: int}
    bytes: {description: Size of the database., type: int}
    fingerprint: {description: A hash that is equal where the schemas are., type: str}
after:
  description: The side that differences lead to.
  returned: success
  type: dict
  contains: *side
equal:
  description: Whether both sides have the same schema.
  returned: success
  type: bool
differences:
  description: What differs, in the order of the names.
  returned: success
  type: list
  elements: dict
  contains:
    kind: {description: 'V(added), V(removed), V(changed) or V(renamed).', type: str}
    type: {description: 'Of the object, such as V(table), V(column) or V(index).', type: str}
    object: {description: 'Its name, such as V(public.orders.paid); the former one where it was renamed.', type: str}
    owner: {description: 'The table or view it is part of, or empty.', type: str}
    what: {description: The field that changed. Empty where the whole object was added or removed., type: str}
    before: {description: Its former value., type: raw}
    after: {description: Its new value., type: raw}
text:
  description: The differences as people read them. Empty when there are none.
  returned: success
  type: str
"""

import dataclasses
import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _schema_store
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _connect
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot as _postgres_snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff, _diff_text, _json, _stored
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._spec import connection_from, postgresql_spec
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot as _sqlite_snapshot

ARGUMENT_SPEC = {
    **postgresql_spec(),
    "state": {"type": "str", "choices": ["taken", "compared"], "default": "taken"},
    "path": {"type": "path"},
    "database": {"type": "str"},
    "dest": {"type": "path"},
    "label": {"type": "str"},
    "keep_days": {"type": "int", "default": 28},
    "before": {"type": "path"},
    "after": {"type": "path"},
}


def snapshot_of(params: dict[str, t.Any], now: float) -> Snapshot:
    """The schema of the database as it is now. Raises DeployError."""
    if params["path"]:
        with _sqlite_snapshot.opened(params["path"]) as connection:
            return _sqlite_snapshot.take(connection, os.path.basename(params["path"]), _stored.moment(now))
    if not params["database"] and not params["login_url"]:
        raise DeployError("no database is named; set path for SQLite, or database or login_url for PostgreSQL")
    base = connection_from(params, "admin" if params["database"] else "application")
    named = base.to_database(params["database"] or base.database)
    with _connect.connected(named, "database" if params["database"] else "login_url") as opened:
        return _postgres_snapshot.take(opened, named.database, _stored.moment(now))


def facts_of(snapshot: t.Optional[Snapshot]) -> dict[str, t.Any]:
    if not snapshot:
        return {}
    names = ("database", "dialect", "server", "taken_at", "bytes")
    facts = {name: getattr(snapshot, name) for name in names}
    return {**facts, "tables": len(snapshot.tables), "fingerprint": _json.fingerprint(snapshot)}


def compared(before: t.Optional[Snapshot], after: Snapshot) -> dict[str, t.Any]:
    """What both states return. Where there was nothing before, nothing is called different."""
    found = _diff.differences(before or after, after)
    return {
        "before": facts_of(before),
        "after": facts_of(after),
        "equal": not found,
        "differences": [dataclasses.asdict(difference) for difference in found],
        "text": _diff_text.text(found),
    }


def sides_of(params: dict[str, t.Any], now: float) -> tuple[Snapshot, Snapshot]:
    before = _schema_store.read(params["before"], "before")
    if params["after"]:
        return before, _schema_store.read(params["after"], "after")
    wanted = "sqlite" if params["path"] else "postgresql"
    if before.dialect != wanted:
        raise DeployError(
            f"before {params['before']!r} has the schema of a database of {before.dialect}, and a database of {wanted} is named "
            "to compare it with; name a file and a database of the same kind"
        )
    return before, snapshot_of(params, now)


def run(params: dict[str, t.Any], check_mode: bool, now: float) -> dict[str, t.Any]:
    """Raises DeployError."""
    if params["state"] == "compared":
        return {"changed": False, "warnings": [], **compared(*sides_of(params, now))}
    _stored.check_label(params["label"] or "")
    if params["keep_days"] < 1:
        raise DeployError(f"keep_days is {params['keep_days']}; set it to 1 or more")
    snapshot = snapshot_of(params, now)
    stored = _schema_store.plan(snapshot, params["dest"], params["label"] or "", params["keep_days"], now)
    if not check_mode:
        _schema_store.carry_out(stored, snapshot)
    changed = stored.new or bool(stored.expired)
    warnings = [stored.doubt] if stored.doubt else []
    result = {"changed": changed, "path": stored.path, "removed": stored.expired, "warnings": warnings}
    return {**result, **compared(stored.former, snapshot)}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "taken", ["dest"]), ("state", "compared", ["before"])],
        mutually_exclusive=[("path", "login_url", "after"), ("path", "login_host"), ("path", "database")],
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode, time.time())
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    if module._diff and result["text"]:
        result["diff"] = {"prepared": result["text"]}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
