# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journal records and what they mean for an undo. Pure; target; PRIVATE to the collection.

The journal is append-only, one JSON object a line. Everything irreversible has an `intent` record,
on disk before the thing is done, and a `done` or `failed` record after it. An intent without either
may or may not have happened: its undo must be harmless in both cases.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _contract
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

VERSION = 1

#: The checklist, in the order in which a maintenance deploy does it.
STEPS = ("stop", "backup", "pull", "install", "migrate", "collectstatic", "start", "verify")

#: What is done to undo a deploy, recorded among its own records: never progress of it, and never to be undone itself.
BACK = "back"

#: What a record tells: `begin` and `end` frame a deploy, the others tell of one action in it.
EVENTS = ("begin", "intent", "done", "failed", "undone", "left", "note", "end")

#: Events that take an action out of what is to be undone: it was, or it stays as it is for a reason.
SETTLED = ("undone", "left")

#: Parts of key names that never belong into a journal.
SECRET_WORDS = ("password", "passwd", "secret", "token", "private_key", "database_url", "login_url", "environment")


@dataclasses.dataclass(frozen=True)
class JournalRecord:
    """One line of the journal.

    deploy_id: of the deploy (or rollback) it belongs to.
    at: UTC, ISO 8601 with seconds.
    host: the target's own name.
    step: one of STEPS, "deploy" for begin and end, or BACK.
    action: what is done, dotted, such as "service.switch".
    event: one of EVENTS.
    subject: the object acted on (a service, a database, a release), part of the action's identity.
    detail: facts for people and reports.
    undo: arguments with which the action is undone; empty when there is nothing to undo.
    """

    deploy_id: str
    at: str
    host: str
    step: str
    action: str
    event: str
    subject: str = ""
    detail: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    undo: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.step, self.action, self.subject)

    def to_json(self) -> dict[str, t.Any]:
        return _contract.to_json(self, VERSION)

    @classmethod
    def from_json(cls, data: object) -> JournalRecord:
        return _contract.from_json(cls, data, VERSION, "a journal record")


@dataclasses.dataclass(frozen=True)
class Undo:
    """One action to undo. `certain` is false when only its intent is on record."""

    step: str
    action: str
    subject: str
    undo: dict[str, t.Any]
    certain: bool


def check_record(record: JournalRecord) -> None:
    """Refuse a record that does not fit the contract or would write a secret down. Raises DeployError."""
    if record.event not in EVENTS:
        raise DeployError(f"journal event {record.event!r} is unknown; known: {', '.join(EVENTS)}")
    if record.step not in ("deploy", *STEPS, BACK):
        raise DeployError(f"journal step {record.step!r} is unknown; known: deploy, {', '.join(STEPS)}, {BACK}")
    for name in _names({"detail": record.detail, "undo": record.undo}):
        if any(word in name.lower() for word in SECRET_WORDS):
            raise DeployError(f"the journal takes no secrets, and {name!r} in {record.action!r} is named like one")


def _names(value: object) -> t.Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _names(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _names(inner)


def of_deploy(records: t.Iterable[JournalRecord], deploy_id: str) -> list[JournalRecord]:
    return [record for record in records if record.deploy_id == deploy_id]


def forward(records: t.Iterable[JournalRecord], deploy_id: str) -> list[JournalRecord]:
    """The records of a deploy without those of its way back."""
    return [record for record in of_deploy(records, deploy_id) if record.step != BACK]


def last_deploy(records: t.Sequence[JournalRecord]) -> str:
    """The id of the deploy that began last, or "" for an empty journal."""
    for record in reversed(records):
        if record.event == "begin":
            return record.deploy_id
    return ""


def unfinished(records: t.Iterable[JournalRecord]) -> list[str]:
    """Ids of the deploys that began and never ended, oldest first."""
    open_ids: list[str] = []
    for record in records:
        if record.event == "begin" and record.deploy_id not in open_ids:
            open_ids.append(record.deploy_id)
        elif record.event == "end" and record.deploy_id in open_ids:
            open_ids.remove(record.deploy_id)
    return open_ids


def begun_and_open(records: t.Iterable[JournalRecord], deploy_id: str) -> bool:
    return deploy_id in unfinished(of_deploy(records, deploy_id))


def ending(records: t.Iterable[JournalRecord], deploy_id: str) -> str:
    """How a deploy ended, or "" when it did not (yet)."""
    result = ""
    for record in of_deploy(records, deploy_id):
        if record.event == "begin":
            result = ""
        elif record.event == "end":
            result = str(record.detail.get("result") or "ended")
    return result


def undo_plan(records: t.Iterable[JournalRecord], deploy_id: str) -> list[Undo]:
    """What of a deploy must be undone, newest action first.

    An action that failed counts as perhaps done: a failing command may have left half of its effect.
    """
    pending: dict[tuple[str, str, str], Undo] = {}
    for record in forward(records, deploy_id):
        if record.event in ("intent", "done", "failed"):
            known = pending.pop(record.key, None)
            undo = record.undo or (known.undo if known else {})
            if undo:
                pending[record.key] = Undo(record.step, record.action, record.subject, undo, record.event == "done")
        elif record.event in SETTLED:
            pending.pop(record.key, None)
    return list(reversed(list(pending.values())))


def was_done(records: t.Iterable[JournalRecord], deploy_id: str, action: str) -> bool:
    """Whether an action of a deploy was completed and not undone since."""
    done = False
    for record in forward(records, deploy_id):
        if record.action == action and record.event in ("done", "undone"):
            done = record.event == "done"
    return done
