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
      - V(end) closes it and gives the lock back.
      - V(read) tells what the journal says, and changes nothing.
    type: str
    choices: [begin, record, end, read]
    default: read
  deploy_id:
    description:
      - Which deploy. Required for V(record) and V(end); V(read) takes the last one that began when it is not given.
      - V(begin) makes one when it is not given.
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
  take_over:
    description:
      - Id of a deploy whose lock V(begin) takes over. Give it only when that deploy is certainly no longer running.
      - The takeover is recorded in the journal of both deploys.
    type: str
  step:
    description: The word of the checklist that a record belongs to.
    type: str
    choices: [deploy, stop, backup, pull, install, migrate, collectstatic, start, verify]
    default: deploy
  action:
    description:
      - What is done, dotted, such as V(service.switch). Required for V(record).
      - With O(event=undone) it may be left out. Then everything of O(step) that is still to be undone is recorded as undone.
    type: str
  event:
    description: What the record tells of the action.
    type: str
    choices: [intent, done, failed, undone, note]
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
    choices: [succeeded, unchanged, rolled_back, failed]
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
holder:
  description: Who holds the lock now, empty when nobody does.
  type: dict
  returned: always
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
recovery:
  description:
    - What becomes of the database when this deploy is undone. C(action) is leave, open, restore, restore_if_unchanged or ask,
      C(sentence) gives the reason, C(applied) the migrations that stand applied.
  type: dict
  returned: always
records:
  description: The records of this deploy.
  type: list
  elements: dict
  returned: when O(state=read)
deploys:
  description: The last twenty deploys, newest first, each with id, who, began, ended, result and its details.
  type: list
  elements: dict
  returned: when O(state=read)
"""

import os
import time
import typing as t
import uuid

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _journal, _recovery
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._lock import Holder, Lock, boot_id


def new_id(now: str) -> str:
    return now.replace("-", "").replace(":", "").rstrip("Z") + "-" + uuid.uuid4().hex[:4]


def take(lock: Lock, holder: Holder, params: dict[str, t.Any]) -> str:
    """The id of the deploy whose lock was taken over, usually none. Raises DeployError when the lock is held."""
    deadline = time.monotonic() + params["wait"]
    taken_over = ""
    while True:
        found = lock.take(holder)
        if found is None:
            return taken_over
        if params["take_over"] == found.deploy_id:
            lock.release(found.deploy_id)
            taken_over = found.deploy_id
        elif time.monotonic() >= deadline:
            raise DeployError(
                f"another deploy is under way: {found.sentence()}. Wait for it (deploy_lock_wait gives seconds), or, when it "
                f"is certainly gone, take it back first with rollback.yml -e rollback_take_over={found.deploy_id}",
                holder=found.to_json(),
            )
        else:
            time.sleep(1)


def begin(journal: Journal, lock: Lock, params: dict[str, t.Any], check_mode: bool) -> str:
    now = utc_now()
    deploy_id = params["deploy_id"] or new_id(now)
    if check_mode:
        return deploy_id
    try:
        os.makedirs(os.path.dirname(journal.path), mode=0o755, exist_ok=True)
    except OSError as exc:
        raise DeployError(f"path: the journal's directory cannot be made: {exc.strerror} ({exc.filename})") from exc
    taken_over = take(lock, Holder(deploy_id, params["who"], params["origin"], now, boot_id()), params)
    if taken_over:
        journal.append(taken_over, "deploy", "lock", "note", detail={"taken over by": deploy_id})
    opening = {"who": params["who"], "origin": params["origin"], **params["detail"]}
    journal.append(deploy_id, "deploy", "deploy", "begin", detail=opening)
    return deploy_id


def record(journal: Journal, params: dict[str, t.Any]) -> None:
    if params["event"] == "undone" and not params["action"]:
        for entry in _journal.undo_plan(journal.read(), params["deploy_id"]):
            if entry.step == params["step"]:
                journal.append(params["deploy_id"], entry.step, entry.action, "undone", entry.subject)
        return
    if not params["action"]:
        raise DeployError("action is required for state=record; only event=undone may leave it out")
    names = ("step", "action", "event", "subject", "detail", "undo")
    journal.append(params["deploy_id"], *(params[name] for name in names))


def end(journal: Journal, lock: Lock, params: dict[str, t.Any]) -> None:
    journal.append(
        params["deploy_id"], "deploy", "deploy", "end", detail={"result": params["result"], **params["detail"]}
    )
    lock.release(params["deploy_id"])


def summaries(records: list[_journal.JournalRecord]) -> list[dict[str, t.Any]]:
    found: dict[str, dict[str, t.Any]] = {}
    for record in records:
        if record.event == "begin":
            found[record.deploy_id] = {"deploy_id": record.deploy_id, "began": record.at, "result": "unfinished", **record.detail}
        elif record.event == "end" and record.deploy_id in found:
            found[record.deploy_id].update({"ended": record.at, **record.detail})
    return list(found.values())[:-21:-1]


def report(journal: Journal, lock: Lock, deploy_id: str, params: dict[str, t.Any]) -> dict[str, t.Any]:
    state = params["state"]
    records = journal.read()
    chosen = deploy_id or _journal.last_deploy(records)
    holder = lock.holder()
    undo = [vars(entry) for entry in _journal.undo_plan(records, chosen)]
    found = _recovery.facts(records, chosen)
    recovery = _recovery.decide(found, params["compatible"])
    result: dict[str, t.Any] = {
        "changed": False,
        "deploy_id": chosen,
        "holder": holder.to_json() if holder else {},
        "unfinished": [name for name in _journal.unfinished(records) if state == "read" or name != chosen],
        "undo": undo,
        "recovery": {"action": recovery.action, "sentence": recovery.sentence, "applied": list(found.applied)},
        "undo_steps": sorted({entry["step"] for entry in undo}, key=_journal.STEPS.index),
    }
    if state == "read":
        result["records"] = [record.to_json() for record in _journal.of_deploy(records, chosen)]
        result["deploys"] = summaries(records)
    return result


def run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Return values of the module. Raises DeployError."""
    journal = Journal(params["path"])
    lock = Lock(os.path.join(os.path.dirname(params["path"]), "lock"))
    deploy_id = params["deploy_id"] or ""
    if params["state"] == "begin":
        deploy_id = begin(journal, lock, params, check_mode)
    elif params["state"] == "record" and not check_mode:
        record(journal, params)
    elif params["state"] == "end" and not check_mode:
        end(journal, lock, params)
    return report(journal, lock, deploy_id, params)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["begin", "record", "end", "read"], "default": "read"},
            "deploy_id": {"type": "str"},
            "who": {"type": "str", "default": "unknown"},
            "origin": {"type": "str", "default": "unknown"},
            "wait": {"type": "int", "default": 0},
            "take_over": {"type": "str"},
            "step": {"type": "str", "choices": ["deploy", *_journal.STEPS], "default": "deploy"},
            "action": {"type": "str"},
            "event": {"type": "str", "choices": ["intent", "done", "failed", "undone", "note"], "default": "note"},
            "subject": {"type": "str", "default": ""},
            "detail": {"type": "dict", "default": {}},
            "undo": {"type": "dict", "default": {}},
            "result": {"type": "str", "choices": ["succeeded", "unchanged", "rolled_back", "failed"]},
            "compatible": {"type": "bool", "default": False},
        },
        required_if=[("state", "record", ["deploy_id"]), ("state", "end", ["deploy_id", "result"])],
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
