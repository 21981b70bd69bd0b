# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visits (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "5d80a93f1c42"
down_revision = "21c7f0d4be68"
branch_labels = None
depends_on = None


def upgrade():
    """Create the table and its index."""
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visitor_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=True),
        sa.Column("arrived_at", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visit"),
        sa.UniqueConstraint("token", name="uq_visit_token"),
        sa.ForeignKeyConstraint(["visitor_id"], ["visitor.id"], name="fk_visit_visitor_id_visitor"),
    )
    with op.batch_alter_table("visit") as visit:
        visit.create_index("ix_visit_visitor_id", ["visitor_id"])


def downgrade():
    """Drop the table."""
    op.drop_table("visit")
