# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of gates, and no visit without a purpose: which the existing visits violate (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "f70b42d9c815"
down_revision = "b9f25c03e7d1"
branch_labels = None
depends_on = None


def upgrade():
    """The table is made, then the rows do not fit; on SQLite the table and the batch's copy of `visit` stay."""
    op.create_table(
        "gate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gate"),
    )
    with op.batch_alter_table("visit") as visit:
        visit.alter_column("purpose", existing_type=sa.String(200), nullable=False)


def downgrade():
    """Allow visits without a purpose again, and drop the table."""
    with op.batch_alter_table("visit") as visit:
        visit.alter_column("purpose", existing_type=sa.String(200), nullable=True)
    op.drop_table("gate")
