# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_info
short_description: Read the state of an Alembic or Flask-Migrate project and its database
version_added: 0.1.0
description:
  - Reads what the database has on record and what is pending, the plan with its SQL, what is wrong with the chain of revisions, a review of
    each revision, where the database differs from the models, and whether the application migrates when it starts.
  - The chain, the reviews and the application are told from their source, which is not run. That works without a database, and with files
    that Alembic cannot load.
  - Reads in a transaction that the server keeps read-only.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._attributes.INFO
  - seamless.deploy._alembic
  - seamless.deploy._postgresql
  - seamless.deploy._proof
options:
  gather:
    description:
      - V(chain) reads files only. It imports nothing of the project and connects to nothing.
      - V(settings) runs C(env.py), which connects as a rule, for the databases, the versions and the models.
      - V(all) does both, and reads the database and the plan as well.
    type: str
    choices: [settings, chain, all]
    default: all
  history:
    description:
      - V(recorded) believes what is on record.
      - V(proven), with O(gather=all), also builds the whole chain on a scratch database, and says in RV(diagnosis) which revision the real database
        is at, and in RV(differences) what it has otherwise than its recorded revision builds. PostgreSQL needs O(login_url), with a role that may
        create a database.
    type: str
    choices: [recorded, proven]
    default: recorded
  ignore:
    description: Names of objects that belong to somebody else, such as an index that was added by hand. They take no part in RV(diagnosis).
    type: list
    elements: str
    default: []
notes:
  - Supported are PostgreSQL and SQLite. MySQL is refused.
seealso:
  - module: seamless.deploy.alembic_upgrade
  - module: seamless.deploy.alembic_repair
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: See what a release would migrate
  seamless.deploy.alembic_info:
    chdir: /srv/notes/current
    python: /srv/notes/current/.venv/bin/python
    environment_file: /srv/notes/current/.environment
  register: alembic

- name: Show the pending revisions
  ansible.builtin.debug:
    var: alembic.pending

- name: Check the chain of a working copy, without a database
  seamless.deploy.alembic_info:
    chdir: /home/ci/notes
    python: /usr/bin/python3
    gather: chain
  register: chain
  failed_when: chain.findings | selectattr('level', 'equalto', 'stop') | list | length > 0
"""

RETURN = r"""
diagnosis:
  description: What is wrong between record, code and database, as M(seamless.deploy.alembic_repair) returns it.
  returned: O(history=proven)
  type: dict
differences:
  description: From what the revisions on record build to the database, or from the nearest where the code does not have them.
  returned: O(history=proven)
  type: list
  elements: dict
text:
  description: The differences as people read them.
  returned: O(history=proven)
  type: str
databases:
  description: Name to C(engine), C(name), C(host), C(port) and C(user). No password.
  returned: unless O(gather=chain)
  type: dict
versions:
  description: Versions of Alembic, SQLAlchemy, Flask, Python and the drivers that are loaded.
  returned: unless O(gather=chain)
  type: dict
alembic_version:
  description: Version of Alembic.
  returned: unless O(gather=chain)
  type: str
flask:
  description: Whether C(env.py) works on a Flask application.
  returned: unless O(gather=chain)
  type: bool
demands:
  description: What the models demand of the schema, by table. Columns, foreign keys and unique sets.
  returned: unless O(gather=chain)
  type: dict
config:
  description: Path of C(alembic.ini) or C(pyproject.toml).
  returned: success
  type: str
script_location:
  description: The directory with C(env.py).
  returned: success
  type: str
heads:
  description: The revisions of the code after which none comes.
  returned: unless O(gather=settings)
  type: list
  elements: str
bases:
  description: The revisions that come after none.
  returned: unless O(gather=settings)
  type: list
  elements: str
branches:
  description: Branch label to the heads of that branch.
  returned: unless O(gather=settings)
  type: dict
history:
  description:
    - All revisions, the first one first. C(revision), C(down_revision), C(depends_on), C(branch_labels), C(message), C(path), C(head),
      C(branch_point), C(merge_point).
  returned: unless O(gather=settings)
  type: list
  elements: dict
usable:
  description: Whether Alembic can load the chain.
  returned: unless O(gather=settings)
  type: bool
findings:
  description:
    - What is wrong. C(kind) is a stable word, C(level) is V(stop), V(warning) or V(note), C(object) what it is about, C(evidence) one
      sentence, C(remedy) what to do; C(place) and C(revision) where there is one.
  returned: unless O(gather=settings)
  type: list
  elements: dict
reviews:
  description:
    - Each revision as its text tells it. C(revision), C(path), C(downgrade) (V(complete), V(incomplete), V(empty), V(missing), V(refuses)),
      C(creates), C(touches), C(only_new_tables), C(references), C(constraints), C(data), C(findings).
  returned: unless O(gather=settings)
  type: list
  elements: dict
starts:
  description:
    - Places where the application migrates or makes tables when it starts, as findings, also in start scripts such as C(entrypoint.sh),
      which have C(command), and C(scripts) that run it. C(switch) says what switches it off - C(kind) is V(environment) with C(name) and
      C(value), or V(wrapper).
  returned: unless O(gather=settings)
  type: list
  elements: dict
current:
  description: The revisions that the database has on record.
  returned: when O(gather=all)
  type: list
  elements: str
applied:
  description: These, and all that come before them.
  returned: when O(gather=all)
  type: list
  elements: str
pending:
  description: The revisions that are not applied. Empty where the chain or the record is broken.
  returned: when O(gather=all)
  type: list
  elements: str
plan:
  description: The same as M(seamless.deploy.alembic_upgrade) returns it in check mode for V(heads), with SQL.
  returned: when O(gather=all)
  type: list
  elements: dict
missing:
  description: Revisions on record that this code does not have.
  returned: when O(gather=all)
  type: list
  elements: str
drift:
  description:
    - Where the database differs from the models, as Alembic compares them. C(kind), C(object), C(evidence), C(remedy). What pending
      revisions will change is among it.
  returned: when O(gather=all)
  type: list
  elements: dict
no_plan:
  description: Why there is no plan, where no other finding says it, or empty.
  returned: when O(gather=all)
  type: str
not_compared:
  description: Why the database could not be compared with the models, or empty.
  returned: when O(gather=all)
  type: str
tables_without_revision:
  description: Tables of the models that are there although no revision is on record.
  returned: when O(gather=all)
  type: list
  elements: str
version_table:
  description: Where the revisions are on record.
  returned: when O(gather=all)
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _examine
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, alembic_spec
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import bridge_of
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._spec import postgresql_spec, proof_spec

REQUEST = ("config", "app", "database", "database_name")


def run(params: dict[str, t.Any], bridge: Bridge) -> dict[str, t.Any]:
    request = {name: params[name] for name in REQUEST}
    if params["gather"] == "chain":
        told, _progress = bridge.call("check", about="chain", **request)
        return {"changed": False, **told}
    if params["gather"] == "settings":
        told, _progress = bridge.call("describe", **request)
    else:
        told, _progress = bridge.call("check", **request)
        told.update(_examine.told(params, bridge, utc_now()) if params["history"] == "proven" else {})
    return {"changed": False, **told, "alembic_version": told["versions"]["alembic"]}


def argument_spec() -> dict[str, t.Any]:
    return {
        **alembic_spec(),
        **postgresql_spec(),
        **proof_spec(),
        "history": {"type": "str", "choices": ["recorded", "proven"], "default": "recorded"},
        "ignore": {"type": "list", "elements": "str", "default": []},
        "gather": {"type": "str", "choices": ["settings", "chain", "all"], "default": "all"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module.params, bridge_of(module, ALEMBIC, reading=True))
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
