# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_migrate
short_description: Bring a database to a Django migration
version_added: 0.1.0
description:
  - Does all that C(manage.py migrate) does, through Django's own code in the application's interpreter. That includes the system checks, the checks
    for conflicts and inconsistent history, and C(pre_migrate) and C(post_migrate) with their content types and permissions.
  - One run at a time. A PostgreSQL advisory lock on a connection of its own keeps a second run of this module out.
    A C(migrate) that somebody runs by hand does not know the lock; when it applies a migration of the plan meanwhile, this run stops and says so.
  - A migration waits for its locks only as long as O(lock_timeout) allows, so that the queries behind it do not pile up. Then it is rolled back
    and tried again. A failure names the sessions that were in the way.
  - A migration that runs in a transaction is recorded inside of it. Django itself records some of them after the commit.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._django
  - seamless.deploy._django_choice
  - seamless.deploy._way_back
  - seamless.deploy._ahead
  - seamless.deploy._journal
  - seamless.deploy._lock_budget
  - seamless.deploy._postgresql
  - seamless.deploy._proof
attributes:
  check_mode:
    support: full
    details:
      - Returns the plan with its SQL. It reads in a transaction that the server keeps read-only, and makes not even the table C(django_migrations).
  diff_mode:
    support: full
    details:
      - Shows the last applied migration of each app before and after.
  idempotent:
    support: full
    details:
      - C(post_migrate) is sent on every run, as Django does it. What its receivers write is counted in RV(signal_writes) and is not a change.
options:
  database:
    description: The alias in C(DATABASES).
    type: str
    default: default
  database_name:
    description:
      - Migrate the database of this name in place of the one in the settings, on the same server and as the same role.
      - This is how a database is migrated that was renamed behind a fence.
    type: str
  run_syncdb:
    description: Also make the tables of apps that have no migrations.
    type: bool
    default: false
  one_transaction:
    description:
      - Run everything in one transaction, C(pre_migrate) and C(post_migrate) included. Whatever fails, nothing is left of any of it. PostgreSQL only.
      - Constraints that are checked late are checked after each migration, as the end of its own transaction would.
      - Refused when a migration of the plan cannot run in a transaction.
      - Meant for a database that nobody else uses, behind a fence. Nothing is tried again. Every statement may wait O(retry_time) seconds for its
        locks, in place of O(lock_timeout), and all of them are kept to the end.
    type: bool
    default: false
notes:
  - Supported are PostgreSQL and, without locks and retries, SQLite. MySQL is refused.
  - Behind a pooler in transaction mode neither the lock nor the time limits hold. This is noticed and refused. Give the migration a direct connection
    through O(environment).
  - The connection is made with a limit of 10 seconds unless C(PGCONNECT_TIMEOUT) says otherwise.
seealso:
  - module: seamless.deploy.django_info
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Apply all pending migrations
  seamless.deploy.django_migrate:
    chdir: /srv/shop/releases/20260102T030405-1a2b3c4
    python: /srv/shop/releases/20260102T030405-1a2b3c4/.venv/bin/python
    environment_file: /srv/shop/releases/20260102T030405-1a2b3c4/.environment
    bridge_path: /srv/shop/.deploy/bridge

- name: Apply what both releases can work with, and leave the rest for later
  seamless.deploy.django_migrate:
    chdir: /srv/shop/current
    python: /srv/shop/current/.venv/bin/python
    migrations: [orders.0003_payment, stock.0007_place]

- name: Take the app orders back to its second migration
  seamless.deploy.django_migrate:
    chdir: /srv/shop/current
    python: /srv/shop/current/.venv/bin/python
    app: orders
    name: "0002"
"""

RETURN = r"""
begun:
  description: Whether the application is being loaded in the background. Then nothing else is returned.
  type: bool
  returned: when O(wait=false)
plan:
  description: The pending migrations in the order in which they run. In check mode with their SQL.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: App label and name., type: str, sample: shop.0002_order_note}
    label: {description: App label., type: str}
    name: {description: Name in the app., type: str}
    backwards: {description: Whether it is taken back., type: bool}
    atomic: {description: Whether it runs in a transaction., type: bool}
    reversible: {description: Whether it can be taken back., type: bool}
    data: {description: Whether it runs code or data statements whose effect its text does not show., type: bool}
    operations: {description: Its operations in Django's words., type: list, elements: str}
    sql: {description: 'Its statements. A comment says which can only be known when it runs.', type: list, elements: str}
applied:
  description: What this run applied or took back, in order. Empty in check mode. After a failure too.
  returned: always
  type: list
  elements: dict
  contains:
    id: {description: App label and name., type: str}
    backwards: {description: Whether it was taken back., type: bool}
    started: {description: 'Begin, UTC.', type: str}
    finished: {description: 'End, UTC.', type: str}
    seconds: {description: 'Duration, with all attempts.', type: float}
    statements: {description: Number of statements of the last attempt., type: int}
    retries: {description: How often it was tried again., type: int}
    faked: {description: Whether it was only recorded., type: bool}
pending:
  description: What is not applied afterwards. In check mode, what would not be.
  returned: success
  type: list
  elements: str
held_back:
  description: What of RV(pending) O(migrations) left out.
  returned: success
  type: list
  elements: str
before:
  description: 'The last applied migration of each app before: C(app.name), or C(app.zero).'
  returned: success
  type: list
  elements: str
after:
  description: The same afterwards. In check mode, what it would be.
  returned: success
  type: list
  elements: str
synced:
  description: Tables that O(run_syncdb) made.
  returned: success
  type: list
  elements: str
missing:
  description: Migrations on record that this code does not have.
  returned: success
  type: list
  elements: str
model_changes:
  description: App label to what its models have and its migrations do not.
  returned: success
  type: dict
dropped_invalid_indexes:
  description: Invalid indexes of earlier attempts that were dropped.
  returned: success
  type: list
  elements: str
kept_indexes:
  description: Indexes that C(CREATE INDEX CONCURRENTLY) would have made, and that an earlier attempt had finished.
  returned: success
  type: list
  elements: str
ended_blockers:
  description: The sessions that O(end_blockers_after) ended. After a failure too.
  returned: always
  type: list
  elements: dict
  contains:
    pid: {description: Its process., type: int}
    application: {description: Its C(application_name)., type: str}
    seconds: {description: Age of its transaction or its query., type: float}
blocker_problems:
  description: Why a session that O(end_blockers_of) names was not ended. Warnings otherwise.
  returned: when a migration failed
  type: list
  elements: str
signal_writes:
  description: Number of statements with which receivers of C(pre_migrate) and C(post_migrate) wrote.
  returned: success
  type: int
failure:
  description: The facts of a failed migration.
  returned: when a migration failed
  type: dict
  contains:
    migration: {description: App label and name., type: str}
    operation: {description: 'Number, count and description of the operation that failed.', type: dict}
    error: {description: What the database or the migration said. DETAIL is left out since it quotes rows., type: str}
    sqlstate: {description: The database's code of the error., type: str}
    place: {description: File and line in the application., type: str}
    retries: {description: How often it was tried again., type: int}
    blockers: {description: The sessions that were in the way., type: list, elements: dict}
    rolled_back: {description: 'Whether nothing of it is left. With O(one_transaction), whether nothing of any is.', type: bool}
    transaction_ended: {description: Whether a statement of it ended the transaction of O(one_transaction)., type: bool}
    can_go_on: {description: Whether another run goes on where a migration without a transaction stopped., type: bool}
    completed_operations: {description: What was complete when it failed., type: list, elements: str}
not_applied:
  description: What of the plan was not applied.
  returned: when a migration failed
  type: list
  elements: str
kind:
  description: One word for the kind of failure, for conditions in a play.
  returned: failure
  type: str
  sample: migration_failed
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _ahead, _django_proof
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, bridge_spec
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import bridge_of
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._django_migrate import choice_spec, request_of
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, journal_of, utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._migrating import (
    ACTION,
    Record,
    answer,
    apply,
    lock_budget_spec,
)
from ansible_collections.seamless.deploy.plugins.module_utils._spec import (
    JOURNAL_REQUIRED_BY,
    journal_spec,
    postgresql_spec,
    proof_spec,
)


def run(
    params: dict[str, t.Any], check_mode: bool, bridge: Bridge, journal: Journal, ready: t.Optional[_ahead.Ready] = None
) -> dict[str, t.Any]:
    request = request_of(params)
    if check_mode or _django_proof.is_wanted(params):
        plan, _progress = bridge.call("plan", with_sql=check_mode, **request)
        _django_proof.prove(params, bridge, plan, utc_now())
        if check_mode:
            return answer(plan, plan, changed=bool(plan["plan"] or plan["synced"]))
    done = apply(bridge, request, Record.of(journal, params), ready=ready)
    return answer(done, done, changed=bool(done["applied"] or done["synced"]))


def argument_spec() -> dict[str, t.Any]:
    return {
        **bridge_spec(),
        **journal_spec(),
        "database": {"type": "str", "default": "default"},
        "database_name": {"type": "str"},
        "run_syncdb": {"type": "bool", "default": False},
        "one_transaction": {"type": "bool", "default": False},
        **choice_spec(),
        **lock_budget_spec(),
        **postgresql_spec(),
        **proof_spec(),
        **_ahead.wait_spec(),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_by={**JOURNAL_REQUIRED_BY, "name": ["app"]},
        supports_check_mode=True,
    )
    params = module.params
    try:
        bridge = bridge_of(module, DJANGO)

        def work(ready: t.Optional[_ahead.Ready]) -> dict[str, t.Any]:
            return run(params, module.check_mode, bridge, journal_of(params), ready)

        result = _ahead.done(module, work, ACTION, request_of(params), bridge.environment)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
