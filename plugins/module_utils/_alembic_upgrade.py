# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What alembic_upgrade asks of the bridge. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._migrating import (
    lock_budget,
    refuse_backwards,
    way_back_spec,
)


def choice_spec() -> dict[str, t.Any]:
    """Which revisions are meant, and whether they run."""
    return {
        "revision": {"type": "str", "default": "head"},
        "migrations": {"type": "list", "elements": "str", "default": []},
        **way_back_spec(),
        "stamp": {"type": "str", "choices": ["never", "record", "proven"], "default": "never"},
        "missing": {"type": "str", "choices": ["refuse", "keep"], "default": "refuse"},
        "one_transaction": {"type": "bool", "default": False},
    }


def request_of(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options as arguments of the bridge. Raises DeployError."""
    if params["stamp"] == "record" and params["revision"] in ("head", "heads"):
        raise DeployError(
            f"stamp is record and revision is {params['revision']}; name the one revision to record, "
            "since to record everything at once hides what is missing, or set stamp to proven"
        )
    if params["migrations"] and params["revision"] not in ("head", "heads"):
        raise DeployError("migrations and revision are both set; name what is wanted in one of them")
    refuse_backwards(params, "stamp")
    names = ("database", "database_name", "revision", "migrations", "missing", "one_transaction", "backwards")
    return {**{name: params[name] for name in names}, **lock_budget(params), "fake": params["stamp"] != "never"}


def refuse_missing(plan: dict[str, t.Any], policy: str) -> None:
    """Raise DeployError where what is on record cannot be placed in this code."""
    if plan["missing"] and policy != "keep":
        raise DeployError(
            f"the database has {', '.join(plan['missing'])} on record, and this code has no such revision, so that nobody can say "
            "what is pending; deploy a release that has it, look with seamless.deploy.alembic_info, or set missing to keep",
            kind="missing",
            missing=plan["missing"],
        )
