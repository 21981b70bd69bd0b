# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading the application ahead of a migration. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - With V(false), only load the application, in the background and without using the database, and return RV(begun). A later task of the
        same deploy with V(true) and otherwise the same options goes on from there, so that what is stopped for the migration need not wait
        for the application to start.
      - Where nothing was loaded, or what was loaded is gone, the later task does all of it.
      - V(false) does something in a deploy only, with O(journal) and O(deploy_id), and nothing in check mode. What nobody goes on with within
        15 minutes, or whose deploy has ended, ends by itself.
    type: bool
    default: true
"""
