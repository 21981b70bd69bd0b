#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: alembic_repair
short_description: The history of an Alembic or Flask-Migrate project and its database fit together again
version_added: 0.1.0
description:
  - Finds out which revision a database is really at. The whole chain is built on a scratch database beside it, the catalog is read after each
    revision, and the real catalog is compared with all of them. RV(diagnosis) names the true cause, whatever the record says.
  - Then repairs what O(action) names, as far as that is proven. Everything in a database is done in one transaction, at whose end the catalog is read
    again; when it is not the one that the revisions build, the transaction is rolled back.
  - A repair that cannot be proven is refused, with the differences. No row is changed by any of them.
  - What no revision ever makes, such as tables of other applications, takes no part.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._alembic
  - seamless.deploy._journal
  - seamless.deploy._postgresql
  - seamless.deploy._proof
attributes:
  check_mode:
    support: full
    details:
      - Returns the diagnosis and the plan, with its statements. The scratch database is made, and O(cache_path) is written.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
requirements:
  - psycopg2 in the Python that runs the module, for PostgreSQL (the role P(seamless.deploy.host#role) makes one)
  - for PostgreSQL a role that may create a scratch database (O(login_url)), or O(scratch_database)
options:
  action:
    description:
      - V(stamp) has the proven revision on record. For tables without a record, a record that is too far or too short, and one that this code does not have.
      - V(create_missing) makes the tables, columns, constraints and indexes that the revision on record would have made, or those that a revision which is
        applied halfway lacks. The revision is on record afterwards. Refused where anything but adding would be needed.
      - V(drop_leftovers) removes tables C(_alembic_tmp_*) and invalid indexes that attempts which failed have left. Where only such a table holds the
        rows, it gets its name again. Empty tables, and indexes, that a revision which is applied halfway has made go too where nothing is left of it then.
      - V(merge_heads) writes a merge revision into the working copy in O(chdir), from the project's own template. Refused where two heads change the same
        object, or cannot be built together.
      - V(reparent) points a revision whose parent is missing at its proper parent, in the working copy in O(chdir). Refused where the chain would then not
        build the database.
      - V(reset) has O(revisions) on record without any proof, and needs O(confirm).
    type: str
    choices: [stamp, create_missing, drop_leftovers, merge_heads, reparent, reset]
    required: true
  revisions:
    description:
      - The revisions to have on record afterwards. There are several where the chain has branches.
      - The default is what is proven. For V(create_missing) that is the revision that is applied halfway, or the one on record; for V(reset) it is all heads.
      - With V(stamp), one of RV(diagnosis.fits) where a catalog fits several; others are refused.
    type: list
    elements: str
    default: []
  confirm:
    description: The name of the database, or of its file for SQLite. V(reset) does nothing without it.
    type: str
  ignore:
    description: Names of objects that belong to somebody else, such as an index that was added by hand. They take no part.
    type: list
    elements: str
    default: []
  child:
    description: For V(reparent), the revision whose O(parent) is missing. The default is the only one.
    type: str
  parent:
    description: For V(reparent), the revision that O(child) is to come after. The default is the only one that it could be.
    type: str
  revision_message:
    description: For V(merge_heads), the message of the revision. The default names the heads.
    type: str
  backup_dest:
    description:
      - Directory for a proven backup of the database, made before anything in it is changed, as M(seamless.deploy.pg_backup) and
        M(seamless.deploy.sqlite_backup) make one. For V(reparent), for a copy of the file.
      - Required for every action but V(merge_heads), as soon as there is something to do.
    type: path
  client_path:
    description: Directory of C(pg_dump), as in M(seamless.deploy.pg_backup).
    type: path
  lock_timeout:
    description: Milliseconds that a statement on PostgreSQL waits for a lock before the repair is rolled back.
    type: int
    default: 2000
seealso:
  - module: seamless.deploy.alembic_info
  - module: seamless.deploy.alembic_upgrade
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: See what is wrong, and what would be done about it
  seamless.deploy.alembic_repair: &repair
    action: stamp
    chdir: /srv/visits/current
    python: /srv/visits/current/.venv/bin/python
    environment_file: /srv/visits/current/.environment
    login_url: "{{ visits_admin_url }}"
    backup_dest: /srv/visits/backups
    cache_path: /srv/visits/.deploy/replays
  check_mode: true
  register: repair

- name: Have the proven revision on record
  seamless.deploy.alembic_repair:
    <<: *repair
  when: repair.diagnosis.remedy == 'stamp'

- name: Merge two heads in a working copy
  seamless.deploy.alembic_repair:
    action: merge_heads
    chdir: /home/ci/visits
    python: /home/ci/visits/.venv/bin/python
    login_url: "{{ visits_admin_url }}"
    backup_dest: /home/ci/backups
"""

RETURN = r"""
diagnosis:
  description: What is wrong, as it was before the repair. Empty where V(reparent) finds the chain whole.
  returned: success, and where a repair is refused
  type: dict
  contains:
    cause:
      description:
        - V(none), V(not_recorded), V(stamped_too_far), V(applied_unrecorded), V(recorded_elsewhere), V(ahead_of_code), V(applied_halfway),
          V(objects_missing), V(objects_added), V(differs), V(undecided) or V(not_replayed).
      type: str
    sentence: {description: The same for people., type: str}
    remedy: {description: 'The action that ends it, or empty where a person has to decide.', type: str}
    heads: {description: 'The revisions that the catalog is proven to be at, or the nearest.', type: list, elements: str}
    proven: {description: Whether the catalog is exactly that of RV(diagnosis.heads)., type: bool}
    step: {description: The revision that is applied halfway., type: str}
    fits: {description: 'All that the catalog fits, where what is between them changes rows only.', type: list, elements: list}
    leftovers: {description: What attempts that failed have left., type: list, elements: str}
    ignored: {description: Objects that no revision makes., type: list, elements: str}
differences:
  description: >-
    From what the revisions build to the database, with C(kind), C(type), C(object), C(owner), C(what), C(before) and C(after), as
    M(seamless.deploy.schema_snapshot) tells them.
  returned: success, and where a repair is refused
  type: list
  elements: dict
text:
  description: The differences as people read them.
  returned: success, and where a repair is refused
  type: str
before:
  description: The revisions on record before.
  returned: success, and where a repair is refused
  type: list
  elements: str
after:
  description: The revisions on record afterwards; of V(merge_heads) and V(reparent) the heads of the chain. In check mode, what it would be.
  returned: success
  type: list
  elements: str
statements:
  description: What ran in the database. In check mode, what would.
  returned: success
  type: list
  elements: str
files:
  description: Files that were written; of V(reparent) also in check mode.
  returned: success
  type: list
  elements: str
backup:
  description: The backup. In check mode, where it would be.
  returned: success
  type: str
kind:
  description: One word for the kind of refusal, for conditions in a play.
  returned: failure
  type: str
  sample: not_proven
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._repairing import ACTION, Repairing
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import alembic_spec
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import bridge_of
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._spec import (
    JOURNAL_REQUIRED_BY,
    journal_spec,
    postgresql_spec,
    proof_spec,
)


def argument_spec() -> dict[str, t.Any]:
    return {
        **alembic_spec(),
        **journal_spec(),
        **postgresql_spec(),
        **proof_spec(),
        "action": {
            "type": "str",
            "choices": ["stamp", "create_missing", "drop_leftovers", "merge_heads", "reparent", "reset"],
            "required": True,
        },
        "revisions": {"type": "list", "elements": "str", "default": []},
        "confirm": {"type": "str"},
        "ignore": {"type": "list", "elements": "str", "default": []},
        "child": {"type": "str"},
        "parent": {"type": "str"},
        "revision_message": {"type": "str"},
        "backup_dest": {"type": "path"},
        "client_path": {"type": "path"},
        "lock_timeout": {"type": "int", "default": 2000},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), required_by=JOURNAL_REQUIRED_BY, supports_check_mode=True)
    params = module.params
    try:
        bridge = bridge_of(module, ALEMBIC)
        journal = journal_of(params)
        repairing = Repairing(params, module.check_mode, bridge, module.run_command, journal, time.time())
        step = params["step"] or "migrate"
        result = _detached.run(module, repairing.run, params["journal"], params["deploy_id"], step, ACTION)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
