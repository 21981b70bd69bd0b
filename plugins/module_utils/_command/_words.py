# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers as people read them. Pure; developer's machine; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

Told = t.Mapping[str, t.Any]


def findings(found: t.Iterable[Told]) -> t.List[str]:
    """Two lines of each: what it is, and what to do."""
    lines = []
    for each in found:
        place = f"{each['place']}: " if each.get("place") and each["place"] not in each["evidence"] else ""
        lines += [f"{each['level']}: {place}{each['evidence']}", f"    {each['remedy']}"]
    return lines


def of_files(told: Told) -> t.List[t.Dict[str, t.Any]]:
    """All findings about the files: the chain, each revision, and how the application starts."""
    return [*told["findings"], *(each for review in told["reviews"] for each in review["findings"]), *told["starts"]]


def worst(found: t.Iterable[Told], strict: bool = False) -> bool:
    """Whether something was found that a command fails on."""
    return any(each["level"] == "stop" or (strict and each["level"] == "warning") for each in found)


def chain(told: Told) -> t.List[str]:
    heads = ", ".join(told["heads"]) or "none"
    return [f"Revisions: {len(told['history'])}, heads: {heads}", f"Folder:    {told['script_location'] or 'none'}"]


def state(told: Told) -> t.List[str]:
    place = next(iter(told["databases"].values()))
    where = place["name"] if place["engine"] == "sqlite" else f"{place['name']} on {place['host'] or 'its socket'}"
    lines = [f"Database:  {place['engine']} {where}", f"Recorded:  {', '.join(told['current']) or 'nothing'}"]
    lines.append(f"Pending:   {', '.join(told['pending']) or 'nothing'}")
    if told["drift"]:
        lines.append(f"Models:    {len(told['drift'])} differences from the database")
        lines += [f"    {each['evidence']}" for each in told["drift"]]
    elif not told["not_compared"]:
        lines.append("Models:    the database is as they want it")
    return lines


def diagnosis(result: Told) -> t.List[str]:
    told = result.get("diagnosis") or {}
    lines = [f"Proven:    {told['sentence']}"] if told else []
    return lines + [f"    {line}" for line in str(result.get("text") or "").splitlines()]


def repair(result: Told, dry_run: bool) -> t.List[str]:
    """What a repair did, or would do."""
    if not result["changed"]:
        return []
    after = ", ".join(result["after"]) or "nothing"
    lines = [f"{'Would be' if dry_run else 'Is'} recorded: {after}, before: {', '.join(result['before']) or 'nothing'}"]
    lines += [f"    {statement};" for statement in result["statements"]]
    lines += [f"{'Would write' if dry_run else 'Wrote'}: {path}" for path in result["files"]]
    return lines + ([f"Backup:    {result['backup']}"] if result["backup"] and not dry_run else [])


def plan(told: Told) -> t.List[str]:
    lines = []
    for each in told["plan"]:
        way = "back over" if each["backwards"] else "apply"
        lines.append(f"Would {way} {each['id']}: {each['name']}")
        lines += [f"    {line}" for statement in each["sql"] for line in statement.splitlines()]
    return lines or ["Nothing is pending."]


def applied(done: Told) -> t.List[str]:
    lines = []
    for each in done["applied"]:
        lines.append(f"{'Went back over' if each['backwards'] else 'Applied'} {each['id']} in {each['seconds']:.2f} s")
    return [*lines, f"Recorded:  {', '.join(done['after']) or 'nothing'}"]
