# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deploy that never ended: what its records say on one host, and what is done with it on all. Pure; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _contract, _journal, _recovery

VERSION = 1

Records = t.Sequence[_journal.JournalRecord]


#: Kinds that take a release through the checklist. A recovery does when it finishes a deploy, and may be cut off as well.
DEPLOYING = ("deploy", "recovery")


@dataclasses.dataclass(frozen=True)
class HostFacts:
    """What one host's journal says of one deploy.

    kind: deploy, or another undertaking with a journal (rollback, adoption). ended: its result here, "" while it has none.
    wanted: the version asked for. release: the one in hand, previous: the one that was live before; "" when not told.
    complete: that release is installed here, or all of an adoption is done. stopped: units of the old one were stopped for the migration.
    switched: how many web units stand behind their entrances: none, some or all. activated: the release is the live one.
    going_back: its way back has begun. failed: an action of it failed. last: the last thing told of it, for people.
    database: DatabaseFacts as a dict. running: what of it still runs, for people.
    """

    host: str
    deploy_id: str
    kind: str = "deploy"
    who: str = ""
    origin: str = ""
    began: str = ""
    ended: str = ""
    strategy: str = ""
    wanted: str = ""
    release: str = ""
    previous: str = ""
    complete: bool = False
    stopped: bool = False
    switched: str = "none"
    activated: bool = False
    going_back: bool = False
    failed: bool = False
    last: str = ""
    undo_steps: list[str] = dataclasses.field(default_factory=list)
    database: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    running: list[str] = dataclasses.field(default_factory=list)

    def to_json(self) -> dict[str, t.Any]:
        return _contract.to_json(self, VERSION)

    @classmethod
    def from_json(cls, data: object) -> HostFacts:
        return _contract.from_json(cls, data, VERSION, "the facts of an unfinished deploy")

    def database_facts(self) -> _recovery.DatabaseFacts:
        known = {field.name for field in dataclasses.fields(_recovery.DatabaseFacts)}
        found = {name: value for name, value in self.database.items() if name in known}
        names = {name: tuple(found.get(name, ())) for name in ("applied", "undoable")}
        return _recovery.DatabaseFacts(**{**found, **names})


def host_facts(records: Records, deploy_id: str, running: t.Sequence[str] = ()) -> HostFacts:
    """The facts of one deploy on this host, from its records in order."""
    told = _journal.of_deploy(records, deploy_id)
    own = _journal.forward(told, deploy_id)
    opening: dict[str, t.Any] = next((record.detail for record in own if record.event == "begin"), {})
    acts = [record for record in own if record.step != "deploy"]
    undo = _journal.undo_plan(own, deploy_id)
    steps = sorted({entry.step for entry in undo}, key=_journal.STEPS.index)
    release, previous = _releases(acts)
    last = next((record for record in reversed(told) if record.step != "deploy"), None)
    return HostFacts(
        host=own[0].host if own else "",
        deploy_id=deploy_id,
        kind=str(opening.get("kind") or "deploy"),
        who=str(opening.get("who") or ""),
        origin=str(opening.get("origin") or ""),
        began=next((record.at for record in own if record.event == "begin"), ""),
        ended=_journal.ending(own, deploy_id),
        strategy=str(opening.get("strategy") or ""),
        wanted=str(opening.get("version") or ""),
        release=release,
        previous=previous,
        complete=any(_stands(own, deploy_id, action) for action in ("release.install", "release.prepare", *ADOPTED))
        or any(record.detail.get("complete") for record in acts if record.action == CHOSEN),
        stopped="stop" in steps,
        switched=_switched(own, deploy_id),
        activated=_stands(own, deploy_id, "release.activate"),
        going_back=any(_goes_back(record) for record in told),
        failed=any(record.event == "failed" for record in own),
        last=f"{last.action} {last.event}" if last else "",
        undo_steps=steps,
        database=dataclasses.asdict(_recovery.facts(told, deploy_id)),
        running=list(running),
    )


#: Results with which a host has the new release.
DONE = ("succeeded", "unchanged")

#: With these an adoption has come to its end. Before, requests still reach the old installation past every entrance.
ADOPTED = ("adoption.activate", "adoption.let_go")

ADOPTED_HALF = (
    "The adoption was cut off half way, and the old installation serves. Run adopt.yml again, which goes on from there, "
    "or take back what was begun with adopt.yml -e adopt_state=absent."
)

#: The note of which release a deploy has in hand: one that is there already is neither pulled nor installed.
CHOSEN = "release.chosen"


def _goes_back(record: _journal.JournalRecord) -> bool:
    """A fence that is opened is recorded as undone in every deploy that stops: that alone is no way back."""
    if record.step == _journal.BACK or record.action == _recovery.RESTORE:
        return True
    return record.event in _journal.SETTLED and record.action != _recovery.FENCE


def _stands(records: Records, deploy_id: str, action: str) -> bool:
    return _journal.was_done(records, deploy_id, action)


def _releases(acts: Records) -> tuple[str, str]:
    """The release in hand and the one before, as far as they are told."""
    release = previous = ""
    for record in acts:
        if record.action in ("release.pull", "release.prepare", "release.install", "release.activate", CHOSEN):
            release = record.subject or release
        if record.action == CHOSEN:
            previous = str(record.detail.get("previous") or previous)
        if record.action == "release.activate":
            previous = str(record.undo.get("release") or previous)
    return release, previous


def _switched(records: Records, deploy_id: str) -> str:
    """How many of the units that were started to serve stand behind their entrances."""
    defined: set[str] = set()
    state: dict[str, set[str]] = {"service.start": set(), "service.switch": set()}
    web: set[str] = set()
    for record in records:
        if record.action == "service.define" and record.event in ("intent", "done"):
            defined |= set(record.undo.get("units", ()))
        if record.action not in state or record.step != "start":
            continue
        if record.event == "done":
            state[record.action].add(record.subject)
        elif record.event in ("intent", "undone"):
            state[record.action].discard(record.subject)
        if record.detail.get("socket"):
            web.add(record.subject)
    started, switched = state["service.start"], state["service.switch"]
    if not switched:
        return "none"
    return "all" if web <= switched and defined <= started else "some"


@dataclasses.dataclass(frozen=True)
class Decision:
    """action: close, backwards, forwards or ask (a person must choose)."""

    action: str
    sentence: str


def decide_deploy(hosts: t.Sequence[HostFacts], compatible: bool = False) -> Decision:
    """What is done with one unfinished deploy of a fleet: the first row that fits.

    Forwards and backwards lose nothing where they are chosen. `compatible` is the user's word that the old release works
    with the migrated database; it makes going back possible, and what goes forwards still goes forwards.
    """
    database = database_of(hosts)
    running = [f"{what} on {facts.host}" for facts in hosts for what in facts.running]
    ends = {facts.ended for facts in hosts} - {""}
    pending = any(facts.undo_steps for facts in hosts if not facts.ended) or database.fenced
    going_back = any(facts.going_back for facts in hosts) or bool(ends & {"rolled_back", "failed", "refused"})
    live = bool(hosts) and all(facts.activated or facts.ended in DONE for facts in hosts)
    if running:
        return Decision("ask", f"It still runs: {', '.join(running)}. Wait for it, then run this again.")
    if any(_adopted_half(facts) for facts in hosts):
        return Decision("ask", ADOPTED_HALF)
    if not pending and not (database.touched and not going_back and not live):
        return Decision("close", "It left nothing that has to be undone or finished, and is closed.")
    if any(facts.kind not in DEPLOYING for facts in hosts):
        return _other_kind(hosts, live)
    if going_back:
        return Decision("backwards", f"It was being undone, and that is finished. {_of_database(database, compatible)}")
    if live:
        return Decision("forwards", "Its release is the live one everywhere already, and only the end is missing.")
    return _by_database(hosts, database, compatible)


def _adopted_half(facts: HostFacts) -> bool:
    return facts.kind == "adoption" and bool(facts.last) and not facts.ended and not facts.complete


def database_of(hosts: t.Iterable[HostFacts]) -> _recovery.DatabaseFacts:
    """The database's facts: those of the one host whose journal has any."""
    untouched = _recovery.DatabaseFacts()
    return next((found for found in (facts.database_facts() for facts in hosts) if found != untouched), untouched)


def _other_kind(hosts: t.Sequence[HostFacts], live: bool) -> Decision:
    kind = next(facts.kind for facts in hosts if facts.kind not in DEPLOYING)
    if live:
        return Decision("close", f"The {kind} had reached its release everywhere, and is closed.")
    return Decision("backwards", f"The {kind} was cut off. What was live before it is put back; begin it again then.")


def _by_database(hosts: t.Sequence[HostFacts], database: _recovery.DatabaseFacts, compatible: bool) -> Decision:
    if not database.touched:
        serves = all(facts.switched == "all" or facts.activated or facts.ended in DONE for facts in hosts)
        if any(facts.ended in DONE for facts in hosts) or (serves and not database.fenced):
            return Decision("forwards", "Its release serves everywhere already. It is finished.")
        return Decision("backwards", f"{_of_database(database, compatible)} The old release goes on.")
    if database.fenced and (database.copy or (database.undoable and not database.opened)):
        return Decision("backwards", _of_database(database, compatible))
    without = [facts.host for facts in hosts if not facts.release and not facts.ended]
    if without and compatible:
        return Decision("backwards", _of_database(database, compatible))
    if without:
        return Decision(
            "ask",
            f"{_recovery.what(database)} Going back could lose what was written since, and {', '.join(without)} "
            f"never had its release, so that it cannot be finished. {_recovery.choices()}",
        )
    if database.left_behind:
        recovery = _recovery.decide(database, compatible)
        return Decision("ask" if recovery.action == "ask" else "backwards", recovery.sentence)
    return Decision(
        "forwards",
        f"{_recovery.what(database)} Going back could lose what was written since, so it is finished; that loses nothing.",
    )


def _of_database(database: _recovery.DatabaseFacts, compatible: bool) -> str:
    return _recovery.decide(database, compatible).sentence
