# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authors and their notes (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "7c1e4a90b2d3"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    """Create both tables."""
    op.create_table(
        "author",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("phone_number", sa.String(20), nullable=False),
        sa.Column("homepage", sa.String(200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="author_pkey"),
        sa.UniqueConstraint("phone_number", name="author_phone_number_key"),
    )
    op.create_table(
        "note",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="note_pkey"),
        sa.UniqueConstraint("token", name="note_token_key"),
        sa.ForeignKeyConstraint(["author_id"], ["author.id"], name="note_author_id_fkey"),
    )
    op.create_index("ix_note_author_id", "note", ["author_id"])


def downgrade():
    """Drop both tables."""
    op.drop_table("note")
    op.drop_table("author")
