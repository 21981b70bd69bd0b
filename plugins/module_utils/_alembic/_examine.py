# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at code, record and catalog of one database, and says what is wrong between them. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _ddl, _replay
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, atoms, bare, differences
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._detect import detect
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._diagnosis import diagnose
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._look import Looked, look
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._repair import Case, facts
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._replay_cache import Cache
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge


def case_of(
    looked: Looked, bridge: Bridge, params: t.Dict[str, t.Any], among: t.Optional[_replay.Survey] = None
) -> Case:
    """Replay and compare. among: revisions in place of those that the files have. Raises DeployError."""
    survey = among or looked.code
    _replay.require_chain(survey)
    arguments = {name: value for name, value in looked.arguments.items() if name != "database_name"}
    cache = Cache(params.get("cache_path") or "")
    history = _replay.replayed(bridge, looked.place, survey, cache, arguments)
    whole = atoms(looked.place.look())
    real = looked.clean(whole)
    ignore = params.get("ignore") or []
    # What a revision has made that is not here any more looks as if it were of others.
    strict = among is not None or history.up_to(looked.code.recorded) is None
    found = detect(history, real, looked.code.recorded, ignore, strict)
    return Case(
        looked.place.dialect,
        history,
        real,
        found,
        diagnose(history, found, looked.code.recorded),
        _versions(whole, looked),
        list(params.get("revisions") or []),
        list(ignore),
        strict,
    )


def told(params: t.Dict[str, t.Any], bridge: Bridge, now: str) -> t.Dict[str, t.Any]:
    """The diagnosis, and what the database has otherwise than its recorded revision builds. Raises DeployError."""
    looked = look(params, bridge, now)
    case = case_of(looked, bridge, params)
    on_record = case.history.up_to(case.recorded) if case.recorded else None
    found = None if on_record is None else differences(case.history.state(on_record), case.own(case.real))
    return {name: value for name, value in facts(case.diagnosis, found).items() if name != "before"}


def _versions(whole: Atoms, looked: Looked) -> t.Tuple[str, bool]:
    """The table of versions as a statement takes it, and whether it is there."""
    wanted = (looked.code.versions or ["alembic_version"])[0]
    there = sorted(path[2] for path in whole if path[0] == "table" and bare(path[2]) == wanted)
    in_schema = [name for name in there if name == f"{looked.code.schema}.{wanted}"] or there
    if in_schema:
        return _ddl.qualified(in_schema[0]), True
    if looked.place.dialect == "sqlite":
        return _ddl.quoted(wanted), False
    return _ddl.qualified(f"{looked.code.schema or 'public'}.{wanted}"), False
