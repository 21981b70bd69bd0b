# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a visitor, by the second developer (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "a27e0b935f4c"
down_revision = "b9f25c03e7d1"
branch_labels = None
depends_on = None


def upgrade():
    """Add the column."""
    with op.batch_alter_table("visitor") as visitor:
        visitor.add_column(sa.Column("email", sa.String(200), nullable=True))


def downgrade():
    """Drop the column."""
    with op.batch_alter_table("visitor") as visitor:
        visitor.drop_column("email")
