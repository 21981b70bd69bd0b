# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the code of a release comes from, and what must be in it. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  repository:
    description:
      - The git repository, as a URL, as C(user@host:path), or as the absolute path of one on the target.
      - A user and password in an C(https) URL never appear in a process list, in a file that stays, or in the output.
    type: str
  version:
    description:
      - Branch, tag, or commit, full or abbreviated. Without it the repository's default branch.
    type: str
  key:
    description:
      - Text of a private deploy key without a passphrase. It lies in a private file while git runs.
    type: str
  key_file:
    description:
      - Private deploy key that lies on the target.
    type: path
  known_hosts:
    description:
      - V(strict) fetches over ssh from known hosts only.
      - V(accept-new) trusts a host at first sight, and remembers it.
    type: str
    choices: [strict, accept-new]
    default: strict
  submodules:
    description:
      - Fetch the submodules too, and theirs.
    type: bool
    default: false
  source:
    description:
      - A directory or an archive (C(.tar.gz), C(.tar.xz), C(.tar), C(.zip)) on the control node, in place of O(repository).
      - A single directory at the top of an archive is taken off.
    type: path
  source_origin:
    description:
      - What the manifest records as the origin of O(source). Set by the action plugin.
    type: str
  exclude:
    description:
      - Names or paths in the directory O(source) that are left out. Wildcards are allowed.
    type: list
    elements: str
    default: [.git, .venv, venv, __pycache__, '*.pyc', node_modules, .env]
  project_dir:
    description:
      - Where in the release the project is, such as the directory of C(manage.py).
    type: str
    default: .
  required_files:
    description:
      - Files without which the release is refused, relative to O(project_dir).
    type: list
    elements: str
    default: []
"""
