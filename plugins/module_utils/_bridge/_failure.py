# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what a failed migration left behind and what to do next. Pure; application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from . import _exceptions as errors
from ._blockers import blocker_sentence

#: No such savepoint, or no transaction at all.
_NO_SAVEPOINT = ("3B001", "25P01")


class Words(t.NamedTuple):
    """What differs between frameworks. look: the module that reads the state. suspects: what may break the end of a transaction."""

    look: str
    suspects: str


DJANGO = Words("seamless.deploy.django_info", "the data or the receivers of post_migrate")
ALEMBIC = Words("seamless.deploy.alembic_info", "the data or env.py")


class Progress:
    """What of one migration was reached: indexes into its operations. goes_on: of each, whether it can run once more."""

    def __init__(
        self, name: str, descriptions: t.Sequence[str], goes_on: t.Sequence[bool], backwards: bool, atomic: bool
    ) -> None:
        self.id = name
        self.descriptions = list(descriptions)
        self._goes_on = list(goes_on)
        self.backwards = backwards
        self.atomic = atomic
        self.completed: list[int] = []
        self.current: t.Optional[int] = None
        self.statements = 0
        self.touched = False  # whether it ran at all, and was not only recorded

    def can_go_on(self) -> bool:
        """Whether another run finds what this one completed, and goes on after it."""
        reached = [*self.completed, *([] if self.current is None else [self.current])]
        return all(self._goes_on[index] for index in reached)

    def operation(self) -> dict[str, t.Any]:
        """The operation that was running: number from 1 and the framework's description of it."""
        if self.current is None:
            return {"number": 0, "count": len(self.descriptions), "description": "the statements at its end"}
        return {
            "number": self.current + 1,
            "count": len(self.descriptions),
            "description": self.descriptions[self.current],
        }


def failure(
    progress: Progress, exc: BaseException, retries: int, blockers: list[dict[str, t.Any]], whole: bool = False
) -> dict[str, t.Any]:
    """The facts of a failure, for the report. whole: inside of the one transaction of all migrations."""
    known = errors.database_error(exc)
    ended = whole and known.get("sqlstate") in _NO_SAVEPOINT
    return {
        "migration": progress.id,
        "backwards": progress.backwards,
        "operation": progress.operation(),
        "error": errors.summary(exc),
        "sqlstate": errors.sqlstate_of(exc),
        "kept_away": errors.kept_away(exc),
        "connection_lost": is_lost(known),
        "place": errors.place_of(exc),
        "retries": retries,
        "blockers": blockers if errors.is_retryable(exc) else [],
        "transaction_ended": ended,
        "rolled_back": not ended and (progress.atomic or not (progress.completed or progress.statements)),
        "can_go_on": progress.can_go_on(),
        "completed_operations": [progress.descriptions[index] for index in progress.completed],
    }


def of_the_end(exc: BaseException, rolled_back: bool) -> dict[str, t.Any]:
    """The facts, when the end of the one transaction failed."""
    known = errors.database_error(exc)
    return {
        "migration": "",
        "backwards": False,
        "operation": {"number": 0, "count": 0, "description": "the end of the transaction"},
        "error": errors.summary(exc),
        "sqlstate": errors.sqlstate_of(exc),
        "connection_lost": is_lost(known),
        "place": errors.place_of(exc),
        "retries": 0,
        "blockers": [],
        "transaction_ended": False,
        "rolled_back": rolled_back,
        "can_go_on": False,
        "completed_operations": [],
    }


def end_message(facts: dict[str, t.Any], recorded: t.Optional[list[str]], words: Words = DJANGO) -> str:
    """The same in words."""
    if recorded is None:
        left = f"What it left could not be read, the database no longer answers: look with {words.look}."
    elif facts["rolled_back"]:
        left = f"All migrations were rolled back completely. Correct {words.suspects}, then run again."
    else:
        left = "All the same the database has the migrations on record as complete. Run again."
    place = f", at {facts['place']}" if facts["place"] else ""
    return f"the end of the transaction of all migrations failed: {facts['error']}{place}. {left}"


def is_lost(known: dict[str, str]) -> bool:
    """Whether the session ended: some drivers give no SQLSTATE then."""
    return bool(known) and (not known["sqlstate"] or known["sqlstate"].startswith(("08", "57P")))


def message(
    facts: dict[str, t.Any],
    applied: list[str],
    waiting: list[str],
    recorded: t.Optional[bool],
    undone: t.Sequence[str] = (),
    problems: t.Sequence[str] = (),
    words: Words = DJANGO,
) -> str:
    """One paragraph: what failed, why, what stands, what to do.

    recorded: whether the database has the migration on record afterwards; None when it could not be asked.
    undone: what had run before it in the same transaction. problems: why somebody in the way was not ended.
    """
    operation = facts["operation"]
    number = f"operation {operation['number']} of {operation['count']} ({operation['description']})"
    at = number if operation["number"] else operation["description"]
    verb = "was taken back" if facts["backwards"] else "was applied"
    parts = [
        f"migration {facts['migration']} failed in {at}: {facts['error']}"
        + (f", at {facts['place']}" if facts["place"] else "")
        + "."
    ]
    if facts["retries"]:
        parts.append(f"It was tried {facts['retries'] + 1} times.")
    if facts["blockers"]:
        parts.append("In the way: " + "; ".join(blocker_sentence(blocker) for blocker in facts["blockers"]) + ".")
    parts += [sentence[0].upper() + sentence[1:] for sentence in problems]
    parts.append(f"Before it {', '.join(applied)} {verb} and stays so." if applied else f"Nothing else {verb}.")
    if undone:
        parts.append(f"{', '.join(undone)} ran before it in the same transaction and went with it.")
    if waiting:
        parts.append(f"Not reached: {', '.join(waiting)}.")
    return " ".join([*parts, _left(facts, recorded, words), _next(facts, words)])


def _left(facts: dict[str, t.Any], recorded: t.Optional[bool], words: Words) -> str:
    if recorded is None:
        return f"What it left could not be read, the database no longer answers: look with {words.look}."
    if facts["transaction_ended"]:
        return "One of its statements ended the transaction of all migrations, so what ran until then may have stayed."
    if recorded != facts["backwards"]:
        return "All the same the database has it on record as complete."
    if facts["rolled_back"]:
        return "It was rolled back completely."
    done = "; ".join(facts["completed_operations"]) or "none"
    return (
        "It does not run in a transaction, so what it had done stays although it is not on record; "
        f"complete operations: {done}."
    )


def _next(facts: dict[str, t.Any], words: Words) -> str:
    state = facts["sqlstate"]
    if state == errors.BUSY:
        return "End the process that writes to the file, or wait for it, then run again; or raise `busy_timeout` or `retries`."
    if state in errors.RETRYABLE:
        return "End the session in the way or wait for it, then run again; or raise `lock_timeout` or `retries`."
    if state == "42501":
        return "Make the application's role the owner of the object, or GRANT it what it lacks, then run again."
    if state == "57014":
        return "A limit of time or somebody ended the statement: make it take less, or raise `statement_timeout`, then run again."
    if facts["connection_lost"]:
        return "Find out from the server's log why the session ended, then run again."
    if facts["rolled_back"]:
        return "Correct the migration or the data, then run again."
    if facts["transaction_ended"]:
        return f"Look with {words.look}, and take COMMIT and ROLLBACK out of the migration."
    if facts["can_go_on"]:
        return "Correct the cause, then run again: what is complete is recognised and kept."
    return "Undo those operations by hand, or make the migration skip them, then run again."
