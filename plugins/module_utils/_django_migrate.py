# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What django_migrate asks of the bridge. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._migrating import (
    lock_budget,
    refuse_backwards,
    way_back_spec,
)


def choice_spec() -> dict[str, t.Any]:
    """Options of the fragment `_django_choice`."""
    return {
        "app": {"type": "str"},
        "name": {"type": "str"},
        "migrations": {"type": "list", "elements": "str", "default": []},
        **way_back_spec(),
        "fake": {"type": "str", "choices": ["never", "record", "proven"], "default": "never"},
        "fake_initial": {"type": "str", "choices": ["never", "tables_exist", "proven"], "default": "never"},
    }


def request_of(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options as arguments of the bridge. Raises DeployError."""
    if params["fake"] != "never" and not (params["app"] and params["name"]):
        raise DeployError(
            f"fake is {params['fake']} but app and name are not both set; name the one migration to record"
        )
    if params["migrations"] and params["app"]:
        raise DeployError(
            "migrations and app are both set; app takes a whole app, so name what is wanted in one of them"
        )
    refuse_backwards(params, "fake", "fake_initial")
    names = ("database_name", "app", "name", "migrations", "run_syncdb", "one_transaction", "backwards")
    return {
        **{name: params[name] for name in names},
        **lock_budget(params),
        "alias": params["database"],
        "fake": params["fake"] != "never",
        "fake_initial": params["fake_initial"] != "never",
    }
