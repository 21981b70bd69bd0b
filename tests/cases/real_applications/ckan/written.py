# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the small service writes with CKAN's models (application's interpreter)."""

TABLE, COLUMN = "user", "name"


def row(token):
    """The rest of a user."""
    return {"id": token, "email": f"{token}@example.org", "state": "active"}
