# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of badges (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "b9f25c03e7d1"
down_revision = "86e4b1720dfa"
branch_labels = None
depends_on = None


def upgrade():
    """Create the table and its index."""
    op.create_table(
        "badge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_badge"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_badge_visit_id_visit", ondelete="CASCADE"),
    )
    with op.batch_alter_table("badge") as badge:
        badge.create_index("ix_badge_visit_id", ["visit_id"])


def downgrade():
    """Drop the table."""
    op.drop_table("badge")
