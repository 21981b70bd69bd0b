# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of the state of an Alembic project and its database, in one run of env.py. Reads only.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import os
import typing as t

from .._alembic import _state, _told
from . import _alembic_chain, _alembic_describe, _alembic_drift, _alembic_plan, _alembic_setup
from ._protocol import BridgeError


def check(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `check`. A chain that Alembic cannot load is told all the same: env.py runs without loading it."""
    chain = _alembic_chain.check(arguments, answer)
    try:
        project = _alembic_setup.prepare(arguments, answer, "current")
        chain = _as_the_application_has_it(chain, project, arguments, answer)
        state = project.run(lambda heads, context: _read(project, chain, heads, context, arguments), reading=True)
    except BridgeError as exc:
        exc.detail.setdefault("findings", chain["findings"])  # they may say why
        raise
    findings = [*chain["findings"], *_state.findings(chain, state)]
    return {**chain, **_alembic_describe.of_project(project), **state, "findings": findings}


def _as_the_application_has_it(
    chain: t.Dict[str, t.Any], project: t.Any, arguments: t.Dict[str, t.Any], answer: t.Any
) -> t.Dict[str, t.Any]:
    """The chain of the directory that an application gives to Flask-Migrate, where its code does not show which one that is."""
    path = os.path.abspath(str(project.config.config_file_name or ""))
    if project.flask is None or arguments.get("config") or path == os.path.abspath(chain["config"]):
        return chain
    return _alembic_chain.check({**arguments, "config": path}, answer)


def _plan(
    project: t.Any, chain: t.Dict[str, t.Any], heads: t.Tuple[str, ...], context: t.Any, arguments: t.Dict[str, t.Any]
) -> t.Tuple[t.Dict[str, t.Any], str]:
    """(plan, why there is none). What a finding says already is not said again."""
    nothing: t.Dict[str, t.Any] = {"pending": [], "plan": []}
    if not chain["usable"] or _state.overlapping(chain, heads):
        return {**nothing, "missing": _state.unknown(chain, heads)}, ""
    try:
        wanted = {**arguments, "revision": "heads", "with_sql": True}
        return _alembic_plan.of_run(project, heads, context, wanted), ""
    except BridgeError as exc:
        return {**nothing, "missing": _state.unknown(chain, heads)}, exc.message


def _read(
    project: t.Any, chain: t.Dict[str, t.Any], heads: t.Tuple[str, ...], context: t.Any, arguments: t.Dict[str, t.Any]
) -> t.Dict[str, t.Any]:
    plan, no_plan = _plan(project, chain, heads, context, arguments)
    drift, not_compared = _alembic_drift.compare(context, project.metadata)
    return {
        **_alembic_describe.of_release(project, context),
        "current": sorted(heads),
        "applied": _told.applied(chain["history"], heads),
        "missing": plan["missing"],
        "pending": plan["pending"],
        "plan": plan["plan"],
        "no_plan": no_plan,
        "drift": drift,
        "not_compared": not_compared,
        "tables_without_revision": [] if heads else _alembic_drift.tables_of_models(context, project.metadata),
        "version_table": ".".join(name for name in (context.version_table_schema, context.version_table) if name),
    }
