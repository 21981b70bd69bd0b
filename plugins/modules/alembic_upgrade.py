# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_upgrade
short_description: Bring a database to an Alembic revision
version_added: 0.1.0
description:
  - Does what C(alembic upgrade), C(alembic downgrade) and C(flask db upgrade) do, through Alembic's own code in the application's interpreter.
    The project's own C(env.py) runs, with any driver, also an asynchronous one. What it prints is not read.
  - Each revision runs in a transaction of its own, whatever C(env.py) asks for. Where C(env.py) itself opens a transaction around everything, it is kept,
    and a failure takes everything back.
  - One run at a time. A PostgreSQL advisory lock on a connection of its own keeps a second run of this module out.
    An C(alembic upgrade) that somebody runs by hand does not know the lock; when it applies a revision of the plan meanwhile, this run stops and says so.
  - A migration waits for its locks only as long as O(lock_timeout) allows, so that the queries behind it do not pile up. Then it is rolled back
    and tried again. A failure names the sessions that were in the way.
  - While the application is loaded, C(create_all) makes no tables and C(upgrade) runs no migrations. A warning tells that it calls them.
  - Nothing is generated. Revisions are written in development.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._alembic
  - seamless.deploy._alembic_choice
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
      - Returns the plan with its SQL. It reads in a transaction that the server keeps read-only, and makes not even the table C(alembic_version).
      - Revisions that run code are not run for their SQL.
  diff_mode:
    support: full
    details:
      - Shows the revisions on record before and after.
  idempotent:
    support: full
options:
  one_transaction:
    description:
      - Run everything in one transaction. Whatever fails, nothing is left of any of it. PostgreSQL only.
      - Constraints that are checked late are checked after each revision, as the end of its own transaction would.
      - Refused when a revision of the plan cannot run in a transaction.
      - Meant for a database that nobody else uses, behind a fence. Nothing is tried again. Every statement may wait O(retry_time) seconds for its
        locks, in place of O(lock_timeout), and all of them are kept to the end.
    type: bool
    default: false
notes:
  - Supported are PostgreSQL and, without locks and retries, SQLite, where Alembic runs a revision without a transaction.
  - Behind a pooler in transaction mode neither the lock nor the time limits hold. This is noticed and refused. Give the migration a direct connection
    through O(environment).
  - The connection is made with a limit of 10 seconds unless C(PGCONNECT_TIMEOUT) says otherwise.
seealso:
  - module: seamless.deploy.django_migrate
  - module: seamless.deploy.migration_rehearse
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Apply all pending revisions
  seamless.deploy.alembic_upgrade:
    chdir: /srv/notes/releases/20260102T030405-1a2b3c4
    python: /srv/notes/releases/20260102T030405-1a2b3c4/.venv/bin/python
    environment_file: /srv/notes/releases/20260102T030405-1a2b3c4/.environment
    bridge_path: /srv/notes/.deploy/bridge

- name: The same for a Flask application with a factory
  seamless.deploy.alembic_upgrade:
    chdir: /srv/visits/current
    python: /srv/visits/current/.venv/bin/python
    app: "visits:create_app"

- name: Take one revision back
  seamless.deploy.alembic_upgrade:
    chdir: /srv/notes/current
    python: /srv/notes/current/.venv/bin/python
    revision: "-1"
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
    id: {description: The revision., type: str, sample: 1975ea83b712}
    label: {description: The labels of its branch., type: str}
    name: {description: Its message., type: str}
    backwards: {description: Whether it is taken back., type: bool}
    atomic: {description: Whether it stays in its transaction. Not with C(autocommit_block)., type: bool}
    reversible: {description: 'Whether it has a C(downgrade) that does something.', type: bool}
    data: {description: Whether it runs code or data statements whose effect its text does not show., type: bool}
    operations: {description: 'Its operations, as far as its text tells them.', type: list, elements: str}
    sql: {description: 'Its statements, as C(--sql) writes them. A comment says what can only be known when it runs.', type: list, elements: str}
applied:
  description: What this run applied or took back, in order. Empty in check mode. After a failure too.
  returned: always
  type: list
  elements: dict
  contains:
    id: {description: The revision., type: str}
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
  description: The revisions on record before. Empty in a new database, several where branches have not met.
  returned: success
  type: list
  elements: str
after:
  description: The same afterwards. In check mode, what it would be.
  returned: success
  type: list
  elements: str
synced:
  description: Always empty, as M(seamless.deploy.django_migrate) has it for tables without migrations.
  returned: success
  type: list
  elements: str
missing:
  description: Revisions on record that this code does not have.
  returned: success
  type: list
  elements: str
model_changes:
  description: Always empty. M(seamless.deploy.alembic_info) compares the models with the database.
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
differences:
  description: Where the catalog is not as O(stamp=proven) wants it, as M(seamless.deploy.schema_snapshot) tells it.
  returned: when that is refused
  type: list
  elements: dict
text:
  description: The differences as people read them.
  returned: when that is refused
  type: str
signal_writes:
  description: Always 0, since Alembic has no signals.
  returned: success
  type: int
failure:
  description: The facts of a failed migration.
  returned: when a migration failed
  type: dict
  contains:
    migration: {description: The revision., type: str}
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
from ansible_collections.seamless.deploy.plugins.module_utils import _ahead
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._stamping import Stamping
from ansible_collections.seamless.deploy.plugins.module_utils._alembic_upgrade import (
    choice_spec,
    refuse_missing,
    request_of,
)
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, alembic_spec
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import bridge_of
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
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
    stamping = Stamping(params, bridge, utc_now())

    def refuse(plan: dict[str, t.Any]) -> None:
        refuse_missing(plan, params["missing"])
        stamping.require(plan)

    if check_mode or stamping.is_wanted:
        # A proof takes long, and the run that waits for it would keep its locks.
        plan, _progress = bridge.call("plan", with_sql=check_mode, **request)
        refuse(plan)
        if check_mode:
            return answer(plan, plan, changed=bool(plan["plan"]))
    done = apply(bridge, request, Record.of(journal, params), refuse, ready)
    return answer(done, done, changed=bool(done["applied"]))


def argument_spec() -> dict[str, t.Any]:
    return {
        **alembic_spec(),
        **journal_spec(),
        **choice_spec(),
        **lock_budget_spec(),
        **postgresql_spec(),
        **proof_spec(),
        **_ahead.wait_spec(),
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), required_by=JOURNAL_REQUIRED_BY, supports_check_mode=True)
    params = module.params
    try:
        bridge = bridge_of(module, ALEMBIC)

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
