# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who stands in the way of a lock, and who of them may be ended. Application's interpreter, PostgreSQL only; PRIVATE to the collection."""

from __future__ import annotations

import fnmatch
import typing as t

from . import _exceptions as errors

# The query's text is left out: it may hold data. Of other roles' sessions an ordinary role sees only the pid.
BLOCKERS = """
SELECT b.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''),
       coalesce(host(a.client_addr), ''),
       coalesce(a.state, ''), extract(epoch FROM clock_timestamp() - a.query_start)::float,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float,
       coalesce((SELECT string_agg(DISTINCT w.relation::regclass::text, ', ')
                 FROM pg_locks w WHERE w.pid = %s AND NOT w.granted AND w.relation IS NOT NULL), '')
FROM (SELECT DISTINCT unnest(pg_blocking_pids(%s)) AS pid) b LEFT JOIN pg_stat_activity a ON a.pid = b.pid
"""
_BLOCKER_NAMES = ("pid", "application_name", "user", "client", "state", "query_age", "transaction_age", "relation")

# A process of the server itself has no user. Its kind and its query an ordinary role does not see.
VACUUMED = """
SELECT DISTINCT w.relation::regclass::text
FROM pg_locks w JOIN pg_locks h ON h.relation = w.relation AND h.database = w.database JOIN pg_stat_activity a ON a.pid = h.pid
WHERE w.pid = %s AND NOT w.granted AND h.granted AND h.mode = 'ShareUpdateExclusiveLock' AND a.usesysid IS NULL
"""

_ENDABLE = """
SELECT a.pid, coalesce(a.application_name, ''), a.backend_start::text, coalesce(a.backend_type, ''),
       coalesce(a.datname = current_database(), false), coalesce(r.rolsuper, true),
       extract(epoch FROM clock_timestamp() - least(a.xact_start, CASE WHEN a.state = 'active' THEN a.query_start END))::float
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid WHERE a.pid = ANY (pg_blocking_pids(%s))
"""
# The moment of its begin: a number of a process is used again.
_END = (
    "SELECT pg_terminate_backend(pid), current_user FROM pg_stat_activity WHERE pid = %s AND backend_start::text = %s"
)
_OURS = "seamless.deploy "

Query = t.Callable[..., t.List[t.Any]]


class Candidate(t.NamedTuple):
    """A session in the way. seconds: its query or its transaction, None where that cannot be seen."""

    pid: int
    application: str
    started: str
    kind: str
    same_database: bool
    superuser: bool
    seconds: t.Optional[float]


class Ending:
    """Ends sessions in the way that are as old as `after` seconds and whose application_name fits a pattern."""

    def __init__(self, after: int, patterns: t.Sequence[str]) -> None:
        self._after = after
        self._patterns = list(patterns)
        self._tried: set[tuple[int, str]] = set()
        self.ended: list[dict[str, t.Any]] = []
        self.problems: list[str] = []

    def look(self, query: Query, pid: int) -> None:
        """End those in the way of this session that may be ended. Each is tried once."""
        if not (self._after and self._patterns):
            return
        for row in query(_ENDABLE, [pid]):
            found = Candidate(*row)
            ends, problem = judged(found, self._after, self._patterns)
            key = (found.pid, found.started)
            if key in self._tried or not (ends or problem):
                continue
            self._tried.add(key)
            if ends:
                problem = self._end(query, found)
            if problem:
                self.problems.append(problem)

    def _end(self, query: Query, found: Candidate) -> str:
        try:
            rows = query(_END, [found.pid, found.started])
        except Exception as exc:
            if errors.sqlstate_of(exc) != "42501":
                raise
            return (
                f"session {found.pid} ({found.application}) could not be ended: the application's role may not; "
                "GRANT pg_signal_backend to it, or make it a member of that session's role."
            )
        if rows and rows[0][0]:
            seconds = round(found.seconds or 0, 1)
            self.ended.append({"pid": found.pid, "application": found.application, "seconds": seconds})
        return ""


def judged(found: Candidate, after: int, patterns: t.Sequence[str]) -> tuple[bool, str]:
    """(whether it is to be ended, why it is not although it was meant)."""
    named = any(fnmatch.fnmatchcase(found.application, pattern) for pattern in patterns)
    if not named or not found.same_database or found.application.startswith(_OURS):
        return False, ""
    who_it_is = f"session {found.pid} ({found.application or 'no application name'})"
    if found.superuser:
        return False, f"{who_it_is} was not ended: it is a superuser's."
    if found.seconds is None:
        return (
            False,
            f"{who_it_is} was not ended: its age cannot be seen; GRANT pg_read_all_stats to the application's role.",
        )
    return found.kind == "client backend" and found.seconds >= after, ""


def blocker_of(row: t.Sequence[t.Any]) -> dict[str, t.Any]:
    found = dict(zip(_BLOCKER_NAMES, row))
    for name in ("query_age", "transaction_age"):
        found[name] = None if found[name] is None else round(found[name], 1)
    if not found["pid"]:
        found["application_name"] = "a prepared transaction"
    return found


def blocker_sentence(blocker: dict[str, t.Any]) -> str:
    """For messages: session 4711 (psql, shop from 10.0.0.5, idle in transaction for 12.3 s) on shop_order."""
    if not blocker["pid"]:
        return "a prepared transaction (see pg_prepared_xacts)"
    facts = [who(blocker["application_name"], blocker["user"], blocker["client"])]
    if blocker["state"]:
        age = blocker["transaction_age"] if blocker["state"].startswith("idle") else blocker["query_age"]
        facts.append(blocker["state"] + ("" if age is None else f" for {age:g} s"))
    relation = f" on {blocker['relation']}" if blocker["relation"] else ""
    return f"session {blocker['pid']} ({', '.join(facts)}){relation}"


def who(application: str, user: str, client: str) -> str:
    """A session on the local socket, or one of another role, has no address to show."""
    return f"{application or 'no application name'}, {user or 'another role'}{' from ' + client if client else ''}"
