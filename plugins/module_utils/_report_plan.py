# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads before a deploy: what it is about to do. Pure; control node; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _start_scripts

Facts = t.Mapping[str, t.Any]

CHECKLIST = {
    "online": ("pull", "install", "collectstatic", "backup", "migrate", "start", "verify"),
    "maintenance": ("pull", "install", "collectstatic", "backup", "stop", "migrate", "start", "verify"),
}


#: Bytes a second that a safety copy takes, and seconds between the steps of a stop.
COPY_RATE, BETWEEN = 200 * 1024 * 1024, 6
#: Seconds of a start that was never measured.
FIRST_START = 10


def predicted(facts: Facts) -> dict[str, float]:
    """Seconds of the stop and of its parts, from the rehearsal and the last deploy; empty where nothing stops or nothing was rehearsed."""
    rehearsed = facts.get("rehearsed") or {}
    if facts["strategy"] != "maintenance" or "verdicts" not in rehearsed:
        return {}
    # What was measured on the data is no guess that an earlier stop could correct.
    # A text from ansible-core before 2.19.
    pace = float(facts.get("pace", 1.0)) if rehearsed.get("rehearsal") == "schema" else 1.0
    parts = {
        "migrations": pace * float(sum(verdict["impact"].get("seconds", 0) for verdict in rehearsed["verdicts"])),
        "safety copy": rehearsed.get("bytes", 0) / COPY_RATE
        if facts.get("fenced") and facts.get("copied", True)
        else 0.0,
        "second backup": sum(each.get("duration", 0) for each in facts.get("backups") or []) if _saved(facts) else 0.0,
        "start": float((facts.get("last_seconds") or {}).get("start", FIRST_START)),
        "steps between": float(BETWEEN),
    }
    return {"stop": sum(parts.values()), **parts}


def plan(facts: Facts) -> list[str]:
    """Before: what the deploy is about to do. Facts: app, strategy, release, database, fenced, copied, saved, backups, check_mode."""
    release, database = facts["release"], facts.get("database") or {}
    lines = [
        f"Release:      {release.get('previous') or 'nothing'} -> {release['release']} ({release['commit'][:12]})",
        _strategy(facts),
        f"Dependencies: {_dependencies(release.get('dependencies', 'none'))}",
        *_migrations(release, database),
        *_rehearsal(facts.get("rehearsed") or {}),
        *_stop(predicted(facts)),
        *_safety(facts, database),
    ]
    lines += [f"Attention:    {sentence}" for sentence in _attention(facts, database)]
    return lines


def _growth(data: Facts) -> str:
    """What the migrations took on the disk of the copy; dead rows of it go again later."""
    more = (data.get("bytes_after", 0) - data.get("bytes", 0)) / 1024**2
    return f", {more:.0f} MiB more on disk" if more >= 1 else ""


def _strategy(facts: Facts) -> str:
    if facts.get("check_mode") and facts.get("wanted") == "auto" and not facts.get("rehearsed"):
        return "Strategy:     auto: a rehearsal decides, once the release is installed"
    return f"Strategy:     {facts['strategy']}: {', '.join(CHECKLIST[facts['strategy']])}"


def _rehearsal(rehearsed: Facts) -> list[str]:
    if "verdicts" not in rehearsed:
        return []
    seconds = sum(rehearsed["seconds"])
    how = {
        "schema": f"on a copy of the schema, {seconds:.1f} s of migrations",
        "data": f"on a copy with data, {seconds:.1f} s of migrations{_growth(rehearsed.get('data') or {})}",
        "none": "none",
    }
    reasons = [f"  Not online: {reason}" for reason in rehearsed["reasons"]]
    return [f"Rehearsal:    {how[rehearsed['rehearsal']]}", *(f"  {line}" for line in rehearsed["table"]), *reasons]


def _stop(seconds: Facts) -> list[str]:
    if not seconds:
        return []
    parts = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items() if name != "stop" and round(value))
    return [f"Stop:         about {seconds['stop']:.0f} s: {parts}"]


def _safety(facts: Facts, database: Facts) -> list[str]:
    """What a failure in the stop is taken back with."""
    if facts["strategy"] != "maintenance" or not database.get("plan"):
        return []
    if _saved(facts):
        return ["Way back:     by hand, with a second backup that is made when the release has stopped"]
    if not facts.get("fenced"):
        return []
    if facts.get("copied", True):
        return ["Way back:     a copy of the database, made when nobody can write any more"]
    after = ", and they can be taken back after it, as the rehearsal has proved" if _undo_proven(facts) else ""
    return [f"Way back:     all migrations in one transaction{after}; nothing is copied"]


def _saved(facts: Facts) -> bool:
    """Whether a backup in the stop stands in for the copy that nobody may make."""
    return bool(facts.get("saved")) and not facts.get("fenced")


def _undo_proven(facts: Facts) -> bool:
    return bool((facts.get("rehearsed") or {}).get("undo_proven"))


def _dependencies(how: str) -> str:
    said = {"reused": "unchanged, taken over from the release before", "installed": "installed anew", "none": "none"}
    return said.get(how, how)


def _migrations(release: Facts, database: Facts) -> list[str]:
    if "plan" not in database:
        files = release.get("migration_files") or []
        return [f"Migrations:   {len(files)} new files", *(f"  {name}" for name in files)]
    entries = database["plan"]
    if not entries:
        return ["Migrations:   none pending"]
    return [f"Migrations:   {len(entries)} pending", *(f"  {_migration(entry)}" for entry in entries)]


def _migration(entry: Facts) -> str:
    remarks = [
        *([] if entry.get("atomic", True) else ["not atomic"]),
        *([] if entry.get("reversible", True) else ["cannot be taken back"]),
        *(["runs code or changes data"] if entry.get("data") else []),
    ]
    operations = "; ".join(entry.get("operations", [])[:4])
    return f"{entry['id']}: {operations}" + (f" [{', '.join(remarks)}]" if remarks else "")


def _attention(facts: Facts, database: Facts) -> t.Iterator[str]:
    pending = bool(database.get("plan"))
    if facts["strategy"] == "maintenance" and pending and not facts.get("fenced"):
        yield (
            "without an admin connection (deploy_database_admin_user or deploy_database_admin_url) there is no fence and no safety copy; "
            "a migration that is not atomic and fails stays half done"
        )
    if facts["strategy"] == "online" and pending and facts.get("forced"):
        yield "deploy_force_online is your word that the running release works with these migrations; the verdict is not asked"
    if facts.get("runs_as_root"):
        yield "the application runs as root; set deploy_user to a user of its own"
    unknown = database.get("missing") or []
    if unknown:
        yield f"the database has {', '.join(unknown)}, which this release does not know; nothing has proven that it works with them"
    for finding in database.get("findings") or []:
        yield _sentence(finding)
    yield from _starts(facts, database.get("starts") or [])
    for app, changes in (database.get("model_changes") or {}).items():
        yield f"the models of {app} differ from its migrations: {'; '.join(changes)}. Run makemigrations and commit the result"


def _sentence(finding: Facts) -> str:
    return f"{finding['evidence'].rstrip('.')}; {finding['remedy']}" if finding.get("remedy") else finding["evidence"]


def _starts(facts: Facts, found: t.Sequence[Facts]) -> t.Iterator[str]:
    """What migrates when the units start, and whether that is left out."""
    units = facts.get("units") or []
    migrating = {unit["name"]: _start_scripts.migrates(str(unit["command"])) for unit in units}
    if facts.get("without_migrations"):
        places = [
            *(f"unit {name}" for name, command in migrating.items() if command),
            *(each["place"] for each in found),
        ]
        if places:
            yield f"{', '.join(places)} would migrate at the start; deploy_without_migrations leaves it out"
        return
    for name, command in migrating.items():
        if command:
            yield (
                f"unit {name} applies migrations in its own command ({command}), also what a deploy holds back; "
                "take it out and let the deploy migrate, or set deploy_without_migrations"
            )
    for each in found:
        names = [unit["name"] for unit in units if _runs(str(unit["command"]), each)]
        who = f"unit {' and '.join(names)} runs it" if names else "no unit of this deploy runs it by its name"
        yield f"{_sentence(each)} ({who})" if each.get("scripts") else _sentence(each)


def _runs(command: str, start: Facts) -> bool:
    return any(_start_scripts.runs(command, path) for path in start.get("scripts") or [])
