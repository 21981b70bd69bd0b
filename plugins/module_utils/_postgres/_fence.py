# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fence is called, how it is marked, and what to do from where it stands. Pure; target; PRIVATE to the collection.

A fenced database carries a mark in its comment, written in the transaction that renames it; so does a finished
safety copy. A killed run therefore never leaves a database of which a later run cannot tell what it is.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

MARK = "seamless.deploy fence "
MARK_VERSION = 1
NAME_BYTES = 63
#: From this size on, copying files costs less than writing every block to the WAL as well.
FILE_COPY_FROM = 256 << 20


@dataclasses.dataclass(frozen=True)
class Names:
    """A database and what a fence with one id calls its other forms."""

    database: str
    fenced: str
    copy: str
    failed: str


def names_of(database: str, fence_id: str) -> Names:
    """Raises DeployError for an id that cannot be part of a name, or a database that is no application's."""
    if not re.match(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", fence_id):
        raise DeployError(
            f"fence_id {fence_id!r} cannot be part of a database name; use letters, digits, '.', '_' and '-'"
        )
    if database in ("postgres", "template0", "template1"):
        raise DeployError(
            f"database {database!r} belongs to the server itself and is never fenced; name the application's database"
        )
    kinds = [_derived(database, kind, fence_id) for kind in ("fenced", "copy", "failed")]
    return Names(database, *kinds)


def _derived(database: str, kind: str, fence_id: str) -> str:
    name = f"{database}_{kind}_{fence_id}"
    if len(name.encode()) <= NAME_BYTES:
        return name
    # PostgreSQL would cut the end, where the ids differ: cut the middle, and let a digest tell them apart.
    tail = f"_{kind}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return database.encode()[: NAME_BYTES - len(tail)].decode(errors="ignore") + tail


@dataclasses.dataclass(frozen=True)
class Mark:
    """What a database made by a fence says of itself.

    kind: fenced, copy or failed. at: UTC. copy: of a fenced database, none, wanted or made.
    comment: what the application's database had as its comment. counters: when it was closed.
    opened: of a copy, the counters when the database was given back to the application with this copy kept.
    """

    kind: str
    database: str
    fence_id: str
    at: str
    copy: str = "none"
    comment: t.Optional[str] = None
    counters: t.Optional[dict[str, t.Any]] = None
    opened: t.Optional[dict[str, t.Any]] = None

    def to_comment(self) -> str:
        return MARK + json.dumps({"version": MARK_VERSION, **dataclasses.asdict(self)}, sort_keys=True)


def mark_of(comment: t.Optional[str]) -> t.Optional[Mark]:
    """The mark in a comment; None for every other comment. Raises DeployError for a newer version's mark."""
    if not comment or not comment.startswith(MARK):
        return None
    try:
        data = json.loads(comment[len(MARK) :])
    except ValueError:
        return None
    if data.pop("version", 0) > MARK_VERSION:
        raise DeployError("the fence was made by a newer release of seamless.deploy; use that release to open it")
    known = {field.name for field in dataclasses.fields(Mark)}
    return Mark(**{name: value for name, value in data.items() if name in known})


@dataclasses.dataclass(frozen=True)
class Database:
    """What the catalog says of one database. acl is None where nothing but the default was ever granted."""

    name: str
    oid: int
    owner: str
    size: int
    allows_connections: bool = True
    is_template: bool = False
    connection_limit: int = -1
    comment: t.Optional[str] = None
    acl: t.Optional[list[tuple[t.Optional[str], str, bool]]] = None
    settings: list[tuple[t.Optional[str], str, str]] = dataclasses.field(default_factory=list)
    tablespace: str = ""

    @property
    def mark(self) -> t.Optional[Mark]:
        return mark_of(self.comment)


@dataclasses.dataclass(frozen=True)
class Situation:
    """Which of the four databases exist."""

    names: Names
    original: t.Optional[Database] = None
    fenced: t.Optional[Database] = None
    copy: t.Optional[Database] = None
    failed: t.Optional[Database] = None

    @property
    def copy_is_made(self) -> bool:
        return self.copy is not None and self.copy.mark is not None

    @property
    def copy_was_wanted(self) -> bool:
        """Closing was broken off before the copy was complete: nothing has run behind this fence."""
        mark = self.fenced.mark if self.fenced else None
        return mark is not None and mark.copy == "wanted" and not self.copy_is_made


def plan_closed(now: Situation, safety_copy: bool) -> list[str]:
    """What is left to do until the fence is closed: fence, prove_unchanged, drop_partial_copy, copy. Raises DeployError."""
    names = now.names
    _refuse_two(now)
    if now.original:
        if now.copy and safety_copy:
            raise DeployError(
                f"the safety copy {names.copy!r} exists and is older than this moment; use another fence_id for a new one, "
                "or safety_copy=false to close the same fence again"
            )
        return ["fence", "copy"] if safety_copy else ["fence"]
    if not now.fenced:
        raise _missing(names)
    if not safety_copy or now.copy_is_made:
        return []
    if now.copy_was_wanted:
        return ["drop_partial_copy", "copy"] if now.copy else ["copy"]
    if now.copy:
        raise DeployError(
            f"a database {names.copy!r} exists that is no finished safety copy; rename or drop it, then run again"
        )
    mark = now.fenced.mark
    if mark is None or mark.copy == "made":
        raise DeployError(
            f"the safety copy {names.copy!r} of the fence is gone; the database stays fenced as {names.fenced!r}"
        )
    return ["prove_unchanged", "copy"]


def plan_open(now: Situation, restore: bool, drop_copy: bool) -> list[str]:
    """What is left to do until the database is open: reopen or swap, drop_partial_copy, drop_copy. Raises DeployError."""
    names = now.names
    _refuse_two(now)
    if not now.original and not now.fenced:
        raise _missing(names)
    if not now.fenced:
        if restore and now.copy_is_made:
            raise DeployError(
                f"the database {names.database!r} is open, so it cannot be exchanged for {names.copy!r}; "
                "close the fence first with the same fence_id and safety_copy=false"
            )
        return ["drop_copy"] if drop_copy and now.copy_is_made else []
    if restore and now.copy_is_made:
        if now.failed:
            raise DeployError(
                f"the name {names.failed!r} that the exchanged database would get is taken by an earlier one; drop or rename that first"
            )
        return ["swap"]
    if restore and not now.copy_was_wanted:
        raise DeployError(
            f"there is no safety copy {names.copy!r} to restore; nothing was changed, and the database stays fenced as {names.fenced!r}. "
            "Give it back as it stands with restore=false, or restore a backup"
        )
    if now.copy and not now.copy_is_made:
        return ["reopen", "drop_partial_copy"] if now.copy_was_wanted else ["reopen"]
    return ["reopen", "drop_copy"] if drop_copy and now.copy else ["reopen"]


def _refuse_two(now: Situation) -> None:
    if now.original and now.fenced:
        raise DeployError(
            f"both {now.names.database!r} and its fenced form {now.names.fenced!r} exist: something made a new database while the fence was "
            f"closed. Nothing was changed; if the new one is empty, drop it and run again"
        )


def _missing(names: Names) -> DeployError:
    return DeployError(
        f"the database {names.database!r} does not exist, nor does its fenced form {names.fenced!r}; correct database or fence_id"
    )


def strategy(size: int, major: int) -> str:
    """How CREATE DATABASE copies its template; "" where there is no choice."""
    if major < 15:
        return ""
    return "FILE_COPY" if size >= FILE_COPY_FROM else "WAL_LOG"


def removable(marks: dict[str, Mark], database: str, keep: int, older_than: str) -> list[str]:
    """Names of copies and failed databases of `database` beyond the newest `keep`, made before `older_than`.

    Nothing of a fence that is closed is ever among them.
    """
    closed = {mark.fence_id for mark in marks.values() if mark.kind == "fenced" and mark.database == database}
    own = {
        name: mark
        for name, mark in marks.items()
        if mark.database == database and mark.kind in ("copy", "failed") and mark.fence_id not in closed
    }
    newest_first = sorted(own, key=lambda name: (own[name].at, name), reverse=True)
    return [name for name in newest_first[max(keep, 0) :] if own[name].at < older_than]


def split_guc_list(value: str) -> list[str]:
    """The elements of a stored setting that is a list of names, such as `"$user", public`."""
    elements = re.findall(r'\s*(?:"((?:[^"]|"")*)"|([^,"]+))\s*(?:,|$)', value)
    return [quoted.replace('""', '"') if quoted or not plain.strip() else plain.strip() for quoted, plain in elements]
