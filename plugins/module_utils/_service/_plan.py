# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of service consists of: facts in, actions out. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import UNIT_CLASSES, Unit, UnitStatus

STATES = ("started", "stopped", "restarted", "reloaded", "handed_over", "absent")
#: Started where nothing else runs in its place, and not waited for: a later handover does that.
BEGUN = "begun"

#: What an action does; those of the unit itself, and those of the one it replaces.
START, READY, STOP, DRAIN, RELOAD, SWITCH, VERIFY, FORGET, UNLINK = (
    "start",
    "ready",
    "stop",
    "drain",
    "reload",
    "switch",
    "verify",
    "forget",
    "unlink",
)
CHANGING = (START, STOP, RELOAD, SWITCH, FORGET, UNLINK)


@dataclasses.dataclass(frozen=True)
class Request:
    """What a play asks for. beside: two releases may run side by side behind the entrance."""

    state: str
    unit: Unit
    previous: t.Optional[Unit] = None
    keep_previous: bool = False
    beside: bool = True
    ready_timeout: float = 60.0
    drain_timeout: float = 30.0
    stop_timeout: float = 30.0


@dataclasses.dataclass(frozen=True)
class Observed:
    """What was found: both units, whether the entrance leads to the unit, whether its definition is there."""

    unit: UnitStatus
    previous: t.Optional[UnitStatus] = None
    behind: bool = False
    previous_behind: bool = False
    has_definition: bool = False


@dataclasses.dataclass(frozen=True)
class Action:
    """One step, done to one unit."""

    kind: str
    unit: Unit

    def __str__(self) -> str:
        return _WORDS[self.kind].format(unit=self.unit)


_WORDS = {
    START: "start {unit.name}",
    READY: "wait until {unit.name} is ready",
    STOP: "stop {unit.name}",
    DRAIN: "drain {unit.socket}",
    RELOAD: "reload {unit.name}",
    SWITCH: "let {unit.entrance} lead to {unit.socket}",
    VERIFY: "ask {unit.name} through {unit.entrance}",
    FORGET: "remove {unit.name} from the service manager",
    UNLINK: "remove {unit.entrance}",
}


def check(request: Request) -> None:
    """Refuse what makes no sense. Raises DeployError."""
    unit, previous = request.unit, request.previous
    web = unit.unit_class == "web"
    if unit.unit_class not in UNIT_CLASSES:
        raise DeployError(f"unit_class {unit.unit_class!r} is unknown; known: {', '.join(UNIT_CLASSES)}")
    if web and not unit.socket and request.state in ("started", "restarted", "reloaded", "handed_over"):
        raise DeployError(
            f"socket is required for state={request.state} of a web unit: it is asked there whether it is ready"
        )
    if web and request.state == "handed_over" and not unit.entrance:
        raise DeployError("entrance is required for state=handed_over of a web unit: it is the link that is switched")
    if web and request.beside and previous and unit.socket and previous.socket == unit.socket:
        raise DeployError(
            f"socket {unit.socket} is also the socket of previous {previous.name}: both run side by side for a moment, "
            "give each release a socket of its own"
        )
    if request.keep_previous and unit.unit_class == "singleton":
        raise DeployError("keep_previous is refused for a singleton: never two of it run at once")


def plan(request: Request, seen: Observed) -> list[Action]:
    """The actions that bring about what is asked, in order; waiting for readiness alone is no change."""
    unit, status = request.unit, seen.unit
    start = [] if status.running and status.starts_at_boot else [Action(START, unit)]
    up = status.running or status.starts_at_boot
    drain = [Action(DRAIN, unit)] if unit.socket and status.running and not seen.behind else []
    if request.state == BEGUN:
        return [] if seen.previous and _is_up(seen.previous) else start
    if request.state == "started":
        return [*start, Action(READY, unit)]
    if request.state == "stopped":
        return [*drain, Action(STOP, unit)] if up else []
    if request.state == "restarted":
        return [*([Action(STOP, unit)] if up else []), Action(START, unit), Action(READY, unit)]
    if request.state == "reloaded":
        if not status.running:
            raise DeployError(f"{unit.name} cannot be reloaded, it does not run ({status.detail}); use state=started")
        return [Action(RELOAD, unit), Action(READY, unit)]
    if request.state == "absent":
        stop = [*drain, Action(STOP, unit)] if up else []
        forget = [Action(FORGET, unit)] if status.known or seen.has_definition else []
        unlink = [Action(UNLINK, unit)] if seen.behind else []
        return [*unlink, *stop, *forget]
    return _hand_over(request, seen, start)


def _hand_over(request: Request, seen: Observed, start: list[Action]) -> list[Action]:
    unit, previous = request.unit, request.previous
    if unit.unit_class == "web" and not request.beside:
        # The entrance keeps requests waiting meanwhile, and it wakes the one it leads to: so it is switched first.
        old = [Action(STOP, previous)] if previous and seen.previous and _is_up(seen.previous) else []
        return [*([] if seen.behind else [Action(SWITCH, unit)]), *old, *start, Action(READY, unit)]
    leaving = previous if previous and seen.previous and _is_up(seen.previous) and not request.keep_previous else None
    stop = [Action(STOP, leaving)] if leaving else []
    if unit.unit_class != "web":
        # The old one ends first: of a singleton never two run, and two workers of two releases share one queue.
        return [*stop, *start, Action(READY, unit)]
    switch = [] if seen.behind else [Action(SWITCH, unit), Action(VERIFY, unit)]
    drain = [Action(DRAIN, leaving)] if leaving and leaving.socket and seen.previous and seen.previous.running else []
    return [*start, Action(READY, unit), *switch, *drain, *stop]


def _is_up(status: UnitStatus) -> bool:
    return status.running or status.starts_at_boot


def is_change(actions: t.Iterable[Action]) -> bool:
    return any(action.kind in CHANGING for action in actions)


def describe(request: Request, seen: Observed, actions: t.Iterable[Action]) -> tuple[dict[str, str], dict[str, str]]:
    """What stands before and after, per unit and for the entrance: what check mode and diff mode show."""
    before = {request.unit.name: _word(seen.unit)}
    if request.previous and seen.previous:
        before[request.previous.name] = _word(seen.previous)
    if request.unit.entrance:
        before["entrance"] = request.unit.name if seen.behind else "elsewhere"
        if seen.previous_behind and request.previous:
            before["entrance"] = request.previous.name
    after = dict(before)
    for action in actions:
        name = action.unit.name
        if action.kind == START:
            after[name] = "running"
        elif action.kind == STOP:
            after[name] = "stopped"
        elif action.kind == FORGET:
            after[name] = "absent"
        elif action.kind == SWITCH:
            after["entrance"] = name
        elif action.kind == UNLINK:
            after["entrance"] = "elsewhere"
    return before, after


def _word(status: UnitStatus) -> str:
    if status.running:
        return "running"
    return "stopped" if status.known else "absent"
