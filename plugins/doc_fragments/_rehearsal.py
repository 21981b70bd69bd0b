# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about what a rehearsal runs on, and when. Control node; PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  rehearsal:
    description:
      - V(schema) copies no rows. RV(escalate) tells when that proves too little.
      - V(data) restores O(backup), and also tells which rows break what a migration asks of them.
      - V(none) makes no scratch copy. Then nothing is proven.
    type: str
    choices: [schema, data, none]
    default: schema
  backup:
    description: With O(rehearsal=data), the path of a backup that M(seamless.deploy.pg_backup) returned.
    type: path
  data_seconds:
    description: With O(rehearsal=data), how many seconds restoring and migrating may take.
    type: int
    default: 600
  data_bytes:
    description: With O(rehearsal=data), how large the database may be.
    type: int
    default: 10737418240
  scratch_database:
    description: An empty database made for rehearsals, where the role may not create one. It is emptied afterwards.
    type: str
  round_trip:
    description:
      - Also take the pending migrations back on the scratch copy, the last first, and apply them again. RV(round_trip) tells whether that brings
        the schema back.
    type: bool
    default: false
  one_transaction:
    description:
      - Where the plan needs a stop, and the release that is live is proven to work after it, also run all of it in one transaction on another copy
        of the schema. RV(one_transaction) tells whether one held it, so that a stop needs no copy of the database to come back from.
      - Where that release would not work after it, and the plan only adds, the same, and all of it is taken back there as well. RV(undo_proven)
        tells that this left nothing, so that it is the way back.
    type: bool
    default: false
  wait:
    description:
      - With V(false) and a O(journal) the rehearsal is begun and goes on in the background, which RV(begun) tells. The same task with V(true) and
        the same O(deploy_id) waits for it and returns what came of it.
    type: bool
    default: true
  journal:
    description: Path of the deploy journal. What goes on in the background leaves its result beside it; nothing is recorded.
    type: path
  deploy_id:
    description:
      - The deploy that it belongs to, as returned by M(seamless.deploy.deploy_journal).
      - Required with O(journal).
    type: str
"""
