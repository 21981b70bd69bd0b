#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: pg_backup
short_description: A proven backup of PostgreSQL databases exists
version_added: 0.1.0
description:
  - Dumps one or more databases with one time stamp, and reads every archive back to its last byte before it counts.
  - The client programs are chosen to match the server. Free space, compression and the connection are checked before anything is written.
  - An archive is written under a temporary name, synced and renamed, with mode 0600 (a directory 0700).
    A manifest with its sha256 lies beside it. A backup that fails leaves nothing behind and touches no other.
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
    support: none
    details:
      - Every run makes a new backup.
  platform:
    platforms: posix
requirements:
  - psycopg2 in the Python that runs the module (the role P(seamless.deploy.host#role) makes one)
  - pg_dump and pg_restore of the server's major version
options:
  databases:
    description: Names of the databases.
    type: list
    elements: str
    required: true
  dest:
    description:
      - Directory that the backups go to. It is created with mode 0700 when it is missing.
      - The user that the task runs as must be able to write it.
    type: path
    required: true
  format:
    description: Format of C(pg_dump). V(custom) is one file, V(directory) a directory that several processes can write and restore.
    type: str
    choices: [custom, directory]
    default: custom
  jobs:
    description: Processes that dump at the same time. More than one needs O(format=directory).
    type: int
    default: 1
  compression:
    description:
      - Compression inside the archive. V(lz4) and V(zstd) need C(pg_dump) 16 or newer that was built with them.
    type: str
    choices: [none, gzip, lz4, zstd]
    default: gzip
  compression_level:
    description: Level of the compression; the default is the method's own.
    type: int
  client_path:
    description:
      - Directory of C(pg_dump) and C(pg_restore). No other is used when it is given.
      - The default is to look where packages of PostgreSQL and the Baota panel put them, and in the C(PATH).
    type: path
  newer_client:
    description:
      - Accept client programs that are newer than the server, when there are none of its own major version.
      - They must then prove themselves by restoring the schema into a scratch database, which the role must be allowed to create.
      - An older C(pg_dump) is always refused.
    type: bool
    default: false
  label:
    description: A word that becomes part of the names. Retention counts each label apart.
    type: str
  keep:
    description:
      - How many backups to keep of each database and label, this one included. Older ones are removed after all databases are backed up.
      - Only backups with a manifest of this module are ever removed. The default is to remove nothing.
    type: int
  lock_wait_timeout:
    description: Seconds to wait for a table that another session keeps locked.
    type: int
    default: 60
  space_factor:
    description:
      - Bytes of backup to expect for each byte of the database, for the check of the free space.
      - The default depends on O(compression), from V(0.5) to V(1.2).
    type: float
  min_free:
    description: Space that must remain free in O(dest), such as V(500M).
    type: str
    default: 64M
author:
  - seamless.deploy contributors (@seamless-deploy)
seealso:
  - module: seamless.deploy.pg_fence
"""

EXAMPLES = r"""
- name: Back up the shop before a deploy
  seamless.deploy.pg_backup:
    databases: [shop]
    dest: /srv/shop/backups
    login_url: "{{ shop_database_url }}"
    keep: 7

- name: Back up two databases over the local socket, with four processes
  become: true
  become_user: postgres
  seamless.deploy.pg_backup:
    databases: [shop, stock]
    dest: /var/backups/postgresql
    format: directory
    jobs: 4
    label: nightly
"""

RETURN = r"""
backups:
  description: One entry for each database, in the order of O(databases).
  returned: always
  type: list
  elements: dict
  contains:
    database: {description: Name of the database., type: str}
    path: {description: 'The archive; in check mode, where it would be.', type: str}
    size: {description: 'Bytes; in check mode, the estimate.', type: int}
    sha256: {description: 'Of the file, or of the C(sha256sum) list of the directory. Empty in check mode.', type: str}
    manifest_path: {description: The JSON manifest beside the archive., type: str}
    duration: {description: 'Seconds for dump, reading back and sync.', type: float}
    server_version: {description: Version of the server., type: str}
    client_version: {description: Version of pg_dump., type: str}
timestamp:
  description: The time stamp in all names, UTC.
  returned: always
  type: str
  sample: 20261121T031500Z
client:
  description: Directory of the client programs that were chosen.
  returned: always
  type: str
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
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _backup
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._archive import Run
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._dump import DumpFormat
from ansible_collections.seamless.deploy.plugins.module_utils._spec import (
    JOURNAL_REQUIRED_BY,
    connection_from,
    journal_spec,
    postgresql_spec,
)

ARGUMENT_SPEC = {
    **journal_spec(),
    **postgresql_spec(),
    "databases": {"type": "list", "elements": "str", "required": True},
    "dest": {"type": "path", "required": True},
    "format": {"type": "str", "choices": ["custom", "directory"], "default": "custom"},
    "jobs": {"type": "int", "default": 1},
    "compression": {"type": "str", "choices": ["none", "gzip", "lz4", "zstd"], "default": "gzip"},
    "compression_level": {"type": "int"},
    "client_path": {"type": "path"},
    "newer_client": {"type": "bool", "default": False},
    "label": {"type": "str"},
    "keep": {"type": "int"},
    "lock_wait_timeout": {"type": "int", "default": 60},
    "space_factor": {"type": "float"},
    "min_free": {"type": "str", "default": "64M"},
}


def request_of(params: dict[str, t.Any]) -> _backup.Request:
    """The options, checked. Raises DeployError."""
    return _backup.Request(
        databases=list(dict.fromkeys(name for name in params["databases"] if name)),
        dest=params["dest"],
        dump=DumpFormat(params["format"], params["jobs"], params["compression"], params["compression_level"]),
        label=params["label"] or "",
        keep=params["keep"],
        client_path=params["client_path"] or "",
        newer_client=params["newer_client"],
        lock_wait_timeout=params["lock_wait_timeout"],
        space_factor=params["space_factor"],
        min_free=bytes_of(params["min_free"]),
        deploy_id=params["deploy_id"] or "",
    )


def bytes_of(min_free: str) -> int:
    try:
        return int(human_to_bytes(min_free))
    except ValueError as exc:
        raise DeployError(f"min_free {min_free!r} is not a size; write it such as 500M or 2G") from exc


def run(params: dict[str, t.Any], check_mode: bool, run_command: Run, now: float) -> dict[str, t.Any]:
    """Check everything, then back up one database after the other. Raises DeployError."""
    planned = _backup.plan(request_of(params), connection_from(params, "admin"), run_command, now)
    if check_mode:
        done = _backup.announced(planned)
    else:
        done = _backup.carry_out(planned, run_command, journal_of(params), params["step"] or "backup", now)
    return {"changed": True, **done, **planned.facts}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_by=JOURNAL_REQUIRED_BY,
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, t.Any]:
        return run(params, module.check_mode, module.run_command, time.time())

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
