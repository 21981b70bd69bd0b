# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a project before it migrates: Django's checks, models, history. Reads only.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import typing as t

from . import _django_describe, _django_plan, _django_setup
from . import _exceptions as errors
from ._protocol import BridgeError


def check(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The verb `check`. Finds and says; only what makes reading impossible is an error."""
    _django_setup.prepare(arguments, answer, "check")
    return of_database(_django_plan.new_executor(_django_setup.connect(arguments, reading=True)))


def everything(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The answers of `describe` and `check`, and in `plan` that of `plan`, by a project that is brought up once.

    plan is None where Django makes none: its migrations conflict, or their history is inconsistent.
    """
    _django_setup.prepare(arguments, answer, "check")
    project = _django_describe.of_project(arguments.get("alias") or "default")
    executor = _django_plan.new_executor(_django_setup.connect(arguments, reading=True))
    state = of_database(executor)
    _django_setup.restart_read_only(executor.connection)  # a check may have met an error of its own
    broken = state["conflicts"] or state["inconsistent"]
    return {**project, **state, "plan": None if broken else _django_plan.of_database(executor, arguments)}


def of_database(executor: t.Any) -> dict[str, t.Any]:
    """What is wrong with a project that is up and connected."""
    from django.db.migrations.exceptions import InconsistentMigrationHistory

    connection = executor.connection
    loader = executor.loader
    conflicts = {app: sorted(names) for app, names in loader.detect_conflicts().items()}
    inconsistent = ""
    try:
        loader.check_consistent_history(connection)
    except InconsistentMigrationHistory as exc:
        inconsistent = str(exc)
    return {
        "checks": system_checks(connection.alias),
        "model_changes": {} if conflicts else _django_plan.model_changes(executor),
        "conflicts": conflicts,
        "inconsistent": inconsistent,
        "missing": _django_plan.missing_on_disk(loader),
        "applied": sorted(f"{app}.{name}" for app, name in loader.applied_migrations),
        "heads": _django_plan.heads(loader),
    }


def system_checks(alias: str) -> list[dict[str, t.Any]]:
    """Django's system checks with the database's, what is silenced left out. Raises BridgeError when one crashes."""
    from django.core import checks

    try:
        messages = checks.run_checks(databases=[alias])
    except Exception as exc:
        place = errors.place_of(exc)
        message = f"Django's system checks crashed: {errors.summary(exc)}{', at ' + place if place else ''}; correct it"
        raise BridgeError("checks", message) from None
    return [
        {
            "id": message.id or "",
            "level": _level(message.level),
            "message": message.msg,
            "hint": message.hint or "",
            "object": "" if message.obj is None else str(message.obj),
            "serious": bool(message.is_serious()),
        }
        for message in messages
        if not message.is_silenced()
    ]


def _level(number: int) -> str:
    return {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}.get(number, str(number))


def refuse_serious(alias: str) -> None:
    """What Django's migrate does first: refuse on errors."""
    serious = [item for item in system_checks(alias) if item["serious"]]
    if serious:
        texts = "; ".join(f"{item['id'] or item['object']}: {item['message']}" for item in serious[:5])
        more = f" and {len(serious) - 5} more" if len(serious) > 5 else ""
        raise BridgeError(
            "checks", f"Django's system checks find errors, nothing was migrated: {texts}{more}", checks=serious
        )
