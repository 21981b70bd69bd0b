#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: a SQLite file is what a backup was. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sqlite_restore
short_description: A SQLite file is exchanged for a backup
version_added: 0.1.0
description:
  - Puts a backup of M(seamless.deploy.sqlite_backup) in the place of a SQLite database, by one rename. The new file has the owner and
    mode of the former one, which is kept beside it for a look.
  - This is done only when no process has the file open, which C(/proc) tells. Otherwise the module fails, and names the processes.
  - What the former file still had in its write-ahead log is brought into it first, so that C(-wal) and C(-shm) are gone. They would
    be read into the restored file.
  - Every write made since the backup is lost.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._journal
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Every run restores.
  platform:
    platforms: posix
options:
  database:
    description: The file. It may be missing, and is then made with the owner of its directory.
    type: path
    required: true
  backup:
    description: The path that M(seamless.deploy.sqlite_backup) returned.
    type: path
    required: true
  any_database:
    description: Accept a backup of another file than O(database).
    type: bool
    default: false
  timeout:
    description: Seconds to wait until nobody has the file open.
    type: int
    default: 30
notes:
  - Processes of other users are seen by root only, unless they hold a lock. With a write-ahead log every one that has the file open does.
author:
  - seamless.deploy contributors (@seamless-deploy)
seealso:
  - module: seamless.deploy.sqlite_backup
  - module: seamless.deploy.sqlite_fence
"""

EXAMPLES = r"""
- name: Put the shop's database back, while the shop is stopped
  seamless.deploy.sqlite_restore:
    database: /srv/shop/shared/db.sqlite3
    backup: /srv/shop/backups/db.sqlite3-20261121T031500Z.sqlite
"""

RETURN = r"""
database: {description: 'The file, without symbolic links.', returned: success, type: str}
backup: {description: What it is now., returned: success, type: str}
replaced: {description: 'Where the former file is kept; empty where there was none.', returned: success, type: str}
sha256: {description: Of the backup., returned: success, type: str}
size: {description: Bytes of the backup., returned: success, type: int}
duration: {description: 'Seconds that it took; 0 in check mode.', returned: success, type: float}
processes:
  description: Who has the file open.
  returned: when that is why it fails
  type: list
  elements: dict
  contains:
    pid: {description: Its process id., type: int}
    command: {description: What it is., type: str}
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._spec import JOURNAL_REQUIRED_BY, journal_spec
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _restore

ARGUMENT_SPEC = {
    **journal_spec(),
    "database": {"type": "path", "required": True},
    "backup": {"type": "path", "required": True},
    "any_database": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 30},
}


def run(params: dict[str, t.Any], check_mode: bool, now: float) -> dict[str, t.Any]:
    """Check everything, then exchange the file. Raises DeployError."""
    names = ("database", "backup", "any_database", "timeout")
    request = _restore.Request(**{name: params[name] for name in names}, deploy_id=params["deploy_id"] or "")
    planned = _restore.plan(request, now)
    done = {"duration": 0.0}
    if not check_mode:
        done = _restore.carry_out(planned, journal_of(params), params["step"] or "migrate")
    return {"changed": True, **planned.facts, **done}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_by=JOURNAL_REQUIRED_BY,
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, t.Any]:
        return run(params, module.check_mode, time.time())

    try:
        step = params["step"] or "migrate"
        result = _detached.run(module, work, params["journal"], params["deploy_id"], step, "database.restore")
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
