# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_info
short_description: Read the state of a Django project and its database
version_added: 0.1.0
description:
  - Reads what is applied and what is pending, the plan with its SQL, Django's system checks, what the models have and the migrations do not,
    and the settings that a deploy needs.
  - Reads in a transaction that the server keeps read-only.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._attributes.INFO
  - seamless.deploy._django
  - seamless.deploy._postgresql
  - seamless.deploy._proof
options:
  database:
    description: The alias in C(DATABASES).
    type: str
    default: default
  database_name:
    description: Look at the database of this name in place of the one in the settings.
    type: str
  gather:
    description:
      - V(settings) reads the settings and the models and connects to nothing.
      - V(all) reads the database as well.
    type: str
    choices: [settings, all]
    default: all
  history:
    description:
      - V(recorded) believes C(django_migrations).
      - V(proven) also builds all migrations on a scratch database, and says in RV(history) which of them the real database has. PostgreSQL needs O(login_url),
        with a role that may create a database.
    type: str
    choices: [recorded, proven]
    default: recorded
  sql:
    description: Whether the statements of each pending migration are asked for as well. With hundreds of them that takes as long as to migrate.
    type: bool
    default: true
notes:
  - Supported are PostgreSQL and SQLite. MySQL is refused.
seealso:
  - module: seamless.deploy.django_migrate
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: See what a release would migrate
  seamless.deploy.django_info:
    chdir: /srv/shop/current
    python: /srv/shop/current/.venv/bin/python
    environment_file: /srv/shop/current/.environment
  register: django

- name: Show the pending migrations
  ansible.builtin.debug:
    var: django.pending
"""

RETURN = r"""
history:
  description: Migrations of which the record is not what the catalog shows. Empty unless O(history=proven).
  returned: success
  type: dict
  contains:
    unrecorded: {description: Applied in fact and not on record., type: list, elements: str}
    never_applied: {description: On record and not applied., type: list, elements: str}
    halfway: {description: 'Of which only a part is there, or something else.', type: list, elements: str}
    unseen: {description: Of which no catalog tells., type: list, elements: str}
    stopped: {description: 'Why the rest could not be built on an empty database, or empty.', type: str}
databases:
  description: Alias to C(engine), C(name), C(host), C(port) and C(user). No password.
  returned: success
  type: dict
apps:
  description: Label and name of the installed apps.
  returned: success
  type: list
  elements: dict
settings:
  description: The settings module.
  returned: success
  type: str
static_root:
  description: C(STATIC_ROOT), or empty.
  returned: success
  type: str
media_root:
  description: C(MEDIA_ROOT), or empty.
  returned: success
  type: str
staticfiles:
  description: Whether C(django.contrib.staticfiles) is installed.
  returned: success
  type: bool
django_version:
  description: Version of Django.
  returned: success
  type: str
versions:
  description: Versions of Django, Python and the drivers that are loaded.
  returned: success
  type: dict
demands:
  description: What the models demand of the schema, by table. Columns, foreign keys and unique sets.
  returned: success
  type: dict
applied:
  description: The migrations on record.
  returned: when O(gather=all)
  type: list
  elements: str
heads:
  description: 'The last applied migration of each app: C(app.name), or C(app.zero).'
  returned: when O(gather=all)
  type: list
  elements: str
pending:
  description: The migrations that are not applied.
  returned: when O(gather=all)
  type: list
  elements: str
plan:
  description: The same as M(seamless.deploy.django_migrate) returns it in check mode, with SQL.
  returned: when O(gather=all)
  type: list
  elements: dict
checks:
  description: What Django's system checks say. C(id), C(level), C(message), C(hint), C(object), C(serious).
  returned: when O(gather=all)
  type: list
  elements: dict
model_changes:
  description: App label to what its models have and its migrations do not.
  returned: when O(gather=all)
  type: dict
conflicts:
  description: App label to migrations of which each is a last one. Django refuses to migrate then.
  returned: when O(gather=all)
  type: dict
inconsistent:
  description: Django's sentence about a migration that is on record without one that it depends on, or empty.
  returned: when O(gather=all)
  type: str
missing:
  description: Migrations on record that this code does not have.
  returned: when O(gather=all)
  type: list
  elements: str
starts:
  description:
    - Lines of start scripts that migrate, as findings. C(command), C(scripts) that run it, and C(switch), what switches it off -
      C(kind) is V(environment) with C(name) and C(value), or V(wrapper).
  returned: when O(gather=all)
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _django_proof, _start_scripts
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, bridge_spec
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import bridge_of
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._spec import postgresql_spec, proof_spec


def run(params: dict[str, t.Any], bridge: Bridge) -> dict[str, t.Any]:
    request = {"alias": params["database"], "database_name": params["database_name"]}
    if params["gather"] == "settings":
        project, _progress = bridge.call("describe", **request)
        return told(project)
    found, _progress = bridge.call("check", about="everything", with_sql=params["sql"], **request)
    plan = found.pop("plan") or {"pending": [], "plan": []}
    heads = [f"{app}.{name}" for app, name in sorted(found["heads"].items())]
    history = _django_proof.history(params, bridge, utc_now()) if params["history"] == "proven" else {}
    starts = _start_scripts.find_scripts(params["chdir"])
    return {
        **told(found),
        "heads": heads,
        "pending": plan["pending"],
        "plan": plan["plan"],
        "history": history,
        "starts": starts,
    }


def told(project: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"changed": False, "history": {}, **project, "django_version": project["versions"]["django"]}


def argument_spec() -> dict[str, t.Any]:
    return {
        **bridge_spec(),
        **postgresql_spec(),
        **proof_spec(),
        "history": {"type": "str", "choices": ["recorded", "proven"], "default": "recorded"},
        "database": {"type": "str", "default": "default"},
        "database_name": {"type": "str"},
        "gather": {"type": "str", "choices": ["settings", "all"], "default": "all"},
        "sql": {"type": "bool", "default": True},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module.params, bridge_of(module, DJANGO, reading=True))
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
