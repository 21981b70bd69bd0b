# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads before, after and between deploys: facts in, lines out. Pure; control node; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._report_plan import predicted

Facts = t.Mapping[str, t.Any]

#: What a module calls an option, and where a user of the playbooks sets it.
VARIABLES = {
    "repository": "deploy_repository",
    "version": "deploy_version",
    "source": "deploy_source",
    "key_file": "deploy_git_key_file",
    "known_hosts": "deploy_git_known_hosts",
    "project_dir": "deploy_project_dir",
    "python": "deploy_python",
    "requirements": "deploy_requirements",
    "index_url": "deploy_index_url",
    "wheelhouse": "deploy_wheelhouse",
    "shared": "deploy_shared_paths",
    "dest": "deploy_backup_path",
    "client_path": "deploy_postgresql_client_path",
    "login_url": "deploy_database_url or deploy_database_admin_url",
    "login_host": "the host in deploy_database_url or deploy_database_admin_url",
    "login_user": "the user in deploy_database_url or deploy_database_admin_url",
    "login_password": "the password in deploy_database_url or deploy_database_admin_url",
    "lock_timeout": "deploy_migrate_lock_timeout",
    "retries": "deploy_migrate_retries",
    "retry_time": "deploy_migrate_retry_time",
    "settings": "deploy_settings_module",
    "units": "deploy_units",
    "environment_file": "deploy_environment",
    "supervisor_config": "deploy_supervisor_config",
    "health_path": "deploy_health_path",
    "strategy": "deploy_strategy, or against the verdict deploy_force_online",
    "ready_timeout": "deploy_ready_timeout",
    "drain_timeout": "deploy_drain_timeout",
    "stop_timeout": "deploy_stop_timeout",
}
#: Options whose names are everyday words too: only where a sentence speaks of the option.
WORDS = (
    "repository",
    "version",
    "source",
    "python",
    "shared",
    "dest",
    "requirements",
    "settings",
    "units",
    "retries",
    "strategy",
)

FIRST = (
    "What was applied stays. There is no earlier release that it could disturb, and the next deploy goes on from there."
)


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


def status(facts: Facts) -> list[str]:
    """Between: what is live. Facts: app, path, releases, journal, serving."""
    known, journal = facts["releases"], facts["journal"]
    live: Facts = next((release for release in known["releases"] if release["release"] == known["live"]), {})
    holder = journal["holder"]
    return [
        f"Application:  {facts['app']} in {facts['path']}",
        f"Live:         {known['live'] or 'nothing'}"
        + (f" ({live['commit'][:12]}) since {live['activated_at']}, by {live['who']}" if live else ""),
        f"Way back:     {known['previous'] or 'none'}",
        f"Deploy now:   {holder['who'] + ' since ' + holder['since'] + ', deploy ' + holder['deploy_id'] + ', from ' + holder['origin'] if holder else 'none'}",
        f"Unfinished:   {', '.join(journal['unfinished']) or 'none'}",
        *(f"Serving:      {_serving(entry)}" for entry in facts.get("serving") or []),
        "Last deploys:",
        *(f"  {_deploy(entry)}" for entry in journal["deploys"][:5]),
    ]


def _serving(entry: Facts) -> str:
    found = entry.get("serving") or {}
    if not found.get("status"):
        return f"{entry.get('entrance', '')} does not answer: {found.get('problem') or entry.get('msg', '')}"
    return f"release {found.get('release') or 'unknown'} answers {found['status']}, process {found.get('pid')}"


def _deploy(entry: Facts) -> str:
    release = f" -> {entry['release']}" if entry.get("release") else ""
    reason = f": {_short(str(entry['reason']))}" if entry.get("reason") else ""
    return (
        f"{entry['deploy_id']} by {entry.get('who', 'unknown')}, {entry['result'].replace('_', ' ')}{release}{reason}"
    )


def _short(text: str, most: int = 120) -> str:
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."


def variables_in(reason: str) -> list[str]:
    """Which deploy_* variables the options are that a module's message names."""
    found = []
    for option, variable in VARIABLES.items():
        pattern = (
            rf"(?:^|[.;] |option |correct |set )(?:the )?{option} (?:is|has|names|to)\b"
            if option in WORDS
            else rf"(?<![\w.]){option}(?!\w)"
        )
        if re.search(pattern, reason):
            found.append(f"{option} is {variable}")
    return found


def _missing(facts: Facts) -> list[str]:
    hosts = ", ".join(facts.get("absent") or [])
    return (
        [f"Missing:   {hosts} did not come along; recover.yml or the next deploy brings what is left there into line"]
        if hosts
        else []
    )


def failure(facts: Facts) -> list[str]:
    """After a failure: what happened, what stands, what to do.

    Facts: task, reason, undone, touched, recovery, old, serves, problem, trouble, new, deploy_id, first, absent (hosts that cannot be reached).
    """
    trouble = list(facts.get("trouble") or [])
    old, new = facts.get("old") or "", facts.get("new") or ""
    if not old:
        service = "there was no release before this one, so nothing is served" if new else "was not touched"
    elif facts.get("serves"):
        service = f"release {old} serves and is healthy"
    else:
        service = f"release {old} DOES NOT SERVE: {facts.get('problem') or 'no answer'}"
    nothing = "nothing that is in use" if facts.get("touched") else "nothing, since nothing was touched"
    lines = [
        f"Failed at: {facts.get('task') or 'a step on another host'}",
        f"Reason:    {facts.get('reason') or 'not known'}",
        *(f"Set by:    {sentence}" for sentence in variables_in(str(facts.get("reason") or ""))),
        f"Undone:    {', '.join(facts.get('undone') or []) or nothing}",
        f"Database:  {facts['recovery'] if old or not new else FIRST}",
        f"Service:   {service}",
        *_waiting(facts),
        *(f"Trouble:   {sentence}" for sentence in trouble),
        *_missing(facts),
    ]
    if trouble or (old and not facts.get("serves")):
        lines.append(
            f"Next:      see to the trouble first; status.yml shows the state, the journal has deploy {facts['deploy_id']}"
        )
    elif new and facts.get("undone") and facts.get("kept", True):
        lines.append(
            f"Next:      correct what the reason names and deploy again; {new} stays for a look and is not taken again"
        )
    else:
        lines.append("Next:      correct what the reason names and deploy again")
    return lines


def _waiting(facts: Facts) -> list[str]:
    """A health check may count pending migrations, of which a deploy that holds some back leaves a few."""
    names = ", ".join(facts.get("held_back") or [])
    return (
        [f"Held back: {names}; when the new release wants them applied, deploy with deploy_strategy=maintenance"]
        if names
        else []
    )


def verdict(facts: Facts) -> list[str]:
    """The failure in one sentence, for where only one is shown. Facts: as for `failure`."""
    reason = str(facts.get("reason") or "the reason is not known").rstrip(". ")
    # Others end what they say with a question.
    reason += "" if reason.endswith(("?", "!")) else "."
    if facts.get("trouble") or (facts.get("old") and not facts.get("serves")):
        return [f"The deploy failed, and so did a part of the way back; see the summary above. {reason}"]
    if not facts.get("undone") and not facts.get("touched"):
        return [f"The deploy failed before anything was touched. {reason}"]
    stands = f"release {facts['old']} serves" if facts.get("old") else "what it had begun is undone"
    return [f"The deploy failed and {stands}; see the summary above. {reason}"]
