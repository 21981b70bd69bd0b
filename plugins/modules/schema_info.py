#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: whether a release works with a database as it is. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_info
short_description: Whether a release works with a database as it is
version_added: 0.1.0
description:
  - Compares what the models of a release demand of the schema, which its manifest records, with the catalog of a PostgreSQL or SQLite
    database.
  - This is what a way back asks when migrations were applied that the earlier release does not know.
  - What the application does in raw SQL, outside of its models, is not known.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._attributes.info
  - seamless.deploy._postgresql
options:
  database_name:
    description:
      - The database on the server.
      - With an O(login_url) of SQLite (C(sqlite:////PATH)) that file is read, and this is not used.
    type: str
    required: true
  path:
    description: Root of the application, as M(seamless.deploy.release) knows it.
    type: path
    required: true
  release:
    description: Id of the release.
    type: str
    required: true
  unmet:
    description:
      - What of the schema the release has lived with, as RV(seamless.deploy.migration_rehearse#module:unmet) tells. It does not count.
      - Neither does what its manifest has of that.
    type: list
    elements: str
    default: []
notes:
  - Needs psycopg2 for the interpreter that runs it. Any role that may connect can read the catalog.
seealso:
  - module: seamless.deploy.migration_rehearse
  - module: seamless.deploy.schema_snapshot
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Ask whether the earlier release works with the migrated database
  seamless.deploy.schema_info:
    login_url: "{{ shop_url }}"
    database_name: shop
    path: /srv/shop
    release: 20261121T101500-1a2b3c4
  register: shop_earlier
"""

RETURN = r"""
works:
  description: Whether it is proven to work. False also where that is not known.
  type: bool
  returned: success
reasons:
  description: Why not, a sentence each.
  type: list
  elements: str
  returned: success
"""

import datetime
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _rehearsal
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _standing
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._spec import connection_from, postgresql_spec
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _copy, _url
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot as _sqlite


def run(params: dict[str, t.Any], now: str) -> dict[str, t.Any]:
    """Return values of the module. Raises DeployError."""
    manifest = Store(params["path"]).manifest(params["release"])
    demands = _rehearsal.demands_of(params["release"], manifest.demands if manifest else {}, {})
    lived_with = [*params["unmet"], *(manifest.unmet if manifest else [])]
    found = _standing.standing(demands, catalog(params, now), lived_with)
    return {"changed": False, "works": found.works, "reasons": found.reasons}


def catalog(params: dict[str, t.Any], now: str) -> Snapshot:
    """As it is now. Raises DeployError."""
    if _url.is_sqlite(params["login_url"]):
        path = _url.path_of(params["login_url"], "login_url")
        with _copy.in_use(path, "login_url") as opened:
            return _sqlite.take(opened, path, now)
    source = connection_from(params, "application").to_database(params["database_name"])
    with connected(source, "database_name") as opened:
        return _snapshot.take(opened, source.database, now)


def main() -> None:
    argument_spec = {
        **postgresql_spec(),
        "database_name": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "release": {"type": "str", "required": True},
        "unmet": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        result = run(module.params, now)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
