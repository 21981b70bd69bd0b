# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that writes ahead into the deploy journal. Control node; PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  journal:
    description:
      - Path of the deploy journal. Everything irreversible is recorded there before it is done, and again after.
      - Without it nothing is recorded, for use outside a deploy.
    type: path
  deploy_id:
    description:
      - The deploy that the records belong to, as returned by M(seamless.deploy.deploy_journal).
      - Required with O(journal).
    type: str
  lock_id:
    description:
      - The deploy that holds the lock, where it acts for another one, whose records these are. A recovery undoes so what a deploy has left.
      - The default is O(deploy_id). When another one holds the lock, nothing is done.
    type: str
  step:
    description:
      - The word of the checklist that the records belong to. The default is the word that the module usually serves.
      - V(back) is for what undoes a deploy. Its records are no progress of that deploy, and are not undone themselves.
    type: str
    choices: [stop, backup, pull, install, migrate, collectstatic, start, verify, back]
"""
