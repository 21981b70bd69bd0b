# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations that are taken back, or can be. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  backwards:
    description:
      - Take O(migrations) back, the newest first. Those that are not applied are passed over. Needs O(migrations).
      - Refused where something that is applied and not named comes after one of them.
    type: bool
    default: false
  undo_proven:
    description:
      - Record in the journal that a rehearsal has proved that taking these migrations back brings the schema back and loses no row that was there
        before, RV(seamless.deploy.migration_rehearse#module:undo_proven). The way back of a deploy does so then, in place of a copy of the database.
    type: bool
    default: false
"""
