# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "21c7f0d4be68"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    """Create the table."""
    op.create_table(
        "visitor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("phone_number", sa.String(20), nullable=False),
        sa.Column("company", sa.String(100), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_visitor"),
        sa.UniqueConstraint("phone_number", name="uq_visitor_phone_number"),
    )


def downgrade():
    """Drop the table."""
    op.drop_table("visitor")
