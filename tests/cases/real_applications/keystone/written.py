# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the small service writes with Keystone's models (application's interpreter)."""

TABLE, COLUMN = "project", "name"


def row(token):
    """The rest of a project."""
    return {"id": token, "domain_id": "default", "parent_id": "default", "is_domain": False, "enabled": True}
