#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: proven backups of SQLite files. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sqlite_backup
short_description: A proven backup of SQLite files exists
version_added: 0.1.0
description:
  - Copies one or more SQLite databases with SQLite's online backup API, while the application goes on, and checks the integrity of every
    copy before it counts.
  - A copy of the file alone would lose what is in the write-ahead log, and pass the same check.
  - A copy is written under a temporary name, synced and renamed, with mode 0600 (a directory 0700).
    A manifest with its sha256 lies beside it. A backup that fails leaves nothing behind and touches no other.
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
      - Every run makes a new backup.
  platform:
    platforms: posix
options:
  databases:
    description: Paths of the files.
    type: list
    elements: path
    required: true
  dest:
    description:
      - Directory that the backups go to. It is created with mode 0700 when it is missing.
      - The user that the task runs as must be able to write it, and to read the files.
    type: path
    required: true
  label:
    description: A word that becomes part of the names. Retention counts each label apart.
    type: str
  keep:
    description:
      - How many backups to keep of each file and label, this one included. Older ones are removed after all files are backed up.
      - Only backups with a manifest are ever removed. The default is to remove nothing.
    type: int
  min_free:
    description: Space that must remain free in O(dest), such as V(500M).
    type: str
    default: 64M
notes:
  - With a write-ahead log (C(PRAGMA journal_mode = WAL)) a backup is in nobody's way. Without one it is made in parts, between which
    writers have their turn; where they leave it no rest, all is copied under one lock, for which they wait.
author:
  - seamless.deploy contributors (@seamless-deploy)
seealso:
  - module: seamless.deploy.sqlite_restore
"""

EXAMPLES = r"""
- name: Back up the shop before a deploy
  seamless.deploy.sqlite_backup:
    databases: [/srv/shop/shared/db.sqlite3]
    dest: /srv/shop/backups
    keep: 7
"""

RETURN = r"""
backups:
  description: One entry for each file, in the order of O(databases).
  returned: always
  type: list
  elements: dict
  contains:
    database: {description: The file., type: str}
    path: {description: 'The backup; in check mode, where it would be.', type: str}
    size: {description: 'Bytes; in check mode, the estimate.', type: int}
    sha256: {description: Of the backup. Empty in check mode., type: str}
    manifest_path: {description: The JSON manifest beside the backup., type: str}
    duration: {description: 'Seconds for copy, check and sync.', type: float}
    journal_mode: {description: 'As SQLite calls it, such as C(wal). Empty in check mode.', type: str}
    sqlite_version: {description: Version of SQLite that made it., type: str}
timestamp:
  description: The time stamp in all names, UTC.
  returned: always
  type: str
  sample: 20261121T031500Z
estimated_bytes:
  description: Space that the backups were expected to take.
  returned: always
  type: int
free_bytes:
  description: Free space of O(dest) before.
  returned: always
  type: int
removed:
  description: Names of the backups that retention removed; in check mode, those that it would.
  returned: always
  type: list
  elements: str
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._spec import JOURNAL_REQUIRED_BY, journal_spec
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _backup

ARGUMENT_SPEC = {
    **journal_spec(),
    "databases": {"type": "list", "elements": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "label": {"type": "str"},
    "keep": {"type": "int"},
    "min_free": {"type": "str", "default": "64M"},
}


def request_of(params: dict[str, t.Any]) -> _backup.Request:
    """The options, checked. Raises DeployError."""
    try:
        min_free = int(human_to_bytes(params["min_free"]))
    except ValueError as exc:
        raise DeployError(f"min_free {params['min_free']!r} is not a size; write it such as 500M or 2G") from exc
    return _backup.Request(
        databases=list(dict.fromkeys(path for path in params["databases"] if path)),
        dest=params["dest"],
        label=params["label"] or "",
        keep=params["keep"],
        min_free=min_free,
        deploy_id=params["deploy_id"] or "",
    )


def run(params: dict[str, t.Any], check_mode: bool, now: float) -> dict[str, t.Any]:
    """Check everything, then back up one file after the other. Raises DeployError."""
    planned = _backup.plan(request_of(params), now)
    if check_mode:
        done = _backup.announced(planned)
    else:
        done = _backup.carry_out(planned, journal_of(params), params["step"] or "backup", now)
    return {"changed": True, **done, **planned.facts}


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
        step = params["step"] or "backup"
        result = _detached.run(module, work, params["journal"], params["deploy_id"], step, "database.backup")
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
