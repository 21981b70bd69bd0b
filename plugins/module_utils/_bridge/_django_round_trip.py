# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes migrations back on a scratch copy, and applies them again. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from . import _django_plan, _django_setup
from . import _exceptions as errors
from ._protocol import BridgeError
from ._sandbox import enclose, end_with, prepare


def round_trip(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """Go back over `ids`, the last first, and forth again. Progress, each waited for: `returned` of each, then `again`."""
    if not arguments.get("database_name"):
        raise BridgeError("request", "a round trip needs database_name, the scratch copy")
    prepare()
    end_with(answer.go, arguments.get("seconds"))
    _django_setup.prepare({**arguments, "other_databases": "refuse"}, answer, "migrate")
    connection = _django_setup.connect(arguments)
    _django_plan.new_executor(connection)  # loads all that migrations import, as a rehearsal does before it is enclosed
    sandbox = enclose(_django_setup.host_of(connection))
    returned: list[str] = []
    for name in reversed(arguments["ids"]):
        problem, irreversible = _back(connection, name, sandbox)
        answer.ask("returned", id=name, problem=problem, irreversible=irreversible)
        if problem:
            break
        returned.insert(0, name)
    problem = _forth(connection, returned, sandbox)
    answer.ask("again")
    return {"problem": problem}


def _migration(executor: t.Any, name: str) -> t.Any:
    return executor.loader.get_migration(*name.split(".", 1))


def _back(connection: t.Any, name: str, sandbox: str) -> tuple[str, bool]:
    """(what went wrong, whether the migration says itself that it cannot be taken back)."""
    from django.db.migrations.exceptions import IrreversibleError

    executor = _django_plan.new_executor(connection)
    try:
        executor.migrate(None, plan=[(_migration(executor, name), True)])
    except IrreversibleError as exc:
        return errors.summary(exc), True
    except Exception as exc:
        return errors.told(exc, sandbox), False
    return "", False


def _forth(connection: t.Any, names: t.Sequence[str], sandbox: str) -> str:
    for name in names:
        executor = _django_plan.new_executor(connection)
        try:
            executor.migrate(None, plan=[(_migration(executor, name), False)])
        except Exception as exc:
            return f"{name}: {errors.told(exc, sandbox)}"
    return ""
