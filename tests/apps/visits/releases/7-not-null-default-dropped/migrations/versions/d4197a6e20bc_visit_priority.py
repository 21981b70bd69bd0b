# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NOT NULL column whose default is given to the old rows and dropped again (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "d4197a6e20bc"
down_revision = "b9f25c03e7d1"
branch_labels = None
depends_on = None


def upgrade():
    """Blocking: the INSERT of the release before does not name the column and fails."""
    with op.batch_alter_table("visit") as visit:
        visit.add_column(sa.Column("priority", sa.SmallInteger(), server_default="3", nullable=False))
    with op.batch_alter_table("visit") as visit:
        visit.alter_column("priority", server_default=None)


def downgrade():
    """Drop the column."""
    with op.batch_alter_table("visit") as visit:
        visit.drop_column("priority")
