# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database URL says, without its password. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: database_connection
short_description: What a database URL says, without its password
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Reads a database URL, and tells in a sentence what is wrong with it when it cannot be used.
options:
  _input:
    description: The URL. An empty one is no connection, and no problem.
    type: raw
    required: true
  role:
    description: Which of the two connections it is for.
    type: str
    choices: [application, admin]
    required: true
  option:
    description: Name of the variable, for the sentence.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the name of the database
  ansible.builtin.debug:
    msg: "{{ (deploy_database_url | seamless.deploy.database_connection('application', 'deploy_database_url')).database }}"
"""

RETURN = r"""
_value:
  description:
    - C(engine) (C(postgresql) or C(sqlite)), C(host), C(port), C(user), C(database) and C(options), and C(problem), a sentence that is empty
      when there is none.
    - Of SQLite, C(database) is the absolute path of the file.
    - With a problem, C(database) is empty.
  type: dict
"""

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import parse_url
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._url import is_sqlite, path_of


def database_connection(url: t.Any, role: str, option: str) -> dict[str, t.Any]:
    nothing = {"engine": "", "host": "", "port": 0, "user": "", "database": "", "options": {}, "problem": ""}
    if url is None or url == "":
        return nothing
    if not isinstance(url, str):
        kind = "mapping" if isinstance(url, dict) else "list" if isinstance(url, (list, tuple)) else "number"
        return {**nothing, "problem": f"{option} is not text but a {kind}; give one URL"}
    try:
        if is_sqlite(url):
            return {**nothing, "engine": "sqlite", "database": path_of(url, option)}
        return {"engine": "postgresql", **parse_url(url, role, option).to_json(), "problem": ""}
    except DeployError as exc:
        return {**nothing, "problem": exc.msg}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"database_connection": database_connection}
