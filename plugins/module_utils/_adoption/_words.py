# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of an adoption in sentences. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _unit
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._plan import Adoption, Wishes

_LEVELS = {"stop": "Stops:  ", "warning": "Look at:", "note": "Note:   "}


def lines(found: Installation, decided: Adoption, wishes: Wishes, release: str, names: t.Sequence[str]) -> list[str]:
    """What was found, what is in the way, what will be done, and what it costs."""
    told = [*_found(found, decided, names), *_findings(decided)]
    if decided.way == "refused":
        return [*told, "Nothing is changed: see to what stands behind 'Stops', then look again."]
    return [*told, *_steps(found, decided, wishes, release), *_costs(decided, wishes)]


def _found(found: Installation, decided: Adoption, names: t.Sequence[str]) -> list[str]:
    git = found.checkout.git
    commit = f", {git.branch or 'no branch'} at {git.commit[:7]}" if git else ""
    result = [
        f"Found:   {found.unit.name}, runs as {found.unit.user}: {_unit.masked(found.unit.command)}",
        f"         in {found.checkout.path}{commit}, listens on {', '.join(map(str, found.places))}",
    ]
    if found.checkout.venv:
        result.append(f"         virtual environment {found.checkout.venv}")
    for unit in found.others:
        record = next((each for each in decided.records if each["name"] == unit.name), {})
        result.append(
            f"         {unit.name} ({record.get('unit_class', unit.unit_class)}), as unit {record.get('unit', '?')}"
        )
    if names:
        result.append(f"         variables of the environment, values not shown: {', '.join(names)}")
    return result


def _findings(decided: Adoption) -> list[str]:
    order = ("stop", "warning", "note")
    return [f"{_LEVELS[level]} {each}" for level in order for each in decided.findings if each.level == level]


def _steps(found: Installation, decided: Adoption, wishes: Wishes, release: str) -> list[str]:
    entrance = wishes.names.entrance
    steps = [
        f"{found.checkout.path} becomes release {release}: a directory of links to it, the first one to go back to"
    ]
    if decided.way == "stop":
        first = decided.records[0]
        steps.append(f"a second instance of {found.unit.name} runs as {first['name']} on {first['socket']}")
    if decided.proxied:
        steps.append(f"{decided.records[0]['name']} leads {decided.records[0]['socket']} to {decided.place.connect}")
    steps.append(f"the entrance {entrance} leads to {decided.records[0]['socket']}")
    for path, kept in decided.shared.items():
        steps.append(f"{kept} becomes shared path {path}, and stays reachable under both names")
    if decided.static:
        steps.append(f"static files are copied from {decided.static} to {wishes.names.root}/static")
    for edit in decided.edits:
        steps.append(f"{edit.file}:{edit.line}: '{edit.before}' becomes '{edit.after}'")
    if decided.way == "stop":
        steps.append(
            f"{found.unit.name} is stopped and disabled; systemd listens on {decided.place} and leads it to the entrance"
        )
    else:
        steps.append("nginx tests its configuration and reloads; what it refuses is put back")
    return [f"{'Then:   ' if not number else '        '} {step}" for number, step in enumerate(steps)]


def _costs(decided: Adoption, wishes: Wishes) -> list[str]:
    if decided.way == "stop":
        return [
            f"STOPS:   for about {wishes.stop_seconds:.1f} s nobody listens on {decided.place}; until then two instances are in memory",
            "Back:    the same playbook with -e adopt_state=absent, until the first deploy, with such a stop; rollback.yml after it",
        ]
    result = [
        "Costs:   no stop and no failed request. nginx also takes up whatever else was edited in its files since its last reload"
    ]
    if decided.proxied:
        result.append(
            "         until the first deploy requests pass one more process, a few MB of memory and about 0.1 ms each"
        )
    result.append(
        "Back:    the same playbook with -e adopt_state=absent, until the first deploy; rollback.yml after it"
    )
    return result


def inventory(decided: Adoption, missing: t.Sequence[str], different: t.Sequence[str]) -> list[str]:
    """The variables to write into the inventory, as YAML, and what of the environment it lacks: names, no values."""
    result = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in decided.variables.items()]
    if missing:
        result.append("deploy_environment:  # values are on the host; put them into your vault")
        result += [f'  {name}: "{{{{ vault_{name.lower()} }}}}"' for name in missing]
        result.append(f"deploy_required_environment: {json.dumps(list(missing))}")
    if different:
        result.append(f"# another value in deploy_environment than on the host: {', '.join(different)}")
    return result
