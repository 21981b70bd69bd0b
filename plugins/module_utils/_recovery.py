# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the database when a deploy is undone: the decision. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _journal

MIGRATE, FENCE, OPEN, RESTORE = "database.migrate", "database.fence", "database.open", "database.restore"
BACKUP = "database.backup"


@dataclasses.dataclass(frozen=True)
class DatabaseFacts:
    """What the journal says of the database in one deploy.

    applied: migrations that stand applied now. doubtful: more may have happened (a non-atomic migration failed, or
    nothing is on record after the intent). fenced: writers are kept out now, and it is called fenced_name. opened: they were, and are back.
    copy: name of the safety copy, "" without one. left_behind: half of a migration stands, as its failure said.
    left: a way back has decided already that it stays as it is. undoable: migrations of which it is proven that to take them back,
    all together, loses nothing that was there before. saved: path of the backup that was made in the stop, right before the migrations,
    "" without one.
    """

    applied: tuple[str, ...] = ()
    doubtful: bool = False
    fenced: bool = False
    fenced_name: str = ""
    opened: bool = False
    copy: str = ""
    left_behind: bool = False
    left: bool = False
    undoable: tuple[str, ...] = ()
    saved: str = ""

    @property
    def touched(self) -> bool:
        return bool(self.applied) or self.doubtful


@dataclasses.dataclass(frozen=True)
class Recovery:
    """action: leave, open (let writers in), restore, restore_if_unchanged, undo (take the migrations back), undo_if_unchanged,
    or ask (a person must choose).

    otherwise: what holds instead of `sentence` where restore_if_unchanged or undo_if_unchanged finds that something was written.
    migrations: what undo takes back.
    """

    action: str
    sentence: str
    otherwise: str = ""
    migrations: tuple[str, ...] = ()


def facts(records: t.Iterable[_journal.JournalRecord], deploy_id: str) -> DatabaseFacts:
    """The facts of one deploy, from its records in order."""
    found = DatabaseFacts()
    for record in _journal.of_deploy(records, deploy_id):
        if record.action == MIGRATE:
            found = _after_migrate(found, record)
        elif record.action == BACKUP and record.step == "migrate" and record.event == "done":
            found = dataclasses.replace(found, saved=str(record.detail.get("path", "")))
        elif record.action == FENCE and record.event in ("intent", "done", "failed"):
            copy = str(record.undo.get("copy_name", "")) if record.event == "done" else found.copy
            # On a way back it is closed again, over what the application may have written in between.
            opened = found.opened and record.step == _journal.BACK
            name = str(record.undo.get("fenced_name", ""))
            found = dataclasses.replace(found, fenced=True, fenced_name=name, opened=opened, copy=copy)
        elif record.action == OPEN and record.event == "done":
            found = dataclasses.replace(found, fenced=False, fenced_name="", opened=True)
        elif record.action == RESTORE and record.event == "done":
            found = DatabaseFacts()
    return found


def _after_migrate(found: DatabaseFacts, record: _journal.JournalRecord) -> DatabaseFacts:
    if record.undo.get("backwards"):
        # All of it or nothing: before it is done, it is still to be done.
        gone = dataclasses.replace(found, applied=(), doubtful=False, undoable=())
        return gone if record.event == "done" else found
    if record.event == "intent":
        undoable = tuple(record.undo["applying"]) if record.undo.get("undo_proven") else ()
        doubtful = bool(record.undo.get("applying", True))
        return dataclasses.replace(found, doubtful=doubtful, left_behind=False, undoable=undoable)
    if record.event == "left":
        return dataclasses.replace(found, left=True)
    if record.event in ("done", "failed"):
        if "applied" not in record.detail:
            return found  # it was ended before it could say what it had done
        applied = tuple(record.detail["applied"])
        half = bool(record.detail.get("left_behind", False))
        return dataclasses.replace(found, applied=applied, doubtful=half, left_behind=half)
    return found


def decide(found: DatabaseFacts, compatible: bool) -> Recovery:
    """The first row that fits; `compatible`: the old release works with the migrated database, proven or by the user's word."""
    if not found.touched:
        if found.fenced:
            return Recovery(
                "open", "No migration was applied. The database is as it was, and its writers are let in again."
            )
        return Recovery("leave", "No migration was applied. The database is as it was.")
    if found.left and not found.fenced:
        return Recovery(
            "leave", f"{what(found)} The database is left so, as the way back had decided before it was cut off."
        )
    if found.fenced and found.copy and not found.opened:
        return Recovery(
            "restore", "The database is put back to the moment before the migration. It was fenced: nothing is lost."
        )
    if found.fenced and found.undoable and not found.opened:
        return Recovery(
            "undo",
            "The migrations are taken back, which the rehearsal has proved. The database was fenced: nothing is lost.",
            migrations=found.undoable,
        )
    if compatible:
        action = "open" if found.fenced else "leave"
        return Recovery(
            action,
            f"{what(found)} The database is left so, since the old release works with it.",
        )
    if found.opened and found.copy:
        return Recovery(
            "restore_if_unchanged",
            "The database is put back to the moment before the migration, provided that nothing was written since it was opened.",
            _written(found),
        )
    if found.opened and found.undoable:
        return Recovery(
            "undo_if_unchanged",
            "The migrations are taken back, which the rehearsal has proved, provided that nothing was written since the database was opened.",
            _written(found),
            found.undoable,
        )
    return Recovery(
        "ask",
        f"{what(found)} The database is left so: going back could lose what was written since. {choices(found.saved)}",
    )


def _written(found: DatabaseFacts) -> str:
    return (
        f"{what(found)} The database is left so: something was written since it was opened, and going back would lose it. "
        f"{choices()}"
    )


def what(found: DatabaseFacts) -> str:
    names = ", ".join(found.applied)
    if found.doubtful:
        return f"Migrations may have been applied in part ({names or 'see the failed one above'})."
    return f"Applied and still there: {names}."


def choices(saved: str = "") -> str:
    """saved: of a backup that was made when nobody wrote any more."""
    last = "the backup of this deploy is a last resort that drops every write made since."
    if saved:
        last = (
            f"or restore {saved} with pg_restore: it was made when the release had stopped, right before the migrations, "
            "and drops only what was written after that."
        )
    return (
        "Either correct the release and deploy again, or, when the old release works with this schema, say so with "
        f"deploy_database_compatible=true; {last}"
    )
