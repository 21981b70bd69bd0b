# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a release together: which is changed when, and with what options. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import UNIT_CLASSES
from ansible_collections.seamless.deploy.plugins.module_utils._service._plan import BEGUN

Record = t.Dict[str, t.Any]
Result = t.Dict[str, t.Any]

STATES = ("handed_over", "stopped", "absent")
#: Who hands out work ends before who does it: so nothing is handed out that nobody takes.
ENDING = ("web", "singleton", "worker")
#: The kind of entrance behind which no two releases run at once: such a unit is started when it is switched to.
ONE_AT_A_TIME = "activation"
#: What a record says of its own, and what of it goes for all units alike unless it does.
OWN = ("unit_class", "previous", "previous_socket", "socket", "entrance", "directory", "interpreter", "definition")
HEALTH = ("health_path", "health_status", "health_host")
EMPTY = {**dict.fromkeys(OWN), "unit_class": "web"}


@dataclasses.dataclass(frozen=True)
class Change:
    """One unit brought to one state. leaving: it belongs to the release that goes."""

    record: Record
    state: str
    keep_previous: bool = False
    leaving: bool = False

    @property
    def name(self) -> str:
        return str(self.record["name"])


def check(units: t.Sequence[Record], option: str) -> None:
    """Refuse records that name no unit. Raises DeployError."""
    names = [str(record.get("name") or "") for record in units]
    for number, (name, record) in enumerate(zip(names, units), 1):
        if not name:
            raise DeployError(f"{option}: entry {number} has no name; give the unit's name in the service manager")
        if names.count(name) > 1:
            raise DeployError(f"{option} has {name} twice; every unit is named once")
        unit_class = record.get("unit_class") or "web"
        if unit_class not in UNIT_CLASSES:
            raise DeployError(
                f"{option}: unit_class of {name} is {unit_class!r}, which is unknown; known: {', '.join(UNIT_CLASSES)}"
            )
        status = record.get("health_status") or 200
        if not str(status).isdigit():
            raise DeployError(f"{option}: health_status of {name} is {status!r}; give a number such as 200")


def changes(state: str, units: t.Sequence[Record], leaving: t.Sequence[Record], at_once: bool = False) -> list[Change]:
    """What is done to which unit, in order. at_once: what has no entrance comes up beside the web units, where nothing has its place."""
    if state != "handed_over":
        return [Change(record, state) for record in _ending(units)]
    web = [record for record in units if _class(record) == "web"]
    others = [record for record in units if _class(record) != "web"]
    if not leaving:
        return [
            *(Change(record, BEGUN) for record in others if at_once),
            *(Change(record, "started") for record in web if record.get("entrance_kind") != ONE_AT_A_TIME),
            *(Change(record, "handed_over") for record in others),
            *(Change(record, "handed_over", keep_previous=True) for record in web),
        ]
    # The way back: requests are served first, and two schedulers never run at once.
    return [
        *(Change(_instead(record, leaving), "handed_over", keep_previous=True) for record in web),
        *(Change(record, "absent", leaving=True) for record in _ending(leaving)),
        # What they replace has ended by then, and the service manager may not have noticed yet.
        *(Change({**record, "previous": ""}, "handed_over") for record in others),
    ]


def _class(record: Record) -> str:
    return str(record.get("unit_class") or "web")


def _ending(units: t.Sequence[Record]) -> list[Record]:
    return sorted(units, key=lambda record: ENDING.index(_class(record)))


def _instead(record: Record, leaving: t.Sequence[Record]) -> Record:
    """The record with the unit that it replaces now, whatever it replaced once."""
    other = next((one for one in leaving if one.get("unit") and one.get("unit") == record.get("unit")), {})
    return {**record, "previous": other.get("name"), "previous_socket": other.get("socket")}


def goes_on(state: str, leaving: t.Sequence[Record]) -> bool:
    """Whether the units after a failed one are still done: what goes must go, and a way back goes as far as it can."""
    return state == "absent" or bool(leaving)


def held_back(change: Change, failed: t.Sequence[Change]) -> str:
    """Why a unit must not be started after these failures, or ""."""
    if change.leaving or _class(change.record) != "singleton":
        return ""
    rival = next((one for one in failed if one.leaving and one.record.get("unit") == change.record.get("unit")), None)
    if not rival:
        return ""
    return f"{change.name} was not started: {rival.name} did not end, and of a singleton never two run at once"


def options(change: Change, common: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of service_restart for one change; `common` are those for all units."""
    own = {name: change.record[name] for name in OWN if change.record.get(name) not in (None, "")}
    fixed = {"name": change.name, "state": change.state, "keep_previous": change.keep_previous}
    return {**change.record, **asked(change.record, common), **EMPTY, **own, **fixed}


def asked(record: Record, common: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options for all, with what a unit says of its own health request."""
    own = {name: record[name] for name in HEALTH if record.get(name) not in (None, "")}
    if "health_status" in own:
        own["health_status"] = int(own["health_status"])
    return {**common, **own}


def kept(record: Record) -> str:
    """Where the release keeps the definition of a unit for a way back, "" when that cannot be told."""
    source = str(record.get("source") or "")
    directory, definition = str(record.get("directory") or ""), str(record.get("definition") or "")
    if source or not directory or not definition:
        return source
    return os.path.join(directory, ".units", os.path.basename(definition))


def merge(first: t.Optional[Result], then: Result) -> Result:
    """One result of two changes of the same unit: it was started, and later switched to."""
    if not first:
        return then
    measured = {name: first["measured"][name] if value is None else value for name, value in then["measured"].items()}
    if first["measured"]["ready_seconds"] is not None:
        measured["ready_seconds"] = first["measured"]["ready_seconds"]
    return {
        **then,
        "changed": first["changed"] or then["changed"],
        "actions": list(dict.fromkeys([*first["actions"], *then["actions"]])),
        "measured": measured,
        "diff": {
            "before": {**then["diff"]["before"], **first["diff"]["before"]},
            "after": {**first["diff"]["after"], **then["diff"]["after"]},
        },
    }
