# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads between deploys, and when one fails: facts in, lines out. Pure; control node; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

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
