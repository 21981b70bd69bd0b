# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Make, activate and prune releases of an application
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - A release is one directory with one version of the code and its own virtual environment. It is made beside the live one
    and changes nothing until it is activated.
  - The same code with the same options is the same release. What exists already is not made again.
  - Dependencies that did not change are taken over from an earlier release by hard links, without a download or a build.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._install
  - seamless.deploy._journal
  - seamless.deploy._source
attributes:
  check_mode:
    support: full
    details:
      - The version is fetched into a temporary directory, which is removed. Dependencies are not installed.
  diff_mode:
    support: partial
    details:
      - Shows which release and commit are live before and after O(state=activated).
  idempotent:
    support: full
options:
  path:
    description: The application's directory on the target. It is made if it is missing.
    type: path
    required: true
  state:
    description:
      - V(prepared) makes the release that the other options describe, or finds it. With O(release) it completes one that was pulled.
      - V(pulled) is the first half of that. The code is fetched and checked, so that something can be done to it before it is installed.
      - V(activated) makes O(release) the live one, by replacing the link C(current) in one step.
      - V(rejected) marks O(release) as failed. It is never taken again. One that is not complete is removed.
      - V(removed) deletes O(release), unless it is the live one or the previous good one.
      - V(pruned) deletes releases beyond O(keep), and what a crash left half made.
    type: str
    choices: [pulled, prepared, activated, rejected, pruned, removed]
    default: prepared
  release:
    description:
      - Id of a release. Required for O(state=activated), O(state=rejected) and O(state=removed).
      - Empty text with O(state=activated) takes the link C(current) away, which is the way back of a first deploy.
    type: str
  shared:
    description:
      - Paths of the release, relative to its top, that outlive releases. They lie in C(shared) and are linked into each one.
      - A path that exists nowhere yet is made as a directory, unless its name has an extension or begins with a dot.
        A slash at its end makes it a directory in any case.
    type: list
    elements: str
    default: []
  environment:
    description: Environment variables of the application. They are kept in the release, in a file of mode 0600.
    type: dict
    default: {}
  configuration:
    description: Whatever else makes a release another one, such as the definitions of its services. It is only compared.
    type: dict
    default: {}
  keep:
    description: How many releases stay when pruning. The live one and the previous good one always stay.
    type: int
    default: 5
  keep_releases:
    description:
      - Ids of releases that pruning leaves alone. Those of a deploy that the O(journal) shows as unfinished stay anyway.
    type: list
    elements: str
    default: []
  reason:
    description: Why the release is rejected.
    type: str
  units:
    description: The services that run the release, as the filter P(seamless.deploy.release_units#filter) returns them. Recorded when it is prepared.
    type: list
    elements: dict
    default: []
  demands:
    description: What the models of the release demand of the database, recorded when it is activated.
    type: dict
    default: {}
  held_back:
    description: Pending migrations that wait until nobody needs any more what they remove, recorded when it is activated.
    type: list
    elements: str
  unmet:
    description: Recorded of the release that was live before, as RV(seamless.deploy.migration_rehearse#module:unmet) tells it.
    type: list
    elements: str
    default: []
  who: {description: 'Who asked for the release, for its manifest. Without it the user on the target.', type: str}
"""

EXAMPLES = r"""
- name: Make the release
  seamless.deploy.release:
    path: /srv/shop
    repository: git@git.example.com:shop.git
    version: v1.4.0
    key: "{{ shop_deploy_key }}"
    required_files: [manage.py]
    shared: [media]
    environment:
      DATABASE_URL: "{{ shop_database_url }}"
  register: shop_release

- name: Make it the live one
  seamless.deploy.release:
    path: /srv/shop
    state: activated
    release: "{{ shop_release.release }}"

- name: Keep five releases
  seamless.deploy.release:
    path: /srv/shop
    state: pruned
    keep: 5
"""

RETURN = r"""
release:
  description: Id of the release. With RV(ignore:state=pruned) the live one.
  returned: success
  type: str
  sample: 20261120T101500-1a2b3c4
release_path: {description: Its directory., returned: success, type: str}
live: {description: Whether it is the live release., returned: success, type: bool}
previous:
  description:
    - When preparing, the live release. When activating, the one that was live before. Otherwise the previous good one.
    - Empty when there is none.
  returned: success
  type: str
previous_path: {description: Directory of the live release., returned: when preparing, type: str}
project_path: {description: Directory of the project in the release., returned: when preparing, type: str}
python: {description: Interpreter of the release., returned: when preparing, type: str}
venv: {description: Virtual environment of the release. Empty with O(installer=none)., returned: when preparing, type: str}
commit: {description: 'Full commit, or a hash over the files of O(source).', returned: when preparing, type: str}
environment_file: {description: File with the environment variables., returned: when preparing, type: str}
dependencies: {description: 'V(installed), V(reused) from an earlier release, or V(none).', returned: when preparing, type: str}
migration_files:
  description: Files in directories named C(migrations) that the live release does not have.
  returned: when preparing
  type: list
  elements: str
shared_links: {description: 'Shared paths, and what their links hold.', returned: when preparing, type: dict}
manifest: {description: What is recorded of the release., returned: 'O(state=prepared), O(state=activated), O(state=rejected)', type: dict}
previous_units:
  description: The services of the live release, as its manifest has them.
  returned: when preparing
  type: list
  elements: dict
kept: {description: Ids of the releases that stay., returned: O(state=pruned), type: list, elements: str}
removed:
  description: Ids of the releases that were deleted.
  returned: O(state=pruned), O(state=removed)
  type: list
  elements: str
"""

import datetime
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._release import _actions
from ansible_collections.seamless.deploy.plugins.module_utils._release._prepare import Preparation
from ansible_collections.seamless.deploy.plugins.module_utils._release._source import source_maker
from ansible_collections.seamless.deploy.plugins.module_utils._release._spec import (
    install_spec,
    secrets_of,
    shown,
    source_spec,
    wanted_from,
)
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store
from ansible_collections.seamless.deploy.plugins.module_utils._spec import JOURNAL_REQUIRED_BY, journal_spec

_STEPS = {
    "pulled": "pull",
    "prepared": "install",
    "activated": "start",
    "rejected": "pull",
    "pruned": "verify",
    "removed": "verify",
}


def argument_spec() -> dict[str, t.Any]:
    words = {"type": "list", "elements": "str", "default": []}
    return {
        "path": {"type": "path", "required": True},
        "state": {
            "type": "str",
            "choices": ["pulled", "prepared", "activated", "rejected", "pruned", "removed"],
            "default": "prepared",
        },
        "release": {"type": "str"},
        "shared": words,
        "environment": {"type": "dict", "default": {}, "no_log": True},
        "configuration": {"type": "dict", "default": {}},
        "keep": {"type": "int", "default": 5},
        "keep_releases": words,
        "reason": {"type": "str"},
        "units": {"type": "list", "elements": "dict", "default": []},
        "demands": {"type": "dict", "default": {}},
        "unmet": {"type": "list", "elements": "str", "default": []},
        "held_back": {"type": "list", "elements": "str"},
        "who": {"type": "str"},
        **source_spec(),
        **install_spec(),
        **journal_spec(),
    }


def prepare(context: _actions.Context, params: dict[str, t.Any], run_command: t.Any) -> dict[str, t.Any]:
    preparation = Preparation(
        run_command,
        context.store,
        wanted_from(params),
        context.check,
        datetime.datetime.now(datetime.timezone.utc),
        lambda action, release: context.record(action, release, {"release": release}),
    )
    if params["state"] == "prepared" and params["release"]:
        return _actions.chosen(context, preparation.complete(params["release"]))
    make_source = source_maker(params, run_command, context.store.cache, borrow=context.check)
    in_use = _actions.in_use(context.journal, params["keep_releases"])
    return _actions.chosen(context, preparation.prepare(make_source, in_use, params["state"] == "pulled"))


def run(params: dict[str, t.Any], check_mode: bool, run_command: t.Any) -> dict[str, t.Any]:
    """What the module does, for its own options. Raises DeployError."""
    state, release = params["state"], params["release"]
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    journal = journal_of(params)
    step = params["step"] or _STEPS[state]
    context = _actions.Context(Store(params["path"]), journal, params["deploy_id"] or "", step, check_mode, now)
    try:
        if state in ("pulled", "prepared"):
            return prepare(context, params, run_command)
        if state == "pruned":
            in_use = _actions.in_use(journal, params["keep_releases"])
            return _actions.prune(context, params["keep"], in_use)
        if state == "activated":
            return _actions.activate(context, release, params["demands"], params["held_back"], params["unmet"])
        if state == "rejected":
            return _actions.reject(context, release, params["reason"] or "")
        return _actions.remove(context, release)
    except OSError as exc:
        raise DeployError(f"path is {params['path']}: {exc.filename or 'the file system'}: {exc.strerror}") from exc


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        supports_check_mode=True,
        required_by=JOURNAL_REQUIRED_BY,
        required_if=[("state", state, ["release"]) for state in ("activated", "rejected", "removed")],
    )
    # Ansible would blank every value of the environment wherever it occurs: a "1" or "shop" in the ids and paths
    # that are returned, too. No value of it is ever returned, and the invocation is shown without them.
    module.no_log_values = secrets_of(module.params)
    invocation = shown(module.params)
    os.umask(0o022)  # other users read a release: the bridge's, the web server's
    params, state = module.params, module.params["state"]
    fetches = state in ("pulled", "prepared")
    long = fetches or state in ("rejected", "removed")

    def work() -> dict[str, t.Any]:
        return run(params, module.check_mode, module.run_command)

    try:
        if fetches and params["source"]:
            origin = params["source_origin"] or params["source"]
            params = {**params, "source": _detached.held(params["source"]), "source_origin": origin}
        journal, step = params["journal"] if long else None, params["step"] or _STEPS[state]
        result = _detached.run(module, work, journal, params["deploy_id"], step, f"release.{state}")
    except DeployError as exc:
        module.fail_json(msg=exc.msg, invocation=invocation, **exc.result)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
