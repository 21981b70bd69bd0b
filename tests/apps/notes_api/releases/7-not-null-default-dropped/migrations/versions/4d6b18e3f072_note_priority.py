# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NOT NULL column whose default is given to the old rows and dropped again (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "4d6b18e3f072"
down_revision = "e02f7a6c9d14"
branch_labels = None
depends_on = None


def upgrade():
    """Blocking: the INSERT of the release before does not name the column and fails."""
    op.add_column("note", sa.Column("priority", sa.SmallInteger(), server_default="3", nullable=False))
    op.alter_column("note", "priority", server_default=None)


def downgrade():
    """Drop the column."""
    op.drop_column("note", "priority")
