# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries one action of alembic_repair out: looked at, planned, backed up, recorded, done, proven. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import (
    _changing,
    _examine,
    _files,
    _look,
    _repair,
    _repair_files,
    _replay,
)
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._place import PostgresPlace
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _backup as _postgres_backup
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._dump import STAMP, DumpFormat
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _backup as _sqlite_backup

ACTION = "database.repair"
FILE_ACTIONS = ("merge_heads", "reparent")
LABEL = "repair"

Result = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Repairing:
    """One call of the module. now: seconds since the epoch."""

    params: t.Dict[str, t.Any]
    check_mode: bool
    bridge: Bridge
    run_command: t.Callable[..., t.Tuple[int, str, str]]
    journal: Journal
    now: float

    def run(self) -> Result:
        """Return values of the module. Raises DeployError."""
        action = self.params["action"]
        if action in FILE_ACTIONS:
            _repair_files.refuse_release(self.params["chdir"])
        looked = _look.look(self.params, self.bridge, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now)))
        if action == "merge_heads":
            return self._merge(looked)
        if action == "reparent":
            return self._reparent(looked)
        return self._database(looked)

    # -- the database ----------------------------------------------------

    def _database(self, looked: _look.Looked) -> Result:
        case = _examine.case_of(looked, self.bridge, self.params)
        repair = self._planned(case, looked)
        if not repair.changed:
            return self._answer(case, repair, "")
        backup = self._backup(looked)
        if not self.check_mode:
            with self._recorded(looked.place.name, {"before": case.recorded, "after": repair.after}):
                _changing.carry_out(looked.place, repair, looked.clean, self.params["lock_timeout"])
        return self._answer(case, repair, backup)

    def _planned(self, case: _repair.Case, looked: _look.Looked) -> _repair.Repair:
        action = self.params["action"]
        if action == "reset":
            heads = case.history.heads(frozenset(range(len(case.history.steps))))
            name = os.path.basename(looked.place.name)
            return _repair.reset(case, heads, self.params["confirm"] or "", name)
        plans = {
            "stamp": _repair.stamp,
            "create_missing": _repair.create_missing,
            "drop_leftovers": _repair.drop_leftovers,
        }
        return plans[action](case)

    def _answer(self, case: _repair.Case, repair: _repair.Repair, backup: str) -> Result:
        warnings = [
            f"{name} changes rows too, and no catalog tells whether it ran on this database; look whether its rows are there"
            for name in repair.unseen
        ]
        lines = [f"recorded: {', '.join(heads) or 'nothing'}\n" for heads in (case.recorded, repair.after)]
        return {
            "changed": repair.changed,
            **_repair.facts(case.diagnosis),
            "after": repair.after,
            "statements": [*repair.alone, *repair.statements],
            "files": [],
            "backup": backup,
            "warnings": warnings,
            "diff": {"before": lines[0], "after": lines[1] + "".join(f"{each};\n" for each in repair.statements)},
        }

    def _backup(self, looked: _look.Looked) -> str:
        """The path of a proven backup; in check mode where it would be. Raises DeployError."""
        dest = self.params["backup_dest"]
        if not dest:
            raise DeployError(
                "backup_dest is not set, and nothing is repaired without a backup; name a directory for it"
            )
        deploy_id, step = self.params["deploy_id"] or "", self.params["step"] or "migrate"
        done: Result
        if isinstance(looked.place, PostgresPlace):
            dump = DumpFormat("custom", 1, "gzip", None)
            client = self.params["client_path"] or ""
            request = _postgres_backup.Request(
                [looked.place.name], dest, dump, LABEL, None, client, deploy_id=deploy_id
            )
            planned = _postgres_backup.plan(request, looked.place.source, self.run_command, self.now)
            if self.check_mode:
                done = _postgres_backup.announced(planned)
            else:
                done = _postgres_backup.carry_out(planned, self.run_command, self.journal, step, self.now)
        else:
            file_request = _sqlite_backup.Request([looked.place.name], dest, LABEL, deploy_id=deploy_id)
            file_plan = _sqlite_backup.plan(file_request, self.now)
            if self.check_mode:
                done = _sqlite_backup.announced(file_plan)
            else:
                done = _sqlite_backup.carry_out(file_plan, self.journal, step, self.now)
        return str(done["backups"][0]["path"])

    def _recorded(self, subject: str, detail: Result) -> t.Any:
        deploy_id, step = self.params["deploy_id"] or "", self.params["step"] or "migrate"
        return self.journal.step(deploy_id, step, ACTION, subject, {"repair": self.params["action"], **detail})

    # -- the files -------------------------------------------------------

    def _merge(self, looked: _look.Looked) -> Result:
        chain = _files.read_project(self.params["chdir"], self.params["config"] or "").chain
        case = _examine.case_of(looked, self.bridge, self.params)
        if len(chain.heads) < 2:
            return self._of_files(_repair.facts(case.diagnosis), [], list(chain.heads))
        _repair_files.refuse_merge(case.history, chain.heads)
        message = self.params["revision_message"] or f"Merge {' and '.join(chain.heads)}"
        path, after = "", list(chain.heads)
        if not self.check_mode:
            with self._recorded(self.params["chdir"], {"before": list(chain.heads)}) as outcome:
                done, _progress = self.bridge.call(
                    "apply", about="merge", heads=list(chain.heads), message=message, **looked.arguments
                )
                path, after = done["path"], [done["revision"]]
                outcome.update(after=after, path=path)
        diff = {"before": "", "after": f"a revision with down_revision = {tuple(chain.heads)!r}\n"}
        return {**self._of_files(_repair.facts(case.diagnosis), [path], after), "changed": True, "diff": diff}

    def _reparent(self, looked: _look.Looked) -> Result:
        project = _files.read_project(self.params["chdir"], self.params["config"] or "")
        child = _repair_files.broken(project.chain, self.params["child"] or "")
        if not child:
            return self._of_files({}, [], list(project.chain.heads))
        parent = _repair_files.parent_of(project.chain, child, self.params["parent"] or "")
        path = project.chain.revisions[child].path
        before = project.revisions[path]
        text = _repair_files.reparented(before, parent)
        told = self._proven(looked, path, text, child, parent)
        place = os.path.join(self.params["chdir"], path)
        backup = ""
        if not self.check_mode:
            dest = self.params["backup_dest"]
            if not dest:
                raise DeployError(
                    "backup_dest is not set, and no file is changed without a copy of it; name a directory for it"
                )
            backup = _repair_files.keep_copy(place, dest, time.strftime(STAMP, time.gmtime(self.now)))
            with self._recorded(place, {"revision": child, "parent": parent}):
                _repair_files.write(place, text)
        result = self._of_files(told, [place], told["after"])
        return {**result, "changed": True, "backup": backup, "diff": {"before": before, "after": text}}

    def _proven(self, looked: _look.Looked, path: str, text: str, child: str, parent: str) -> Result:
        """What the chain with that parent builds, and that it is the database. Raises DeployError where it is not."""
        with _repair_files.copy_of(self.params["chdir"]) as copied:
            _repair_files.write(os.path.join(copied, path), text)
            bridge = self.bridge.elsewhere(copied)
            told, _progress = bridge.call("plan", about="replay", files_only=True, **looked.arguments)
            survey = dataclasses.replace(
                _replay.survey_of(told), versions=looked.code.versions, recorded=looked.code.recorded
            )
            _replay.require_chain(survey)
            case = _examine.case_of(looked, bridge, self.params, survey)
        facts = _repair.facts(case.diagnosis)
        if not case.found.proven:
            raise DeployError(
                f"reparent is not proven: with {parent} as the parent of {child} {case.diagnosis.sentence}; what is different was "
                "made by the revision whose file is gone: bring that file back from the history of the repository",
                **{**facts, "kind": "not_proven"},
            )
        return {**facts, "after": case.history.heads(frozenset(range(len(case.history.steps))))}

    def _of_files(self, told: Result, paths: t.List[str], after: t.List[str]) -> Result:
        nothing: Result = {"diagnosis": {}, "before": [], "differences": [], "text": ""}
        return {
            **nothing,
            **told,
            "changed": False,
            "after": after,
            "statements": [],
            "files": [path for path in paths if path],
            "backup": "",
            "warnings": [],
            "diff": {"before": "", "after": ""},
        }
