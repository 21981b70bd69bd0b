#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: the directories of an application exist. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_directories
short_description: The directories of an application exist
version_added: 0.1.0
description:
  - Makes directories with their owner and mode, all in one call, so that a deploy over SSH does not connect for each of them.
  - What is in a directory is left alone. A directory above that has to be made gets the same owner and mode.
  - A link to a directory is taken as it is, with the owner and mode of what it leads to.
extends_documentation_fragment:
  - seamless.deploy._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the directories that are made or changed.
  idempotent:
    support: full
author: seamless.deploy contributors (@seamless-deploy)
options:
  paths:
    description: The directories, each after those that it lies in.
    type: list
    elements: path
    required: true
  owner:
    description: User that they belong to. Left as it is when this is not given.
    type: str
  mode:
    description: Their mode, as octal digits in quotes.
    type: str
    default: "0755"
  look_for:
    description: Files to look for, which are told in RV(found).
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Make the directories of the shop
  seamless.deploy.host_directories:
    paths: [/srv/shop, /srv/shop/releases, /srv/shop/shared]
    owner: shop
"""

RETURN = r"""
made:
  description: The directories that were made, or would be in check mode.
  type: list
  elements: str
  returned: success
found:
  description: Those of O(look_for) that exist.
  type: list
  elements: str
  returned: success
"""

import os
import pwd
import stat
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

Wanted = t.Tuple[t.Optional[int], int]


def missing(path: str) -> list[str]:
    """The directories that must be made for this one, the highest first. Raises DeployError where something else is in the way."""
    found: list[str] = []
    while not os.path.isdir(path):
        if os.path.lexists(path):
            raise DeployError(f"{path} is in the way: it is no directory; move it away, or choose another path")
        found.append(path)
        path = os.path.dirname(path)
    return found[::-1]


def wanted(owner: t.Optional[str], mode: str) -> Wanted:
    """Number of the owner, if any, and the mode. Raises DeployError."""
    try:
        number = int(mode, 8)
    except ValueError as exc:
        raise DeployError(f"mode is {mode!r}; give octal digits in quotes, such as '0755'") from exc
    try:
        return pwd.getpwnam(owner).pw_uid if owner else None, number
    except KeyError as exc:
        raise DeployError(f"there is no user {owner} on this host; make it, or name one that exists") from exc


def differs(path: str, asked: Wanted) -> bool:
    seen = os.lstat(path)
    if stat.S_ISLNK(seen.st_mode):
        return False
    return asked[0] not in (None, seen.st_uid) or stat.S_IMODE(seen.st_mode) != asked[1]


def give(path: str, asked: Wanted) -> None:
    """Set owner and mode of a directory. Its user may put a link there meanwhile, and a link is not followed."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if asked[0] is not None:
            os.fchown(handle, asked[0], -1)
        os.fchmod(handle, asked[1])
    finally:
        os.close(handle)


def run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Return values of the module. Raises DeployError."""
    asked = wanted(params["owner"], params["mode"])
    made: list[str] = []
    changed: list[str] = []
    for path in map(os.path.normpath, params["paths"]):
        try:
            new = [folder for folder in missing(path) if folder not in made]
            changed += [] if new or path in made or not differs(path, asked) else [path]
            for folder in [] if check_mode else new:
                os.mkdir(folder)
                give(folder, asked)
            if changed[-1:] == [path] and not check_mode:
                give(path, asked)
        except OSError as exc:
            raise DeployError(f"there was an issue with {exc.filename or path}: {exc.strerror}") from exc
        made += new
    return {
        "changed": bool(made or changed),
        "made": made,
        "found": [path for path in params["look_for"] if os.path.lexists(path)],
        "diff": {"before": {"changed": changed}, "after": {"made": made, "changed": changed}},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "owner": {"type": "str"},
            "mode": {"type": "str", "default": "0755"},
            "look_for": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
