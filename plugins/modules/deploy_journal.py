#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: begin, record, end and read the journal of deploys. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deploy_journal
short_description: Begin, record, end and read the journal of deploys
version_added: 0.1.0
description:
  - The journal is an append-only record on the target of what a deploy is about to do and has done. Each record is on disk
    before the module returns.
  - Beginning a deploy takes the lock of the application on this host. There is one deploy at a time; a second one is refused
    with a sentence that says who holds the lock, since when, for which deploy and from where.
extends_documentation_fragment:
  - seamless.deploy._attributes
author: seamless.deploy contributors (@seamless-deploy)
options:
  path:
    description: The journal's file. The lock is the file C(lock) beside it.
    type: path
    required: true
  state:
    description:
      - V(begin) takes the lock and opens a deploy.
      - V(record) adds one record to it.
      - V(end) closes it and gives the lock back. The lock of another deploy, which has taken it over, stays.
      - V(read) tells what the journal says, and changes nothing.
    type: str
    choices: [begin, record, end, read]
    default: read
  deploy_id:
    description:
      - Which deploy. Required for V(record) and V(end); V(read) takes the last one that began when it is not given.
      - V(begin) makes one when it is not given. The other hosts of a fleet begin with the id that the first one made.
    type: str
  who:
    description: The person or job that deploys, for the lock and for reports.
    type: str
    default: unknown
  origin:
    description: Where the deploy is started from, such as the control node's name or the number of an AWX job.
    type: str
    default: unknown
  wait:
    description: How many seconds V(begin) waits for a lock that another deploy holds. With V(0) it refuses at once.
    type: int
    default: 0
  stale:
    description:
      - Seconds after which a lock is taken over whose holder nobody can ask, when nothing was recorded for it and none of its
        steps runs. It is so where every run has a control node of its own, such as a container of AWX.
      - A lock is taken over at once when the C(ansible-playbook) that it belongs to ran on this control node and has ended,
        or when the host was booted since. While that C(ansible-playbook) lives, it never is.
    type: int
    default: 900
  running:
    description:
      - What V(begin) does about a step of an earlier deploy that still runs on this host on its own.
      - V(wait) waits for its end, at most O(running_timeout) seconds. V(end) ends it, by force after 30 seconds.
    type: str
    choices: [wait, end]
    default: wait
  running_timeout:
    description: How many seconds V(begin) waits for a step of an earlier deploy.
    type: int
    default: 3600
  owner:
    description: The process on the control node that the deploy belongs to. The action plugin sets it.
    type: dict
    default: {}
  owners:
    description: What the control node knows of the owners of locks, by deploy. The action plugin sets it.
    type: dict
    default: {}
  take_over:
    description:
      - Id of a deploy whose lock V(begin) takes over. Give it only when that deploy is certainly no longer running.
      - The takeover is recorded among the records of that deploy.
    type: str
  lock_id:
    description: The deploy that must hold the lock for V(record) and V(end). Without it nobody is asked.
    type: str
  step:
    description: The word of the checklist that a record belongs to, or V(back) for what undoes a deploy.
    type: str
    choices: [deploy, stop, backup, pull, install, migrate, collectstatic, start, verify, back]
    default: deploy
  action:
    description:
      - What is done, dotted, such as V(service.switch). Required for V(record).
      - With O(event=undone) and O(event=left) it may be left out. Then the event is recorded of everything of O(step) that is still to be undone.
    type: str
  event:
    description: What the record tells of the action. V(undone), and V(left) when it stays as it is, take it out of what is to be undone.
    type: str
    choices: [intent, done, failed, undone, left, note]
    default: note
  subject:
    description: The object acted on.
    type: str
    default: ''
  detail:
    description: Facts for people and reports. Names that look like those of secrets are refused.
    type: dict
    default: {}
  undo:
    description: Arguments with which the action is undone.
    type: dict
    default: {}
  result:
    description: How the deploy ended. Required for V(end).
    type: str
    choices: [succeeded, unchanged, rolled_back, failed, refused, closed]
  compatible:
    description: The user's word that the old release works with the migrated database, for RV(recovery).
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - Records are added each time. They are bookkeeping and not the state of the application, so C(changed) is always false.
"""

EXAMPLES = r"""
- name: Begin a deploy
  seamless.deploy.deploy_journal:
    path: /srv/shop/.deploy/journal.jsonl
    state: begin
    who: ops
    origin: control.example.com
  register: journal

- name: End it
  seamless.deploy.deploy_journal:
    path: /srv/shop/.deploy/journal.jsonl
    state: end
    deploy_id: "{{ journal.deploy_id }}"
    result: succeeded
"""

RETURN = r"""
deploy_id:
  description: The deploy that was begun, recorded, ended or read; empty when the journal is empty.
  type: str
  returned: always
holder: {description: 'Who holds the lock now, empty when nobody does.', type: dict, returned: always}
unfinished:
  description: Ids of deploys that began and never ended, oldest first. The one just begun is not among them.
  type: list
  elements: str
  returned: always
undo:
  description: What of this deploy is to be undone, newest first, each with step, action, subject, undo and certain.
  type: list
  elements: dict
  returned: always
undo_steps:
  description: The words of the checklist that occur in RV(undo).
  type: list
  elements: str
  returned: always
seconds:
  description: Whole seconds of C(stop), from there to the switch, of C(start), the C(last) ones, and C(pace), a part of what was forecast then.
  type: dict
  returned: always
recovery:
  description:
    - What becomes of the database when this deploy is undone. C(action) is leave, open, restore or undo, or one of these C(_if_unchanged), or ask.
      C(sentence), or C(otherwise) when something was written, the reason. C(applied), C(migrations) to take back, C(fenced_name) while fenced.
  type: dict
  returned: always
facts:
  description:
    - What this host's journal says of each unfinished deploy, of the last five and of RV(deploy_id), by id. The filter
      P(seamless.deploy.recovery#filter) decides from those of all hosts what becomes of a deploy.
    - Each has C(kind), C(who), C(origin), C(began), C(ended), C(strategy), C(wanted), C(release), C(previous), C(complete),
      C(stopped), C(switched), C(activated), C(going_back), C(failed), C(last), C(undo_steps), C(database) and C(running).
  type: dict
  returned: always
taken_over:
  description: C(deploy_id) of the deploy whose lock was taken over, and C(why); empty when the lock was free.
  type: dict
  returned: when O(state=begin)
waited_for:
  description:
    - Steps of earlier deploys that were found, each with C(deploy_id), C(step), C(action), the C(seconds) waited, C(outcome)
      (finished, lost or ended) and the C(msg) with which it failed.
  type: list
  elements: dict
  returned: when O(state=begin)
records: {description: The records of this deploy., type: list, elements: dict, returned: when O(state=read)}
deploys:
  description: The last twenty deploys, newest first, each with id, who, began, ended, result and its details.
  type: list
  elements: dict
  returned: when O(state=read)
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _login
from ansible_collections.seamless.deploy.plugins.module_utils._deploys import Deploys, Patience, new_id
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal import BACK, EVENTS, SETTLED, STEPS
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import utc_now

RESULTS = ["succeeded", "unchanged", "rolled_back", "failed", "refused", "closed"]


def record(deploys: Deploys, params: dict[str, t.Any]) -> None:
    if params["event"] in SETTLED and not params["action"]:
        return deploys.settle(params["deploy_id"], params["step"], params["event"], params["detail"])
    if not params["action"]:
        raise DeployError("action is required for state=record; only event=undone and event=left may leave it out")
    names = ("step", "action", "event", "subject", "detail", "undo")
    deploys.journal.append(params["deploy_id"], *(params[name] for name in names))


def begin(deploys: Deploys, deploy_id: str, params: dict[str, t.Any]) -> dict[str, t.Any]:
    patience = Patience(
        params["wait"],
        params["take_over"] or "",
        params["stale"],
        params["owners"],
        params["running"] == "end",
        params["running_timeout"],
    )
    return deploys.begin(deploy_id, params["who"], params["origin"], params["detail"], params["owner"], patience)


def run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Return values of the module. Raises DeployError."""
    state, deploy_id, lock_id = params["state"], params["deploy_id"] or "", params["lock_id"] or ""
    deploys = Deploys(params["path"], lock_id)
    told: dict[str, t.Any] = {}
    if state == "begin":
        deploy_id = deploy_id or new_id(utc_now())
        told = {"taken_over": {}, "waited_for": []}
    if not check_mode:
        if lock_id and state in ("record", "end"):
            deploys.journal.check_holder(lock_id)
        if state == "begin":
            told = begin(deploys, deploy_id, params)
        elif state == "record":
            record(deploys, params)
        elif state == "end":
            deploys.end(deploy_id, params["result"], params["detail"])
    return {"changed": False, **deploys.report(deploy_id, params["compatible"], state == "read"), **told}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["begin", "record", "end", "read"], "default": "read"},
            "deploy_id": {"type": "str"},
            "who": {"type": "str", "default": "unknown"},
            "origin": {"type": "str", "default": "unknown"},
            "wait": {"type": "int", "default": 0},
            "stale": {"type": "int", "default": 900},
            "running": {"type": "str", "choices": ["wait", "end"], "default": "wait"},
            "running_timeout": {"type": "int", "default": 3600},
            "owner": {"type": "dict", "default": {}},
            "owners": {"type": "dict", "default": {}},
            "take_over": {"type": "str"},
            "lock_id": {"type": "str"},
            "step": {"type": "str", "choices": ["deploy", *STEPS, BACK], "default": "deploy"},
            "action": {"type": "str"},
            "event": {"type": "str", "choices": list(EVENTS[1:-1]), "default": "note"},
            "subject": {"type": "str", "default": ""},
            "detail": {"type": "dict", "default": {}},
            "undo": {"type": "dict", "default": {}},
            "result": {"type": "str", "choices": RESULTS},
            "compatible": {"type": "bool", "default": False},
        },
        required_if=[("state", "record", ["deploy_id"]), ("state", "end", ["deploy_id", "result"])],
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    said = _login.warning(module.run_command) if module.params["state"] == "begin" else ""
    if said:
        module.warn(said)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
