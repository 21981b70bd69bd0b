# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying migrations through the bridge, on record in the journal. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal

ACTION = "database.migrate"


def lock_budget_spec() -> dict[str, t.Any]:
    """Options of the fragment `_lock_budget`."""
    return {
        "lock_timeout": {"type": "int", "default": 200},
        "concurrent_timeout": {"type": "int", "default": 0},
        "statement_timeout": {"type": "int", "default": 0},
        "busy_timeout": {"type": "int", "default": 10000},
        "retries": {"type": "int", "default": 30},
        "retry_time": {"type": "int", "default": 300},
        "advisory_lock_wait": {"type": "int", "default": 60},
        "end_blockers_after": {"type": "int", "default": 0},
        "end_blockers_of": {"type": "list", "elements": "str", "default": []},
    }


def way_back_spec() -> dict[str, t.Any]:
    """Options of the fragment `_way_back`."""
    return {"backwards": {"type": "bool", "default": False}, "undo_proven": {"type": "bool", "default": False}}


def lock_budget(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Those options as arguments of the bridge. Raises DeployError."""
    budget = {name: params[name] for name in lock_budget_spec()}
    for name, value in budget.items():
        if isinstance(value, int) and value < 0:
            raise DeployError(f"{name} is {value}; it cannot be less than 0")
    if budget["end_blockers_after"] and not budget["end_blockers_of"]:
        raise DeployError(
            "end_blockers_after is set and end_blockers_of is empty; name the applications that may be ended"
        )
    return budget


def refuse_backwards(params: dict[str, t.Any], *names: str) -> None:
    """Refuse the option `backwards` without a list of what goes back, and with what only records. names: of such options. Raises DeployError."""
    if not params["backwards"]:
        return
    if not params["migrations"]:
        raise DeployError("backwards is true and migrations is empty; name what is to be taken back")
    for name in names:
        if params[name] != "never":
            raise DeployError(f"backwards is true and {name} is {params[name]}; leave one of them out")


@dataclasses.dataclass(frozen=True)
class Record:
    """Where in the journal a run is recorded. alias: of the database. undo_proven: whether taking it back is known to lose nothing."""

    journal: Journal
    deploy_id: str
    step: str
    alias: str
    undo_proven: bool = False

    @classmethod
    def of(cls, journal: Journal, params: dict[str, t.Any]) -> Record:
        """With the options of django_migrate and alembic_upgrade."""
        step = params["step"] or "migrate"
        return cls(journal, params["deploy_id"] or "", step, params["database"], params["undo_proven"])

    def step_of(self, plan: dict[str, t.Any], backwards: bool) -> t.ContextManager[dict[str, t.Any]]:
        """The step of a plan that is about to run."""
        undo = {
            "alias": self.alias,
            "before": heads_list(plan["before"]),
            "applying": [item["id"] for item in plan["plan"]],
            "backwards": backwards,
            "undo_proven": self.undo_proven,
        }
        return self.journal.step(self.deploy_id, self.step, ACTION, self.alias, undo=undo)

    def note(self, applied: t.Sequence[dict[str, t.Any]]) -> list[str]:
        """Record each migration that was applied; their ids."""
        for migration in applied:
            detail = {name: migration[name] for name in ("id", "backwards", "seconds", "retries", "faked")}
            self.journal.append(self.deploy_id, self.step, ACTION, "note", self.alias, detail)
        return [migration["id"] for migration in applied]


def apply(
    bridge: Bridge,
    request: dict[str, t.Any],
    record: Record,
    refuse: t.Callable[[dict[str, t.Any]], None] = lambda plan: None,
    ready: t.Optional[t.Callable[[], None]] = None,
) -> dict[str, t.Any]:
    """Run the pending migrations: intent first, as soon as the plan is known, then what became of each.

    refuse: may raise DeployError over the plan (`plan`, `before`, `missing`), before anything is done. ready: returns when the
    database may be used, called when all that can be loaded without it is. Raises DeployError.
    """
    outcome: dict[str, t.Any] = {}
    with contextlib.ExitStack() as stack:

        def begin(plan: dict[str, t.Any]) -> None:
            nonlocal outcome
            refuse(plan)
            if plan["plan"]:
                outcome = stack.enter_context(record.step_of(plan, bool(request.get("backwards"))))

        def watch(event: dict[str, t.Any]) -> None:
            if ready and event["what"] == "loaded":
                ready()
            else:
                begin(event)

        answered = bridge.attempt("apply", watch=watch, announce=True, loaded_first=ready is not None, **request)
        if answered.error:
            result = answered.error.result
            outcome["applied"] = record.note(t.cast(list, result.get("applied") or []))
            result["changed"] = bool(outcome["applied"])
            outcome["left_behind"] = left_behind(result)
            raise answered.error
        outcome["applied"] = record.note(answered.result["applied"])
        outcome["after"] = heads_list(answered.result["after"])
    return answered.result


def left_behind(result: dict[str, t.Any]) -> bool:
    """Whether more than `applied` may have changed: half of a migration, or whatever an interpreter that died had done."""
    failure = t.cast(dict, result.get("failure") or {})
    return not failure.get("rolled_back", True) or result.get("kind") == "died"


def heads_list(heads: t.Union[dict[str, str], t.Sequence[str], None]) -> list[str]:
    """Revisions as they are. Of Django app.name, not as a dict: its keys would be app labels, and the journal refuses a key like `authtoken`."""
    if isinstance(heads, dict):
        return [f"{app}.{name}" for app, name in sorted(heads.items())]
    return sorted(heads or [])


def answer(plan: dict[str, t.Any], done: dict[str, t.Any], changed: bool) -> dict[str, t.Any]:
    """What the play is told, from what the bridge said of the plan and of the run."""
    before, after = heads_list(plan["before"]), heads_list(done["after"])
    changes, missing = done["model_changes"], done["missing"]
    planned = [] if "applied" in done else [item["id"] for item in plan["plan"] if not item["backwards"]]
    pending = [name for name in done["pending"] if name not in planned]
    warnings = [f"models of {app} differ from their migrations: {'; '.join(found)}" for app, found in changes.items()]
    warnings += done.get("blocker_problems", [])
    warnings += plan.get("warnings", [])
    warnings += [f"{name} is on record in the database but not in this code" for name in missing]
    return {
        "changed": changed,
        "plan": plan["plan"],
        "applied": done.get("applied", []),
        "pending": pending,
        "held_back": done["held_back"],
        "before": before,
        "after": after,
        "synced": done["synced"],
        "missing": missing,
        "model_changes": changes,
        "dropped_invalid_indexes": done.get("dropped_invalid_indexes", []),
        "kept_indexes": done.get("kept_indexes", []),
        "ended_blockers": done.get("ended_blockers", []),
        "signal_writes": done.get("signal_writes", 0),
        "warnings": warnings,
        "diff": {"before": "\n".join(before) + "\n", "after": "\n".join(after) + "\n"},
    }
