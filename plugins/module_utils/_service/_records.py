# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal records of a change of service, with what undoes it. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit


class Records:
    """Writes the journal records of one operation; `facts` are the options that name the manager and the health check."""

    def __init__(self, journal: Journal, deploy_id: str, step: str, facts: dict[str, t.Any]) -> None:
        self._journal = journal
        self._deploy_id = deploy_id
        self._step = step
        self._facts = facts

    @property
    def in_deploy(self) -> bool:
        return bool(self._deploy_id)

    def step(
        self, action: str, unit: Unit, undo: t.Optional[dict[str, t.Any]] = None, **detail: t.Any
    ) -> t.ContextManager[dict[str, t.Any]]:
        return self._journal.step(self._deploy_id, self._step, f"service.{action}", unit.name, detail, undo or {})

    def undone(self, action: str, unit: Unit) -> None:
        self._journal.append(self._deploy_id, self._step, f"service.{action}", "undone", unit.name)

    def arguments(self, unit: Unit, state: str, **more: t.Any) -> dict[str, t.Any]:
        """The options with which service_restart brings `unit` to `state`."""
        own = {
            "unit_class": unit.unit_class,
            "socket": unit.socket,
            "entrance": unit.entrance,
            "directory": unit.directory,
            "interpreter": unit.interpreter,
            "definition": unit.definition,
            **more,
        }
        return {"state": state, "name": unit.name, **self._facts, **{key: value for key, value in own.items() if value}}
