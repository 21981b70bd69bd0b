# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the changes of all units of a release in one go. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._release import _programs
from ansible_collections.seamless.deploy.plugins.module_utils._service import _change, _define, _units
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._setup import manager_of


class Together:
    """One call of service_units. `results` tells of every unit that was reached, also when it fails."""

    def __init__(self, params: dict[str, t.Any], check_mode: bool, run: t.Callable[..., tuple]) -> None:
        self._params = params
        self._check_mode = check_mode
        self._run = run
        self._units: list[_units.Record] = params["units"]
        self._leaving: list[_units.Record] = params["leaving"]
        self._goes_on = _units.goes_on(params["state"], self._leaving)
        self._failed: list[_units.Change] = []
        self._defined: list[str] = []
        self._results: dict[str, _units.Result] = {}
        self.manager = manager_of(params, run)

    @property
    def results(self) -> list[_units.Result]:
        return list(self._results.values())

    def bring(self) -> dict[str, t.Any]:
        """Do all of it. Raises DeployError with the results so far."""
        _define.check([*self._units, *self._leaving], self.manager.reads)
        planned = _units.changes(self._params["state"], self._units, self._leaving, self._params["at_once"])
        try:
            if not self._goes_on:
                self._refuse_impossible(planned)
            with self.manager.together():
                self._remove_unknown([change.record for change in planned if change.state == "absent"])
                self._define()
                for change in planned:
                    self._do(change)
        except DeployError as exc:
            raise DeployError(exc.msg, **{**exc.result, "results": self.results}) from exc
        if self._failed:
            said = " ".join(f"{self._results[change.name]['msg'].rstrip('.')}." for change in self._failed)
            raise DeployError(said, results=self.results)
        return self._returned()

    def _returned(self) -> dict[str, t.Any]:
        return {
            "changed": bool(self._defined) or any(result["changed"] for result in self.results),
            "state": self._params["state"],
            "defined": self._defined,
            "results": self.results,
            "diff": {
                when: {name: result["diff"][when] for name, result in self._results.items()}
                for when in ("before", "after")
            },
            "warnings": list(dict.fromkeys(self.manager.warnings)),
        }

    def _options(self, change: _units.Change) -> dict[str, t.Any]:
        return _units.options(change, {**self._params, "step": _change.step_of(self._params)})

    def _refuse_impossible(self, planned: t.Sequence[_units.Change]) -> None:
        """Before the first unit is touched, look at all of them. Raises DeployError."""
        if self._params["state"] == "handed_over":
            _programs.check(self._units, os.path.exists)
        for change in {change.name: change for change in planned}.values():
            _change.refuse_impossible(self._options(change), self._check_mode, self._run, self.manager)

    def _remove_unknown(self, going: t.Sequence[_units.Record]) -> None:
        """Take away the definitions that the manager does not know: one it cannot read may keep it from reading any."""
        if self._check_mode:
            return
        defined = [record for record in going if os.path.lexists(str(record.get("definition") or ""))]
        unknown = [record for record in defined if not self._known(record)]
        for record in unknown:
            with contextlib.suppress(DeployError), self._recorded("service.remove", str(record["name"])):
                _define.remove(record)
        for record in unknown:
            with contextlib.suppress(DeployError):
                self.manager.forget(Unit(str(record["name"]), "worker"))

    def _known(self, record: _units.Record) -> bool:
        return self.manager.status(Unit(str(record["name"]), "worker")).known

    def _define(self) -> None:
        """Write what must be defined, and take it away again when the first start shows that it cannot be read."""
        if self._params["state"] != "handed_over":
            return
        pending = _define.pending(self._units, self._params["define"])
        self._defined = [str(record["name"]) for record, _text in pending]
        if not pending or self._check_mode:
            return
        try:
            with self._recorded("service.define", "", {"units": self._defined}):
                _define.write(pending)
            self.manager.read_definitions()
        except DeployError as exc:
            self._remove_unknown([record for record, _text in pending])
            if not self._goes_on:
                raise
            self.manager.warnings.append(exc.msg)

    def _recorded(
        self, action: str, subject: str, undo: t.Optional[dict[str, t.Any]] = None
    ) -> t.ContextManager[dict[str, t.Any]]:
        params = self._params
        step = _change.step_of(params)
        return journal_of(params).step(params["deploy_id"] or "", step, action, subject, {}, undo)

    def _do(self, change: _units.Change) -> None:
        reason = _units.held_back(change, self._failed)
        try:
            if reason:
                raise DeployError(reason)
            result = _change.change(self._options(change), self._check_mode, self._run, self.manager)
        except DeployError as exc:
            self._failed.append(change)
            self._results[change.name] = {
                "name": change.name,
                "state": change.state,
                "changed": True,
                "failed": True,
                "msg": exc.msg,
                **exc.result,
            }
            if not self._goes_on:
                raise
            return
        result.pop("warnings")
        before = self._results.get(change.name)
        self._results[change.name] = _units.merge(before, result)
