# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal on disk: append with fsync, read, and the write-ahead step. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import socket
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files, _journal
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal import JournalRecord, check_record
from ansible_collections.seamless.deploy.plugins.module_utils._lock import Lock


def utc_now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Journal:
    """The journal of one application on one host. Methods raise DeployError.

    lock_id: the deploy that holds the lock, where it acts for another one whose records these are: a recovery.
    """

    def __init__(self, path: str, now: t.Callable[[], str] = utc_now, lock_id: str = "") -> None:
        self.path = path
        self.lock_id = lock_id
        self._now = now

    def append(
        self,
        deploy_id: str,
        step: str,
        action: str,
        event: str,
        subject: str = "",
        detail: t.Optional[dict[str, t.Any]] = None,
        undo: t.Optional[dict[str, t.Any]] = None,
    ) -> JournalRecord:
        """Write one record; it is on disk when this returns."""
        record = JournalRecord(
            deploy_id, self._now(), socket.gethostname(), step, action, event, subject, detail or {}, undo or {}
        )
        check_record(record)
        line = json.dumps(record.to_json(), sort_keys=True, ensure_ascii=False) + "\n"
        try:
            self._write(line.encode("utf-8"))
        except OSError as exc:
            raise DeployError(
                f"the deploy journal {self.path} cannot be written: {exc.strerror}; "
                "nothing is done that could not be recorded before"
            ) from exc
        return record

    def _write(self, line: bytes) -> None:
        new = not os.path.exists(self.path)
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # a torn last line of a crash must not swallow this record
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            _files.sync(os.path.dirname(self.path))

    def read(self) -> list[JournalRecord]:
        """All records, oldest first. A torn last line is left out: it was never acknowledged."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                lines = file.read().split("\n")
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise DeployError(f"the deploy journal {self.path} cannot be read: {exc.strerror}") from exc
        records = []
        for line in lines:
            with contextlib.suppress(ValueError):
                records.append(JournalRecord.from_json(json.loads(line)))
        return records

    def check_holder(self, deploy_id: str) -> None:
        """Refuse to act for a deploy that another one has taken over: its play may have been cut off and come back late."""
        deploy_id = self.lock_id or deploy_id
        holder = Lock(os.path.join(os.path.dirname(self.path), "lock")).holder()
        if holder and holder.deploy_id != deploy_id:
            raise DeployError(
                f"deploy {deploy_id} was taken over, and nothing more is done for it: {holder.sentence()}. Wait for that one, then "
                "deploy again",
                holder=holder.to_json(),
            )
        if holder is None and _journal.ending(self.read(), deploy_id):
            raise DeployError(
                f"deploy {deploy_id} has ended already, by another run, and nothing more is done for it. Read with status.yml what "
                "stands, then deploy again"
            )

    @contextlib.contextmanager
    def step(
        self,
        deploy_id: str,
        step: str,
        action: str,
        subject: str = "",
        detail: t.Optional[dict[str, t.Any]] = None,
        undo: t.Optional[dict[str, t.Any]] = None,
    ) -> t.Iterator[dict[str, t.Any]]:
        """Record the intent, let the caller act, record what came of it.

        Yields a dict: what the caller puts there becomes the detail of the closing record.
        """
        self.check_holder(deploy_id)
        self.append(deploy_id, step, action, "intent", subject, detail, undo)
        outcome: dict[str, t.Any] = {}
        try:
            yield outcome
        except DeployError as exc:
            self.append(deploy_id, step, action, "failed", subject, {**outcome, "reason": exc.msg}, undo)
            raise
        except BaseException as exc:
            self.append(deploy_id, step, action, "failed", subject, {"reason": type(exc).__name__}, undo)
            raise
        self.append(deploy_id, step, action, "done", subject, outcome, undo)


class NoJournal(Journal):
    """Stands in where a module is used outside a deploy: nothing is recorded."""

    def __init__(self) -> None:
        super().__init__("")

    def check_holder(self, deploy_id: str) -> None:
        """Outside a deploy nobody holds anything."""

    def append(self, deploy_id: str, step: str, action: str, event: str, *rest: t.Any, **named: t.Any) -> JournalRecord:
        return JournalRecord(deploy_id, "", "", step, action, event)


def journal_of(params: dict[str, t.Any]) -> Journal:
    """The journal that the common options name, or none."""
    if not params.get("journal"):
        return NoJournal()
    return Journal(params["journal"], lock_id=params.get("lock_id") or "")
