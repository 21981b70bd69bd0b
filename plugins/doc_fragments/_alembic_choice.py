# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which revisions of an Alembic project are meant, and whether they run. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  revision:
    description:
      - Where the database is led to, in Alembic's own words. V(head), V(heads), V(base), a revision or the beginning of one, C(label@head), V(+1), V(-1).
      - A revision that is in the database already, and not the last one, is gone back to.
      - V(head) is refused where the code has several last revisions, as with C(alembic upgrade head). Where they are branches that belong so, use V(heads).
    type: str
    default: head
  migrations:
    description:
      - Apply only these of the pending revisions. The others stay pending and are told in RV(held_back).
      - A revision that comes after a pending one must be named together with it. One that is applied already is passed over.
      - An empty list leaves nothing out. Not together with another O(revision) than V(head) and V(heads).
    type: list
    elements: str
    default: []
  stamp:
    description:
      - V(never) runs revisions.
      - V(record) changes only what is on record, to what O(revision) says. Nothing is run. It needs one revision by name.
      - V(proven) does the same where the catalog proves it. All revisions are replayed on a scratch database, beside the real one, and what those
        that would be recorded make there must be in the real catalog too, and nothing of those that would not be recorded any more. Otherwise it is
        refused, with the differences. It needs O(login_url) for PostgreSQL.
    type: str
    choices: [never, record, proven]
    default: never
  missing:
    description:
      - What to do when the database has a revision on record that this code does not have. Then nobody can say what is pending.
      - V(refuse) fails.
      - V(keep) takes the database as it is and runs nothing. An older release on a newer database wants that.
    type: str
    choices: [refuse, keep]
    default: refuse
"""
