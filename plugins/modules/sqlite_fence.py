#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: a SQLite file is fenced off from its applications, or open to them. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sqlite_fence
short_description: A SQLite file is fenced off from its applications, or open to them
version_added: 0.1.0
description:
  - What M(seamless.deploy.pg_fence) does for PostgreSQL. Closing gives the file another name, as soon as no process has it open, and leaves
    a file in its place that SQLite refuses to open, so that no application makes an empty database there. A safety copy of that moment is
    made beside it if asked for.
  - Opening gives the file its name back, as it stands, or exchanged for the safety copy.
  - Each of these is one rename. A run that was killed is finished, or taken back, by running the module again.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._journal
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    platforms: posix
options:
  state:
    description:
      - V(closed) gives the file the name RV(fenced_name), where only that which knows it finds it.
      - V(open) gives it back.
      - V(cleaned) removes safety copies and exchanged files that are no longer wanted; see O(keep) and O(keep_days).
    type: str
    choices: [closed, open, cleaned]
    required: true
  database:
    description: The file, as the application knows it.
    type: path
    required: true
  fence_id:
    description:
      - Which fence; part of the names. A deploy uses its own id.
      - Required unless O(state=cleaned).
    type: str
  safety_copy:
    description: With O(state=closed), also make a copy of the closed file.
    type: bool
    default: true
  restore:
    description:
      - With O(state=open), exchange the file for its safety copy. The other one is kept as RV(failed_name).
      - When closing was broken off before the copy was complete, nothing has run behind the fence yet, and the file is given back as it is.
    type: bool
    default: false
  restore_only_if_unchanged:
    description: Refuse O(restore=true) when the file was written to after it was opened with its copy kept. With V(false) that is lost.
    type: bool
    default: true
  copy:
    description: What becomes of the safety copy when the file is opened with O(restore=false).
    type: str
    choices: [keep, drop]
    default: keep
  timeout:
    description: Seconds within which every process must have closed the file. Those that have not are named.
    type: int
    default: 30
  keep:
    description: With O(state=cleaned), how many of the newest copies and exchanged files to keep.
    type: int
    default: 1
  keep_days:
    description: With O(state=cleaned), keep everything that is younger than this many days.
    type: int
    default: 0
notes:
  - Processes of other users are seen by root only, unless they hold a lock. With a write-ahead log every one that has the file open does.
author:
  - seamless.deploy contributors (@seamless-deploy)
seealso:
  - module: seamless.deploy.sqlite_backup
  - module: seamless.deploy.sqlite_restore
"""

EXAMPLES = r"""
- name: Keep everybody out while the migrations run
  seamless.deploy.sqlite_fence:
    state: closed
    database: /srv/shop/shared/db.sqlite3
    fence_id: "{{ deploy_id }}"
  register: fence

- name: Give the database back
  seamless.deploy.sqlite_fence:
    state: open
    database: /srv/shop/shared/db.sqlite3
    fence_id: "{{ deploy_id }}"

- name: Give the database back as it was before the migrations
  seamless.deploy.sqlite_fence:
    state: open
    restore: true
    database: /srv/shop/shared/db.sqlite3
    fence_id: "{{ deploy_id }}"
"""

RETURN = r"""
plan:
  description: What was done, in order; in check mode, what would be.
  returned: unless cleaned
  type: list
  elements: str
  sample: [fence, copy]
fenced_name: {description: Path of the file while it is fenced., returned: unless cleaned, type: str}
copy_name: {description: 'Path of the safety copy, empty without one.', returned: unless cleaned, type: str}
failed_name: {description: Path that the file gets when it is exchanged for its copy., returned: unless cleaned, type: str}
changes:
  description: What was written since the file was opened with its copy kept. Empty where it is not compared.
  returned: unless cleaned
  type: dict
  contains:
    unchanged: {description: Nothing was written., type: bool}
    reason: {description: 'Why that is not so, or not known, where C(tables) does not tell.', type: str}
    tables: {description: 'Rows more or less, by table.', type: dict}
unchanged: {description: 'Nothing was written since then, or everybody was kept out all the time.', returned: unless cleaned, type: bool}
reason: {description: That of RV(changes)., returned: unless cleaned, type: str}
restored: {description: The file is the safety copy now., returned: unless cleaned, type: bool}
copied: {description: A safety copy was made by this run., returned: unless cleaned, type: bool}
seconds: {description: 'How long each part took (fence, copy, open, swap).', returned: unless cleaned, type: dict}
removed: {description: Files that were removed., returned: success, type: list, elements: str}
kept: {description: 'With O(state=cleaned), copies and exchanged files that remain.', returned: success, type: list, elements: str}
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
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _fencing
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._fence import names_of

ARGUMENT_SPEC = {
    **journal_spec(),
    "state": {"type": "str", "choices": ["closed", "open", "cleaned"], "required": True},
    "database": {"type": "path", "required": True},
    "fence_id": {"type": "str"},
    "safety_copy": {"type": "bool", "default": True},
    "restore": {"type": "bool", "default": False},
    "restore_only_if_unchanged": {"type": "bool", "default": True},
    "copy": {"type": "str", "choices": ["keep", "drop"], "default": "keep"},
    "timeout": {"type": "int", "default": 30},
    "keep": {"type": "int", "default": 1},
    "keep_days": {"type": "int", "default": 0},
}


def run(params: dict[str, t.Any], check_mode: bool, now: float) -> dict[str, t.Any]:
    """Look where the fence stands and bring it where it should be. Raises DeployError."""
    if params["state"] == "cleaned":
        return _fencing.clean(params["database"], params["keep"], now - params["keep_days"] * 86400, check_mode)
    fence = _fencing.Fence(
        names_of(params["database"], params["fence_id"]),
        params["fence_id"],
        params["timeout"],
        journal_of(params),
        params["deploy_id"] or "",
        params["step"] or "migrate",
    )
    if params["state"] == "closed":
        return _fencing.close(fence, params["safety_copy"], check_mode)
    drop, only = params["copy"] == "drop", params["restore_only_if_unchanged"]
    return _fencing.reopen(fence, params["restore"], only, drop, check_mode)


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
        step, action = params["step"] or "migrate", f"database.fence.{params['state']}"
        result = _detached.run(module, work, params["journal"], params["deploy_id"], step, action)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
