#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: evidence and verdicts for a plan. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_rehearse
short_description: Run pending migrations on a scratch copy, and tell how they may run in production
version_added: 0.1.0
description:
  - Copies the schema of a PostgreSQL database, without its rows, into a scratch database beside it, runs the pending migrations of a
    Django or Alembic project there, and judges each by what it did - whether the release that is live works after it, whether the new one works
    before it, and whether requests would have to wait.
  - Nothing is written to the production database. Every other database of the project is out of reach of the migrations.
  - The scratch database is removed at the end. What a killed rehearsal left is removed by the next one.
  - A migration that changes rows is not proven on a copy without rows, and counts as such.
  - With an O(login_url) of SQLite (C(sqlite:////PATH)) the migrations run on a copy of that file, which has all rows. It lies beside the file
    and takes no more than O(data_bytes) and O(data_seconds); beyond them nothing is proven.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._django
  - seamless.deploy._framework
  - seamless.deploy._postgresql
  - seamless.deploy._rehearsal
attributes:
  check_mode:
    support: full
    details:
      - The rehearsal takes place as well. It makes and removes a scratch database, and changes nothing else.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Nothing but the scratch database is changed, and that is gone afterwards.
options:
  database_name:
    description: The production database on the server; of SQLite, the path of its file.
    type: str
    required: true
  database:
    description: The project's name of that database, such as Django's alias.
    type: str
    default: default
  role:
    description: The role that the application connects as. The default is the owner of the database.
    type: str
  path:
    description:
      - Root of the application, as M(seamless.deploy.release) knows it. What the live release demands of the schema is in its manifest.
      - Without it, or without a live release, nobody uses the database yet, and every migration may run.
    type: path
  release:
    description: Id of the release whose migrations these are.
    type: str
    default: new
  strategy:
    description:
      - V(auto) takes C(online) where the verdicts allow it, and C(maintenance) otherwise.
      - With V(online) the module fails when a migration may not run while the old release serves.
    type: str
    choices: [auto, online, maintenance]
    default: auto
  final:
    description:
      - Whether this is the last word. Otherwise the refusal of O(strategy=online) is left to a rehearsal on data, where RV(escalate).
    type: bool
    default: true
  contract:
    description:
      - What the old release still uses is removed after it is gone. Such a migration is in RV(later), and free with V(next) or V(after) as soon as
        no live release uses it.
      - With V(manual) what the live release was deployed without stays held back.
    type: str
    choices: [next, after, manual]
    default: next
  raw:
    description:
      - What raw SQL of the application needs, outside of its models. A table, C(table.column), or C(table(column, column\)) for the target of an upsert.
    type: list
    elements: str
    default: []
  deletes:
    description: The tables whose rows the application deletes, where that is known.
    type: list
    elements: str
  client_path:
    description: Directory of pg_dump and pg_restore, where they are not found by themselves.
    type: path
notes:
  - Where the linter squawk is installed on the control node, its findings on the SQL are added to RV(table).
  - Needs psycopg2 for the interpreter that runs it, and a role that may create databases.
seealso:
  - module: seamless.deploy.django_migrate
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: See how the pending migrations may run
  seamless.deploy.migration_rehearse:
    login_url: "{{ shop_admin_url }}"
    database_name: shop
    chdir: /srv/shop/releases/20261121T101500-1a2b3c4
    python: /srv/shop/releases/20261121T101500-1a2b3c4/.venv/bin/python
    environment_file: /srv/shop/releases/20261121T101500-1a2b3c4/.environment
    path: /srv/shop
  register: shop_rehearsal
"""

RETURN = r"""
begun:
  description: Whether it goes on in the background. Then nothing else is returned.
  type: bool
  returned: success
strategy:
  description: How the migrations may run, C(online) or C(maintenance).
  type: str
  returned: success
now:
  description: Ids of the migrations that run before the handover, or during the stop.
  type: list
  elements: str
  returned: success
later: {description: Ids of the migrations that are held back until the old release is gone., type: list, elements: str, returned: success}
statements:
  description: What each migration ran on the schema of the scratch copy. C(migration), C(atomic) and C(sql).
  type: list
  elements: dict
  returned: success
squawk:
  description: What the linter squawk says of them, C(migration) and C(findings). It decides nothing.
  type: list
  elements: dict
  returned: where squawk is installed on the control node
data:
  description: With O(rehearsal=data), C(seconds) and C(bytes) of the copy, and C(bytes_after) the migrations.
  type: dict
  returned: success
sandbox:
  description: What was kept away, C(network and files), C(network), C(files) or C(none), by what the kernel allows. Behind TCP the network stays.
  type: str
  returned: success
bytes: {description: Size of the production database., type: int, returned: success}
unmet:
  description: What the models of the live release ask in vain of the schema as it is, such as a column that refuses NULL. It lives with that.
  type: list
  elements: str
  returned: success
escalate:
  description: Whether a rehearsal on data could prove what this one could not.
  type: bool
  returned: success
reasons:
  description: Why not online, a sentence each.
  type: list
  elements: str
  returned: always, where there are verdicts
rehearsal:
  description: What was rehearsed on, C(schema), C(data) or C(none).
  type: str
  returned: success
verdicts:
  description: One of each pending migration, in the order of the plan.
  type: list
  elements: dict
  returned: success
  contains:
    migration: {description: Its id., type: str}
    compatibility: {description: 'C(expand), C(contract), C(either), C(blocking) or C(inconclusive).', type: str}
    impact: {description: 'Locks, work and what would wait.', type: dict}
    findings: {description: 'The reasons, each with object, evidence and remedy.', type: list, elements: dict}
one_transaction: {description: What the option of this name asks. Always C(false) without it., type: bool, returned: success}
undo_proven: {description: 'Whether that stands on this, that all was taken back there and left nothing.', type: bool, returned: success}
seconds:
  description: Seconds that each migration took on the scratch copy, in the same order.
  type: list
  elements: float
  returned: success
round_trip:
  description:
    - With O(round_trip), of each pending migration C(migration), C(outcome), C(differences) in lines and C(problem) in a sentence.
    - C(complete) where taking it back brings the schema back, and applying it again gives the same. C(incomplete), C(failed) and C(irreversible)
      otherwise, and C(not_reached) before one of these.
  type: list
  elements: dict
  returned: success
table:
  description: The plan in lines for people.
  type: list
  elements: str
  returned: success
"""

import datetime
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _background, _rehearsing
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, bridge_spec, framework_spec
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import bridge_of
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._both import PARTS
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._limits import DataLimits
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._rehearse import Rehearsal
from ansible_collections.seamless.deploy.plugins.module_utils._spec import (
    JOURNAL_REQUIRED_BY,
    connection_from,
    postgresql_spec,
)
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _url
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._rehearse import SqliteRehearsal

ACTION = "database.rehearse"


def argument_spec() -> dict[str, t.Any]:
    return {
        **bridge_spec(),
        **framework_spec(),
        **postgresql_spec(),
        **_rehearsing.rehearsal_spec(),
        "database_name": {"type": "str", "required": True},
        "database": {"type": "str", "default": "default"},
        "role": {"type": "str"},
        "path": {"type": "path"},
        "release": {"type": "str", "default": "new"},
        "strategy": {"type": "str", "choices": ["auto", "online", "maintenance"], "default": "auto"},
        "final": {"type": "bool", "default": True},
        "contract": {"type": "str", "choices": ["next", "after", "manual"], "default": "next"},
        "raw": {"type": "list", "elements": "str", "default": []},
        "deletes": {"type": "list", "elements": "str"},
        "client_path": {"type": "path"},
    }


def run(params: dict[str, t.Any], bridge: Bridge, run_command: t.Callable[..., tuple], now: str) -> dict[str, t.Any]:
    """Return values of the module. Raises DeployError."""
    return {"changed": False, "begun": False, **_rehearsing.judged(place_of(params, bridge, run_command, now), params)}


def place_of(
    params: dict[str, t.Any], bridge: Bridge, run_command: t.Callable[..., tuple], now: str
) -> t.Union[Rehearsal, SqliteRehearsal]:
    """Where to rehearse: a scratch database, or a copy of a file of SQLite. Raises DeployError."""
    if _url.is_sqlite(params["login_url"]):
        path = _url.path_of(params["login_url"], "login_url")
        limits = DataLimits(params["data_seconds"], params["data_bytes"])
        return SqliteRehearsal(path, bridge, now, limits, params["database"], params["round_trip"])
    return Rehearsal(
        connection_from(params, "admin").to_database(params["database_name"]),
        params["role"] or "",
        bridge,
        run_command,
        now,
        client_path=params["client_path"] or "",
        alias=params["database"],
        scratch_database=params["scratch_database"] or "",
        round_trip=params["round_trip"],
    )


def done(module: AnsibleModule) -> dict[str, t.Any]:
    """Rehearse, or begin to, or take what was begun. Raises DeployError."""
    params = module.params
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    # What goes on in the background finds its bridge where it stays.
    bridge = bridge_of(module, PARTS[params["framework"]], reading=params["wait"])

    def work() -> dict[str, t.Any]:
        return run(params, bridge, module.run_command, now)

    if not params["wait"]:
        return {
            "changed": False,
            "begun": _background.begin(module, work, params["journal"], params["deploy_id"], ACTION),
        }
    taken = _background.take(params["journal"], params["deploy_id"], ACTION) if params["rehearsal"] != "data" else None
    return work() if taken is None else taken


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("rehearsal", "data", ["backup"])],
        required_by=JOURNAL_REQUIRED_BY,
        supports_check_mode=True,
    )
    try:
        result = done(module)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
