# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_collectstatic
short_description: Collect the static files of a Django release
version_added: 0.1.0
description:
  - Runs Django's C(collectstatic) in the application's interpreter.
  - With O(publish) the collected files are also added to the directory that the web server serves. Nothing is removed from there,
    so that a page of the previous release still finds its files after the switch.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._django
  - seamless.deploy._journal
attributes:
  check_mode:
    support: full
    details:
      - RV(published) then counts the files that are new or differ before they are collected and processed, and can be lower than the real number.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  publish:
    description:
      - A directory that holds the static files of all kept releases.
      - Each file of C(STATIC_ROOT) is linked or copied there under a temporary name and renamed. The manifest of a manifest storage is left out,
        since it belongs to one release.
      - A file whose name carries no hash is replaced by the new release's. Pages of the previous release get that one too. A manifest storage avoids it.
      - C(STATIC_ROOT) has to be a directory of the release's own, neither inside nor around this one.
    type: path
notes:
  - Nothing of it is recorded in O(journal), since it only ever adds files. With it, the work outlives the connection.
  - Files that no kept release has any more stay in O(publish). They take space and harm nothing.
  - Skipped, and said so in RV(skipped_reason), when C(django.contrib.staticfiles) is not installed or C(STATIC_ROOT) is not set.
seealso:
  - module: seamless.deploy.django_info
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Collect and publish the static files
  seamless.deploy.django_collectstatic:
    chdir: /srv/shop/releases/20260102T030405-1a2b3c4
    python: /srv/shop/releases/20260102T030405-1a2b3c4/.venv/bin/python
    environment_file: /srv/shop/releases/20260102T030405-1a2b3c4/.environment
    publish: /srv/shop/static
"""

RETURN = r"""
static_root:
  description: C(STATIC_ROOT), or empty.
  returned: success
  type: str
copied:
  description: Number of files that were collected because they are new or differ.
  returned: success
  type: int
unmodified:
  description: Number of files that were there already.
  returned: success
  type: int
post_processed:
  description: Number of files that the storage processed, such as by adding a hash to their names.
  returned: success
  type: int
published:
  description: Number of files that were added to or replaced in O(publish).
  returned: success
  type: int
skipped_reason:
  description: Why nothing was collected, or empty.
  returned: success
  type: str
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _detached, _static_publish
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, bridge_spec
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import bridge_of
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._spec import JOURNAL_REQUIRED_BY, journal_spec


def run(params: dict[str, t.Any], check_mode: bool, bridge: Bridge) -> dict[str, t.Any]:
    found, _progress = bridge.call("plan" if check_mode else "apply", about="static")
    published = 0
    root = found["static_root"]
    if params["publish"] and not found["skipped"] and root:
        skip = {os.path.normpath(found["manifest"])} if found["manifest"] else set()
        if os.path.isdir(root):
            published = _static_publish.publish(root, params["publish"], skip, check_mode)["published"]
        published += found["modified"] if check_mode else 0
    return {
        "changed": bool(found["modified"] or published),
        "static_root": root,
        "copied": found["modified"],
        "unmodified": found["unmodified"],
        "post_processed": found["post_processed"],
        "published": published,
        "skipped_reason": found["skipped"],
    }


def argument_spec() -> dict[str, t.Any]:
    return {**bridge_spec(), **journal_spec(), "publish": {"type": "path"}}


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), required_by=JOURNAL_REQUIRED_BY, supports_check_mode=True)
    params = module.params
    try:
        bridge = bridge_of(module, DJANGO)

        def work() -> dict[str, t.Any]:
            return run(params, module.check_mode, bridge)

        step = params["step"] or "collectstatic"
        result = _detached.run(module, work, params["journal"], params["deploy_id"], step, "static.collect")
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
