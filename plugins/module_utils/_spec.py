# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs of the shared doc fragments, same names, same defaults. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection, parse_url
from ansible_collections.seamless.deploy.plugins.module_utils._journal import BACK, STEPS


def journal_spec() -> dict[str, t.Any]:
    """Options of the fragment `_journal`."""
    return {
        "journal": {"type": "path"},
        "deploy_id": {"type": "str"},
        "lock_id": {"type": "str"},
        "step": {"type": "str", "choices": [*STEPS, BACK]},
    }


#: `required_by` of every module that takes journal_spec().
JOURNAL_REQUIRED_BY = {"journal": ["deploy_id"]}


def postgresql_spec() -> dict[str, t.Any]:
    """Options of the fragment `_postgresql`."""
    return {
        "login_url": {"type": "str", "no_log": True},
        "login_host": {"type": "str"},
        "login_port": {"type": "int"},
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
    }


def proof_spec() -> dict[str, t.Any]:
    """Options of the fragment `_proof`."""
    return {"cache_path": {"type": "path"}, "role": {"type": "str"}, "scratch_database": {"type": "str"}}


def connection_from(params: dict[str, t.Any], role: str) -> DatabaseConnection:
    """The connection that the options of `postgresql_spec` describe. Raises DeployError."""
    if params.get("login_url"):
        base = parse_url(params["login_url"], role, "login_url")
    else:
        base = DatabaseConnection(role, database="postgres")
    named = {
        "host": params.get("login_host"),
        "port": params.get("login_port"),
        "user": params.get("login_user"),
        "password": params.get("login_password"),
    }
    return dataclasses.replace(base, **{name: value for name, value in named.items() if value not in (None, "")})
