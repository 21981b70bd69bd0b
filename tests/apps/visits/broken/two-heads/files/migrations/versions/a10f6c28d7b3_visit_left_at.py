# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a visitor left, by the first developer (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "a10f6c28d7b3"
down_revision = "b9f25c03e7d1"
branch_labels = None
depends_on = None


def upgrade():
    """Add the column."""
    with op.batch_alter_table("visit") as visit:
        visit.add_column(sa.Column("left_at", sa.DateTime(), nullable=True))


def downgrade():
    """Drop the column."""
    with op.batch_alter_table("visit") as visit:
        visit.drop_column("left_at")
