#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: pg_fence
short_description: A PostgreSQL database is fenced off from its applications, or open to them
version_added: 0.1.0
description:
  - Closing ends every session of the database and renames it in the same moment, so that no application can come back to it.
    What is to run behind the fence connects to the fenced name. A safety copy of that moment is made on the server if asked for.
  - Opening gives the database back under its name, as it stands, or exchanged for the safety copy in one transaction.
  - The fenced database, the copy and a database that was exchanged carry a mark in their comments. A run that was killed is finished,
    or taken back, by running the module again.
  - Whatever stands against a fence is found before anything is touched. Prepared transactions, logical replication slots, publications
    and subscriptions refuse it.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._journal
  - seamless.deploy._postgresql
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    platforms: posix
requirements:
  - psycopg2 in the Python that runs the module (the role P(seamless.deploy.host#role) makes one)
notes:
  - The connection is the one of an admin. The role must be a superuser, or own the database (be a member of its owner) with C(CREATEDB),
    and be allowed to end the sessions of others (C(pg_signal_backend)).
  - The connection is made to the database in O(login_url), or to V(postgres) or V(template1) when that is the one to be fenced.
options:
  state:
    description:
      - V(closed) ends all sessions and renames the database to RV(fenced_name).
      - V(open) gives it back.
      - V(cleaned) drops safety copies and exchanged databases that are no longer wanted; see O(keep) and O(keep_days).
    type: str
    choices: [closed, open, cleaned]
    required: true
  database:
    description: Name of the application's database, as the application knows it.
    type: str
    required: true
  fence_id:
    description:
      - Which fence; part of the names. A deploy uses its own id.
      - Required unless O(state=cleaned).
    type: str
  safety_copy:
    description: With O(state=closed), also make a copy of the closed database on the server, with its settings, connection limit and grants.
    type: bool
    default: true
  restore:
    description:
      - With O(state=open), exchange the database for its safety copy. The other one is kept as RV(failed_name).
      - When closing was broken off before the copy was complete, nothing has run behind the fence yet, and the database is given back as it is.
    type: bool
    default: false
  restore_only_if_unchanged:
    description:
      - Refuse O(restore=true) when the application may have written to the database after it was opened with this fence's copy kept.
      - With V(false) those writes are lost; they are counted in RV(changes).
    type: bool
    default: true
  counters:
    description:
      - RV(counters) of an earlier run to compare with. The default is what the safety copy has on record of the opening.
    type: dict
  copy:
    description: What becomes of the safety copy when the database is opened with O(restore=false).
    type: str
    choices: [keep, drop]
    default: keep
  analyze:
    description: Run C(ANALYZE) on the restored database.
    type: bool
    default: true
  timeout:
    description: Seconds within which all sessions must have ended.
    type: int
    default: 30
  keep:
    description: With O(state=cleaned), how many of the newest copies and exchanged databases of O(database) to keep.
    type: int
    default: 1
  keep_days:
    description: With O(state=cleaned), keep everything that is younger than this many days.
    type: int
    default: 0
author:
  - seamless.deploy contributors (@seamless-deploy)
seealso:
  - module: seamless.deploy.pg_backup
"""

EXAMPLES = r"""
- name: Keep everybody out while the migrations run
  seamless.deploy.pg_fence:
    state: closed
    database: shop
    fence_id: "{{ deploy_id }}"
    login_url: "{{ shop_admin_url }}"
  register: fence

- name: Give the database back
  seamless.deploy.pg_fence:
    state: open
    database: shop
    fence_id: "{{ deploy_id }}"
    login_url: "{{ shop_admin_url }}"

- name: Give the database back as it was before the migrations
  seamless.deploy.pg_fence:
    state: open
    restore: true
    database: shop
    fence_id: "{{ deploy_id }}"
    login_url: "{{ shop_admin_url }}"

- name: Drop the copies of earlier deploys
  seamless.deploy.pg_fence:
    state: cleaned
    database: shop
    keep: 1
    login_url: "{{ shop_admin_url }}"
"""

RETURN = r"""
plan:
  description: What was done, in order; in check mode, what would be.
  returned: always
  type: list
  elements: str
  sample: [fence, copy]
fenced_name: {description: Name of the database while it is fenced., returned: always, type: str}
copy_name: {description: 'Name of the safety copy, empty without one.', returned: always, type: str}
failed_name: {description: Name that the database gets when it is exchanged for its copy., returned: always, type: str}
ended_sessions:
  description: Whose sessions were ended, and how many of each.
  returned: always
  type: list
  elements: dict
  contains:
    database: {description: Where they were connected to., type: str}
    user: {description: Their role., type: str}
    application_name: {description: What they call themselves., type: str}
    address: {description: 'Where they came from, or V(local).', type: str}
    count: {description: How many., type: int}
counters:
  description:
    - What was ever written to each table, as the fenced database's statistics tell. Empty while it is not fenced.
    - Give it to O(counters) of a later run.
  returned: always
  type: dict
changes:
  description: What was written since the reading that RV(counters) is compared with. Empty without one.
  returned: always
  type: dict
  contains:
    unchanged: {description: Nothing was written., type: bool}
    reason: {description: Why the readings cannot be compared., type: str}
    inserted: {description: Rows., type: int}
    updated: {description: Rows., type: int}
    deleted: {description: Rows., type: int}
    tables: {description: The same for each table that differs., type: dict}
unchanged:
  description: The application has written nothing since the reading compared with, or was kept out all the time.
  returned: always
  type: bool
reason: {description: 'Why RV(unchanged) is not known, which counts as changed.', returned: always, type: str}
restored: {description: The database is the safety copy now., returned: always, type: bool}
copied: {description: A safety copy was made by this run., returned: always, type: bool}
seconds: {description: 'How long each part took (fence, copy, open, swap, analyze).', returned: always, type: dict}
size_bytes: {description: Size of the database., returned: always, type: int}
removed: {description: Databases that were dropped., returned: always, type: list, elements: str}
kept: {description: 'With O(state=cleaned), databases of fences that remain.', returned: always, type: list, elements: str}
notes: {description: 'What could not be checked or done, and why.', returned: always, type: list, elements: str}
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _closing, _fencing, _opening
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connect
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._fence import names_of
from ansible_collections.seamless.deploy.plugins.module_utils._spec import (
    JOURNAL_REQUIRED_BY,
    connection_from,
    journal_spec,
    postgresql_spec,
)

ARGUMENT_SPEC = {
    **journal_spec(),
    **postgresql_spec(),
    "state": {"type": "str", "choices": ["closed", "open", "cleaned"], "required": True},
    "database": {"type": "str", "required": True},
    "fence_id": {"type": "str"},
    "safety_copy": {"type": "bool", "default": True},
    "restore": {"type": "bool", "default": False},
    "restore_only_if_unchanged": {"type": "bool", "default": True},
    "counters": {"type": "dict"},
    "copy": {"type": "str", "choices": ["keep", "drop"], "default": "keep"},
    "analyze": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 30},
    "keep": {"type": "int", "default": 1},
    "keep_days": {"type": "int", "default": 0},
}


def run(params: dict[str, t.Any], check_mode: bool, now: float) -> dict[str, t.Any]:
    """Look where the fence stands and bring it where it should be."""
    given = connection_from(params, "admin")
    if params["state"] == "cleaned":
        connect(given).close()
        limit = _stamp(now - params["keep_days"] * 86400) if params["keep_days"] else "9999"
        return _fencing.clean(given, params["database"], params["keep"], limit, check_mode)
    names = names_of(params["database"], params["fence_id"])
    fence = _fencing.Fence(
        _fencing.admin_connection(given, names),
        names,
        params["fence_id"],
        params["timeout"],
        _stamp(now),
        journal_of(params),
        params["deploy_id"] or "",
        params["step"] or "",
    )
    if params["state"] == "closed":
        return _closing.close(fence, params["safety_copy"], params["counters"], check_mode)
    return _opening.reopen(
        fence,
        params["restore"],
        params["restore_only_if_unchanged"],
        params["counters"],
        params["copy"] == "drop",
        params["analyze"],
        check_mode,
    )


def _stamp(now: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_by=JOURNAL_REQUIRED_BY,
        required_if=[("state", "closed", ["fence_id"]), ("state", "open", ["fence_id"])],
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, t.Any]:
        return run(params, module.check_mode, time.time())

    try:
        step, action = params["step"] or "start", f"database.fence.{params['state']}"
        result = _detached.run(module, work, params["journal"], params["deploy_id"], step, action)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
