# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each command does. Developer's machine; PRIVATE to the collection."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _files, _told
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._repairing import Repairing
from ansible_collections.seamless.deploy.plugins.module_utils._alembic_upgrade import (
    choice_spec,
    refuse_missing,
    request_of,
)
from ansible_collections.seamless.deploy.plugins.module_utils._command import _pruning, _words
from ansible_collections.seamless.deploy.plugins.module_utils._command._working_copy import (
    bridge_of,
    params_of,
    run_command,
)
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import NoJournal
from ansible_collections.seamless.deploy.plugins.module_utils._migrating import Record, apply, lock_budget_spec

#: Repairs that safe-upgrade does by itself, where they are proven.
_BY_ITSELF = ("stamp", "create_missing", "drop_leftovers")


class Answer(t.NamedTuple):
    lines: t.List[str]
    told: t.Any
    code: int = 0


def status(options: argparse.Namespace) -> Answer:
    told = _state(params_of(options, os.environ))
    lines = [*_words.chain(told), *_words.state(told), *_words.findings(told["findings"])]
    return Answer(lines, told, 1 if _words.worst(told["findings"]) else 0)


def check(options: argparse.Namespace) -> Answer:
    """Needs neither the project's environment nor a database."""
    told = _told.told(_files.read_project(os.path.abspath(options.directory), options.config or ""))
    found = _words.of_files(told)
    code = 1 if _words.worst(found, options.strict) else 0
    return Answer([*_words.chain(told), *_words.findings(found)], told, code)


def validate(options: argparse.Namespace) -> Answer:
    params = params_of(options, os.environ)
    told = _state(params)
    found = _words.of_files(told)
    lines = [*_words.chain(told), *_words.state(told), *_words.findings(found)]
    code = 1 if _words.worst(found) else 0
    if told["usable"]:
        result, _refused = _diagnosed(params)
        cause = (result.get("diagnosis") or {}).get("cause", "none")
        lines, told, code = lines + _words.diagnosis(result), {**told, **result}, code or int(cause != "none")
    return Answer(lines, told, code)


def safe_upgrade(options: argparse.Namespace) -> Answer:
    params = params_of(options, os.environ)
    _refuse_chain(params)
    lines: t.List[str] = []
    repaired: t.List[t.Any] = []
    for _attempt in _BY_ITSELF if not options.unproven else ():
        result, refused = _diagnosed(params)
        remedy = (result.get("diagnosis") or {}).get("remedy", "")
        if refused and remedy not in _BY_ITSELF:
            raise refused
        if not remedy:
            break
        repaired.append(_repair(params, remedy, options.dry_run))
        lines += [*_words.diagnosis(result), *_words.repair(repaired[-1], options.dry_run)]
        if options.dry_run:
            return Answer([*lines, "What is pending after that shows when it is done."], {"repaired": repaired})
    wanted = {**{name: option["default"] for name, option in {**choice_spec(), **lock_budget_spec()}.items()}, **params}
    request = request_of({**wanted, "revision": options.revision})
    bridge = bridge_of(params)
    if options.dry_run:
        plan, _progress = bridge.call("plan", with_sql=True, **request)
        refuse_missing(plan, "refuse")
        return Answer(lines + _words.plan(plan), {"repaired": repaired, "plan": plan["plan"]})
    done = apply(bridge, request, Record(NoJournal(), "", "migrate", params["database"]), _refuse_missing)
    words = _words.applied(done) if done["plan"] else _words.plan(done)
    return Answer(lines + words, {"repaired": repaired, **done})


def _refuse_missing(plan: t.Dict[str, t.Any]) -> None:
    refuse_missing(plan, "refuse")


def reset_heads(options: argparse.Namespace) -> Answer:
    params = params_of(options, os.environ)
    action = "reset" if options.confirm else "stamp"
    result = _repair(params, action, options.dry_run, confirm=options.confirm)
    lines = _words.repair(result, options.dry_run) or ["The record is right already."]
    return Answer([*_words.diagnosis(result), *lines], result)


def merge_heads(options: argparse.Namespace) -> Answer:
    params = params_of(options, os.environ)
    with tempfile.NamedTemporaryFile(prefix="migrations-") as empty:
        if _is_to_come(params):
            params["database_name"] = empty.name  # what the heads touch shows without a database of one's own
        result = _repair(params, "merge_heads", options.dry_run, revision_message=options.message or None)
    return Answer(_words.repair(result, options.dry_run) or ["There is one head."], result)


def prune(options: argparse.Namespace) -> Answer:
    params = params_of(options, os.environ)
    done = _pruning.prune(
        params, bridge_of(params), options.revision, options.accept_rows, options.dry_run, time.time()
    )
    return Answer(_pruning.lines(done, options.dry_run), done)


def _state(params: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    names = ("config", "app", "database", "database_name")
    told, _progress = bridge_of(params).call("check", **{name: params[name] for name in names})
    return told


def _is_to_come(params: t.Dict[str, t.Any]) -> bool:
    """Whether the database is a file that the first migration makes."""
    names = ("config", "app", "database", "database_name")
    told, _progress = bridge_of(params).call("describe", **{name: params[name] for name in names})
    place = told["databases"][params["database"]]
    return place["engine"] == "sqlite" and not os.path.exists(os.path.join(params["chdir"], place["name"]))


def _refuse_chain(params: t.Dict[str, t.Any]) -> None:
    project = _files.read_project(params["chdir"], params["config"] or "")
    stops = [each for each in project.findings if each.level == "stop"]
    if stops:
        raise DeployError(f"nothing was upgraded: {stops[0]}", findings=[each.to_json() for each in stops])


def _diagnosed(params: t.Dict[str, t.Any]) -> t.Tuple[t.Dict[str, t.Any], t.Optional[DeployError]]:
    """What a stamp would do, or why it is refused; both have the diagnosis. Nothing where there is no database yet."""
    if _is_to_come(params):
        return {}, None
    try:
        return _repair(params, "stamp", True), None
    except DeployError as exc:
        if "diagnosis" not in exc.result:
            raise
        return exc.result, exc


def _repair(params: t.Dict[str, t.Any], action: str, dry_run: bool, **more: t.Any) -> t.Dict[str, t.Any]:
    unused = dict.fromkeys(
        (
            "child", "parent", "message", "confirm", "role", "client_path", "deploy_id", "step", "journal", "lock_id",
            "login_host", "login_port", "login_user", "login_password",
        )
    )  # fmt: skip
    wanted = {**unused, "revisions": [], "lock_timeout": 2000, **params, **more, "action": action}
    return Repairing(wanted, dry_run, bridge_of(params), run_command, NoJournal(), time.time()).run()
