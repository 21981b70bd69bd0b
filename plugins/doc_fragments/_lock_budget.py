# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a migration may wait for locks, and how often it is tried. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  lock_timeout:
    description:
      - Milliseconds that one transaction may keep other queries waiting while it waits for locks itself. V(0) is no limit. PostgreSQL only.
      - A statement that needs several locks is canceled when it has waited that long for all of them together.
      - Until the first statement that changes the schema, each statement may wait that long. Each one after it may wait for what is left since then,
        and at least one millisecond.
      - Replaces a C(lock_timeout) that the role, the settings or the migration set. The server is asked whether it took effect.
      - An autovacuum that is in the way is waited for in a lock mode that stops no query, until the server ends it. Not one against wraparound.
    type: int
    default: 200
  concurrent_timeout:
    description:
      - The same for C(CREATE INDEX CONCURRENTLY) and its kind. They block nobody, and a short limit would leave invalid indexes. V(0) is no limit.
      - An invalid index of just that name on that table, left by an earlier attempt, is dropped before the index is made again.
      - A valid index is kept when it is the very same, which is proven on an empty copy of the table. A migration of nothing but such indexes goes on
        so where it stopped. Other migrations without a transaction are not resumed.
    type: int
    default: 0
  statement_timeout:
    description:
      - Milliseconds after which a statement of a migration is ended. The migration is rolled back then and not tried again. V(0) sets no limit and
        keeps the one that the role or the settings have. PostgreSQL only.
      - C(CREATE INDEX CONCURRENTLY) and its kind run without any, since it would leave an invalid index.
    type: int
    default: 0
  busy_timeout:
    description:
      - Milliseconds to wait for somebody else who writes to the file. SQLite only, where who waits keeps nobody else waiting.
      - A transaction of Django takes the lock for writing when it begins. One that reads first would be refused at once, however long it may wait.
    type: int
    default: 10000
  retries:
    description:
      - How often one migration is tried again. Only after a lock was not to be had in time (SQLSTATE 55P03, C(SQLITE_BUSY)) and after a
        deadlock (40P01).
      - The pause between grows from 0.1 to 5 seconds, half of it by chance.
      - A migration without a transaction is not repeated as a whole. Its statements are, one by one.
    type: int
    default: 30
  retry_time:
    description: Seconds after which one migration is not tried again, whatever O(retries) says.
    type: int
    default: 300
  advisory_lock_wait:
    description: Seconds to wait for another run of this module on the same database.
    type: int
    default: 60
  end_blockers_after:
    description:
      - End a session that is in the way of a migration when its query or its transaction is that many seconds old and O(end_blockers_of) names it.
        What it had not committed is lost. V(0) ends nobody.
      - It is done by C(pg_terminate_backend) as the application's role, which needs to be the session's role, a member of it, or of
        C(pg_signal_backend). To see the age of sessions of other roles it needs C(pg_read_all_stats). What it lacks is told as a warning.
      - Superusers' sessions, those of other databases and processes of the server itself, such as autovacuum, are never ended.
    type: int
    default: 0
  end_blockers_of:
    description:
      - The C(application_name) of sessions that O(end_blockers_after) may end. C(*) and C(?) stand for any characters and any one.
    type: list
    elements: str
    default: []
"""
