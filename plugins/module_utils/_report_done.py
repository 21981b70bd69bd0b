# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads after a deploy that went well: facts in, lines out. Pure; control node; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._report_plan import predicted

Facts = t.Mapping[str, t.Any]


def done(facts: Facts) -> list[str]:
    """After: what was done. Facts: release, database, backup, static, services, serving, pruned, contract, trouble."""
    release = facts["release"]
    if facts.get("check_mode"):
        return ["Check mode: the plan is above, and nothing was touched."]
    if release["live"] and not facts.get("contracted"):
        return _stays(facts, release)
    live = facts.get("activated", True)
    lines = _went_live(facts, release) if live else _only_prepared(release)
    lines += _held_back(facts)
    lines += _stopped(facts)
    lines += [
        f"Backup:    {entry['path']} ({_size(entry['size'])}, read back in full)"
        for entry in facts.get("backups") or []
    ]
    lines += [f"Service:   {_service(entry)}" for entry in _services(facts)]
    lines += [f"Removed:   {', '.join(facts['removed'])}"] if facts.get("removed") else []
    lines += [f"Attention: {sentence}" for sentence in facts.get("trouble") or []]
    if live:
        earlier = release.get("previous")
        lines.append(
            f"Way back:  {'ansible-playbook rollback.yml' if earlier else 'none yet, this is the first release'}"
        )
    return lines


def _stays(facts: Facts, release: Facts) -> list[str]:
    """The release that is live was deployed once more; what did not run of it was started."""
    which = f"release {release['release']} ({release['commit'][:12]}) is live already"
    started = [entry for entry in _services(facts) if entry.get("changed")]
    if not started:
        return [f"Nothing to do: {which} and healthy."]
    return [
        f"Started:   {which}, and not all of it was running. It is healthy now.",
        *(f"Service:   {_service(entry)}" for entry in started),
    ]


def _went_live(facts: Facts, release: Facts) -> list[str]:
    applied = (facts.get("database") or {}).get("applied") or []
    return [
        f"Live:      {release['release']} ({release['commit'][:12]}), before it {release.get('previous') or 'nothing'}",
        f"Migrated:  {', '.join(_applied(entry) for entry in applied) or 'nothing was pending'}",
    ]


def _stopped(facts: Facts) -> list[str]:
    """How long the service was away, beside what the plan had said."""
    took = (facts.get("seconds") or {}).get("stop")
    if took is None:
        return []
    planned = facts.get("planned")
    said = predicted(planned).get("stop") if planned else None
    return [f"Stopped:   {took:.0f} s" + (f", {said:.0f} s were predicted" if said else "")]


def _held_back(facts: Facts) -> list[str]:
    """What waited for the old release to end, and what still waits."""
    contracted, waiting = facts.get("contracted") or {}, facts.get("held_back") or []
    if contracted.get("failed"):
        return [f"Held back: {', '.join(waiting)}, which failed after the handover: {contracted.get('msg')}"]
    if waiting:
        when = "only" if facts.get("contract") == "manual" else "with the next different release, or now"
        return [
            f"Held back: {', '.join(waiting)}, until nobody uses what goes with it: "
            f"applied {when} with -e deploy_contract=after"
        ]
    applied = contracted.get("applied") or []
    return [f"Afterwards: {', '.join(_applied(entry) for entry in applied)}"] if applied else []


def _only_prepared(release: Facts) -> list[str]:
    """Where single steps were chosen by tag."""
    if not release["release"]:
        return ["Done:      the steps that were chosen, without a release"]
    return [
        f"Ready:     {release['release']} ({release['commit'][:12]}); it is not live, only the steps that were chosen ran"
    ]


def _applied(entry: t.Any) -> str:
    return f"{entry['id']} in {entry['seconds']:.1f} s" if isinstance(entry, dict) else str(entry)


def _size(size: int) -> str:
    count = float(size)
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _services(facts: Facts) -> list[Facts]:
    """Every unit that was put in place, with all that was measured of it: a web unit is started first and switched later."""
    started = {entry["name"]: entry for entry in facts.get("started") or [] if "name" in entry}
    merged: list[Facts] = []
    for entry in facts.get("services") or []:
        first = (started.get(entry.get("name"), {}).get("measured") or {}).get("ready_seconds")
        measured = dict(entry.get("measured") or {})
        if first is not None:
            measured["ready_seconds"] = first
        merged.append({**entry, "measured": measured})
    return merged


def _service(entry: Facts) -> str:
    measured = entry.get("measured") or {}
    words = (
        ("ready_seconds", "ready after {:.1f} s"),
        ("drain_seconds", "drained in {:.1f} s"),
        ("unserved_seconds", "without a listener for {:.3f} s"),
    )
    told = [text.format(measured[name]) for name, text in words if measured.get(name) is not None]
    return f"{entry['name']}: {', '.join(told) or entry.get('state', 'changed')}"
