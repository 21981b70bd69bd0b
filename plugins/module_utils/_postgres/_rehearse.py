# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsing a plan on a scratch copy of a PostgreSQL database. Target; PRIVATE to the collection."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _round_trip
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, Outcome
from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import (
    _borrowed,
    _clients,
    _limits,
    _restored,
    _scratch,
    _snapshot,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._archive import Run
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clone import Clone, dumping
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows, server_version
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_following import Following
from ansible_collections.seamless.deploy.plugins.module_utils._rehearsal import Rehearsed
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

_OWNER = "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database WHERE datname = %s"
#: Seconds after which the bridge ends itself, when the database has not ended it by then.
GRACE = 2


class NotLoaded(DeployError):
    """The application could not even be loaded beside a copy in the making."""


class Copying(t.NamedTuple):
    """A copy of the schema in the making: whether its tables are there, with the history of migrations, and whether all of it is."""

    tables: concurrent.futures.Future
    whole: concurrent.futures.Future

    def wait_for_tables(self) -> None:
        """Raises DeployError where the copy fails."""
        concurrent.futures.wait(self, return_when=concurrent.futures.FIRST_COMPLETED)
        if not self.tables.done():
            self.whole.result()


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """Where and with what to rehearse. source: the production database, as admin. role: whom the application connects as.

    now: UTC, ISO 8601. alias: the project's name of the database. scratch_database: one made beforehand, "" to make one.
    round_trip: whether the plan is also taken back there, and applied again.
    """

    source: DatabaseConnection
    role: str
    bridge: Bridge
    run: Run
    now: str
    client_path: str = ""
    alias: str = "default"
    scratch_database: str = ""
    round_trip: bool = False

    def production(self) -> Snapshot:
        """The catalog as it is, with its real sizes. Raises DeployError."""
        with connected(self.source, "database_name") as opened:
            return _snapshot.take(opened, self.source.database, self.now)

    def on_schema(self, begun: t.Callable[[], t.Any] = lambda: None) -> tuple[Rehearsed, dict[str, t.Any]]:
        """Run the plan on a clone without rows; what the bridge answered beside it. Raises DeployError where there can be no clone.

        begun: called when the first migration begins: making the copy keeps two processors busy, and migrating hardly one.
        """
        with self._cloning() as (target, copying):
            try:
                return self._rehearse(target, copying, begun)
            except NotLoaded:
                copying.whole.result()
            # An application that looks into its database when it is loaded may want it whole.
            return self._rehearse(target, begun=begun)

    def why_not_in_one_transaction(self, undone: t.Optional[Rehearsed] = None) -> str:
        """Run the whole plan in one transaction on a clone without rows: what fails, "" for nothing. Raises DeployError.

        undone: what was rehearsed, where it is also to be taken back there, in another one, so that nothing of it is left.
        """
        with self._cloning() as (target, copying):

            def watch(event: dict[str, t.Any]) -> None:
                copying.whole.result()

            request = {
                "about": "rehearsal",
                "alias": self.alias,
                "database_name": target.database,
                "one_transaction": True,
            }
            outcome = self.bridge.attempt("apply", watch=watch, loaded_first=True, **request)
            if outcome.error or undone is None:
                return outcome.error.msg if outcome.error else ""
            if outcome.result.get("signal_rows"):
                return "receivers of pre_migrate and post_migrate write rows, and that is not taken back"
            names = [migration.id for migration in undone.plan]
            outcome = self.bridge.attempt("apply", watch=watch, migrations=names, backwards=True, **request)
            if outcome.error:
                return outcome.error.msg
            with connected(target, "database_name") as opened:
                left = _round_trip.changes(undone.catalogs[0], _snapshot.take(opened, target.database, self.now))
            return f"taken back, it leaves {'; '.join(left)}" if left else ""

    @contextlib.contextmanager
    def _cloning(self) -> t.Iterator[tuple[DatabaseConnection, Copying]]:
        """A scratch database, and its copy of the schema in the making."""
        with connected(self.source, "database_name") as opened:
            version, role = server_version(opened), self._role(opened)
        client = _clients.choose(_clients.find_clients(self.run, self.client_path), version, self.client_path, False)
        with contextlib.ExitStack() as stack:
            dumped = stack.enter_context(dumping(self.run, self.source, client))
            name, superuser = stack.enter_context(self._scratch(role))
            beside = stack.enter_context(concurrent.futures.ThreadPoolExecutor(1))
            clone = Clone(self.source, self.source.to_database(name), client, superuser, role)
            tables: concurrent.futures.Future = concurrent.futures.Future()
            whole = beside.submit(clone.make, self.run, dumped, lambda: tables.set_result(None))
            yield clone.target, Copying(tables, whole)

    def on_data(
        self, backup: str, limits: _limits.DataLimits, expected: t.Sequence[Snapshot] = ()
    ) -> tuple[Rehearsed, dict[str, t.Any]]:
        """Run the plan on a backup of pg_backup, restored; what the bridge answered, and `data`: seconds and bytes of the copy.

        expected: the catalogs of the rehearsal on the schema, from which follows what to ask of the rows when a migration fails.
        Raises DeployError; its kind is `limits` where the copy would take, or has taken, too much.
        """
        found = _restored.backup_at(backup, self.source.database)
        with connected(self.source, "database_name") as opened:
            version, role = server_version(opened), self._role(opened)
            _limits.check_room(opened, self.source, limits)
        clients = _clients.find_clients(self.run, self.client_path)
        client = _restored.client_for(found, clients, version, self.client_path)
        with self._scratch(role) as (name, superuser):
            copy = _restored.Restored(found, self.source.to_database(name), client, superuser, role)
            data: dict[str, t.Any] = {}
            began = time.monotonic()
            with _limits.Deadline(self.source, name, limits.seconds) as deadline:
                copy.make(self.run)
                data.update(seconds=round(time.monotonic() - began, 3), bytes=self._size(name))
                rehearsed, answer = self._rehearse(copy.target, seconds=deadline.left() + GRACE)
                rehearsed = _asked(dataclasses.replace(rehearsed, kind="data"), expected, copy, deadline)
                data.update(bytes_after=self._size(name))
            return rehearsed, {**answer, "data": data}

    def _size(self, name: str) -> int:
        with connected(self.source, "database_name") as opened:
            return int(rows(opened, "SELECT pg_catalog.pg_database_size(%s::name)", (name,))[0][0])

    def _role(self, opened: t.Any) -> str:
        return self.role or str(rows(opened, _OWNER, (self.source.database,))[0][0])

    def _scratch(self, role: str) -> t.Any:
        if self.scratch_database:
            return _borrowed.borrowed(self.source, self.scratch_database, self.source.database, role)
        return _scratch.scratch(self.source, self.source.database, role)

    def _rehearse(
        self,
        target: DatabaseConnection,
        copying: t.Optional[Copying] = None,
        begun: t.Callable[[], t.Any] = lambda: None,
        **more: t.Any,
    ) -> tuple[Rehearsed, dict[str, t.Any]]:
        """copying: the copy, while the application is loaded already; None when it is there."""
        catalogs: list[Snapshot] = []

        with connected(target, "database_name") as opened, concurrent.futures.ThreadPoolExecutor(1) as beside:
            following = Following(opened, target.database, self.now)

            def watch(event: dict[str, t.Any]) -> None:
                if copying and event["what"] == "history":
                    copying.wait_for_tables()
                elif copying and event["what"] == "loaded":
                    copying.whole.result()
                    # The first takes longest, and the application has its checks to do.
                    beside.submit(following.take)
                else:
                    catalogs.append(beside.submit(following.take).result())
                    if event["what"] == "begin":
                        begun()

            outcome = self.bridge.attempt(
                "apply",
                watch=watch,
                about="rehearsal",
                alias=self.alias,
                database_name=target.database,
                loaded_first=copying is not None,
                **more,
            )
            if copying and outcome.error and not any(event["what"] == "loaded" for event in outcome.progress):
                raise NotLoaded(outcome.error.msg)
            rehearsed = rehearsed_of(outcome, catalogs)
            returned: list[_round_trip.Returned] = []
            if self.round_trip and not outcome.error:
                request = {"alias": self.alias, "database_name": target.database, **more}
                returned = _round_trip.drive(self.bridge, request, rehearsed, following.take)
        # What the release demands is known also where a migration failed, but nothing is proven past a receiver that did not run.
        beginning = next(event for event in outcome.progress if event["what"] == "begin")
        unproven = outcome.error is not None and _kept_away(outcome.error, beginning)
        told = {"sandbox": beginning["sandbox"], "round_trip": returned}
        return rehearsed, {**told, **({} if unproven else beginning["release"]), **outcome.result}


def _asked(
    rehearsed: Rehearsed, expected: t.Sequence[Snapshot], copy: _restored.Restored, deadline: _limits.Deadline
) -> Rehearsed:
    """With the rows that the migration which failed cannot stand: it was rolled back, so they are still there."""
    last = len(rehearsed.told) - 1
    if last < 0:
        return rehearsed
    event = rehearsed.told[last]
    questions = _restored.blamed(event, rehearsed.plan[last].data, expected[last : last + 2])
    if not questions:
        return rehearsed
    answers = [dataclasses.asdict(one) for one in copy.violations(questions, deadline.left)]
    return dataclasses.replace(rehearsed, told=[*rehearsed.told[:last], {**event, "violations": answers}])


def rehearsed_of(outcome: Outcome, catalogs: list[Snapshot]) -> Rehearsed:
    """Raises DeployError where the plan could not even begin."""
    begun = [event for event in outcome.progress if event["what"] == "begin"]
    told = [event for event in outcome.progress if event["what"] == "evidence"]
    if outcome.error and (not begun or not (told and told[-1]["failure"] or _kept_away(outcome.error, begun[0]))):
        raise outcome.error
    return Rehearsed([Migration.from_json(one) for one in begun[0]["plan"]], told, catalogs)


def _kept_away(error: DeployError, begun: dict[str, t.Any]) -> bool:
    """Whether a receiver of a signal has failed only because it was rehearsed without network, or without a file to write."""
    return begun["sandbox"] != "none" and error.result.get("kind") == "signal" and bool(error.result.get("kept_away"))
