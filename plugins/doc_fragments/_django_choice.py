# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which migrations of a Django project are meant, and whether they run. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  app:
    description: Migrate this app label only, and what its migrations depend on.
    type: str
  name:
    description:
      - Migrate O(app) forwards or backwards to this migration. The beginning of its name is enough where only one begins so.
      - V(zero) takes all migrations of the app back.
    type: str
  migrations:
    description:
      - Apply only these of the pending migrations, each as C(app.name). The others stay pending and are told in RV(held_back).
      - A migration that depends on a pending one must be named together with it. One that is applied already is passed over.
      - An empty list leaves nothing out. A play that wants to apply none of them does not run this module.
      - Not together with O(app).
    type: list
    elements: str
    default: []
  fake:
    description:
      - V(never) runs migrations.
      - V(record) changes only the records of C(django_migrations) to what O(app) and O(name) say. Nothing is run.
        It needs both, since to record everything at once hides what is missing.
      - V(proven) does the same where the catalog proves it. All migrations are replayed on a scratch database, beside the real one, and what those
        that would be recorded make there must be in the real catalog too. Otherwise it is refused, with the differences. It needs O(login_url) for PostgreSQL.
    type: str
    choices: [never, record, proven]
    default: never
  fake_initial:
    description:
      - V(never) runs the first migration of an app like any other.
      - V(tables_exist) records it without running it when its tables and columns are there already.
        Django compares names only. A column of another type, a missing index or a missing constraint goes unseen.
      - V(proven) does the same where the catalog has all that the migration makes, as for O(fake=proven), and refuses where it has a part of it.
    type: str
    choices: [never, tables_exist, proven]
    default: never
"""
