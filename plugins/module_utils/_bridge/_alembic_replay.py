# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the whole chain of revisions on an empty scratch database, one by one, so that the caller can read each catalog.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import hashlib
import typing as t

from . import _alembic_setup
from . import _exceptions as errors
from ._protocol import BridgeError
from ._statements import Count


def survey(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `plan` about the replay: the revisions in Alembic's own order, and what the database has on record."""
    import alembic
    import sqlalchemy

    project = _alembic_setup.prepare(arguments, answer, "current")
    versions = {"alembic": alembic.__version__, "sqlalchemy": sqlalchemy.__version__}
    revisions, broken = _revisions(project)
    # What env.py is told is as good as its text.
    environment = " ".join([_hash(f"{project.script.dir}/env.py"), *(project.config.cmd_opts.x or [])])
    told: t.Dict[str, t.Any] = {"env": environment, "warnings": project.warnings}

    def read(heads: t.Tuple[str, ...], context: t.Any) -> None:
        told.update(recorded=sorted(heads), table=context.version_table, schema=context.version_table_schema or "")

    if arguments.get("files_only"):
        return {**told, "revisions": revisions, "broken": broken, "versions": versions}
    project.run(read, reading=True)
    target = {"engine": project.target.engine, "name": project.target.name, "user": project.target.user}
    return {**told, "revisions": revisions, "broken": broken, "versions": versions, "target": target}


def _revisions(project: t.Any) -> t.Tuple[t.List[t.Dict[str, t.Any]], str]:
    """Every revision with what it comes after; or why Alembic cannot load them."""
    from alembic.util import CommandError

    try:
        steps = project.script._upgrade_revs("heads", ())
        return [_described(step.revision) for step in steps], ""
    except (CommandError, KeyError) as exc:
        return [], errors.summary(exc)
    except Exception as exc:  # a file that cannot be imported
        place = errors.place_of(exc)
        return [], f"a revision file cannot be loaded: {errors.summary(exc)}{', at ' + place if place else ''}"


def _described(revision: t.Any) -> t.Dict[str, t.Any]:
    return {
        "id": revision.revision,
        "parents": sorted(set(revision._all_down_revisions)),
        "message": revision.doc,
        "sha256": _hash(revision.path),
    }


def _hash(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def replay(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `apply` about the replay, on the empty database `database_name`.

    Progress: `replayed` of each revision with its number, from 1. It is waited for from the number `known` on, so that the
    caller can read the catalog; 0 is before the first one. A revision that fails ends the replay and is no error: `stopped`.
    """
    if not arguments.get("database_name"):
        raise BridgeError("request", "a replay needs database_name, the scratch database")
    project = _alembic_setup.prepare({**arguments, "other_databases": "refuse"}, answer)
    run = _Replay(project, answer, int(arguments.get("known") or 0))
    with run.listening():
        return run.to_the_end()


class _Replay:
    def __init__(self, project: t.Any, answer: t.Any, known: int) -> None:
        self._project, self._answer, self._known = project, answer, known
        self._number = 0
        self._left: t.List[t.Any] = []
        self._count = Count("alembic_version")

    def to_the_end(self) -> t.Dict[str, t.Any]:
        told = {"table": "", "schema": ""}

        def begin(heads: t.Tuple[str, ...], context: t.Any) -> t.Any:
            told.update(table=context.version_table, schema=context.version_table_schema or "")
            if not self._number and not self._left:
                self._count.versions = context.version_table
                self._left = list(self._project.script._upgrade_revs("heads", heads))
                self._tell("")
            # env.py may keep one transaction around everything: then each revision has a run of its own, or nobody could look
            return self._left[:1] if self._project.enclosed else _Steps(self._left, self._done)

        try:
            while True:
                self._project.run(begin)
                if not self._project.enclosed or not self._left:
                    break
                self._done(self._left.pop(0))
                if not self._left:
                    break
        except BridgeError as exc:
            if not self._left or exc.kind not in ("env", "migrations"):
                raise
            return {**told, "stopped": self._failed(exc.message)}
        except Exception as exc:
            if not self._left:
                raise
            place = errors.place_of(exc)
            return {**told, "stopped": self._failed(errors.summary(exc) + (f", at {place}" if place else ""))}
        return {**told, "stopped": {}}

    def _failed(self, reason: str) -> t.Dict[str, str]:
        return {"revision": self._left[0].revision.revision, "reason": reason}

    def _done(self, step: t.Any) -> None:
        """One revision was applied and committed."""
        self._number += 1
        self._tell(step.revision.revision)

    def _tell(self, revision: str) -> None:
        told = {"number": self._number, "id": revision, **self._count.taken()}
        if self._number >= self._known:
            self._answer.ask("replayed", **told)
        else:
            self._answer.progress("replayed", **told)

    @contextlib.contextmanager
    def listening(self) -> t.Iterator[None]:
        """Count the statements of every engine."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        def count(_connection: t.Any, _cursor: t.Any, statement: str, *_more: t.Any) -> None:
            self._count.add(statement)

        event.listen(Engine, "before_cursor_execute", count)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", count)


class _Steps(t.List[t.Any]):
    """Revisions for Alembic's loop; once it comes for the next one, the last one is applied."""

    def __init__(self, steps: t.List[t.Any], done: t.Callable[[t.Any], None]) -> None:
        super().__init__(steps)
        self._open, self._tell = steps, done

    def __iter__(self) -> t.Iterator[t.Any]:
        for step in list(self._open):
            yield step
            self._open.pop(0)
            self._tell(step)


def merge(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `apply` about a merge: writes the revision that brings `heads` together, from the project's own template."""
    from alembic.util import CommandError, rev_id

    project = _alembic_setup.prepare(arguments, answer, "merge")
    try:
        script = project.script.generate_revision(
            rev_id(), arguments["message"], refresh=True, head=tuple(arguments["heads"]), splice=False
        )
    except (CommandError, KeyError, OSError) as exc:
        raise BridgeError("migrations", f"the merge revision cannot be written: {errors.summary(exc)}") from None
    return {"revision": script.revision, "path": script.path}
