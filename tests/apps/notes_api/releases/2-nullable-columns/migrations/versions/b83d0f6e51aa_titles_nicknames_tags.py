# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nullable columns for notes and authors, and a table of tags (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "b83d0f6e51aa"
down_revision = "7c1e4a90b2d3"
branch_labels = None
depends_on = None


def upgrade():
    """Expand: the release before does not know the columns and need not."""
    op.add_column("note", sa.Column("title", sa.String(200), nullable=True))
    op.add_column("author", sa.Column("nickname", sa.String(40), nullable=True))
    op.create_table(
        "tag",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("note_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="tag_pkey"),
        sa.ForeignKeyConstraint(["note_id"], ["note.id"], name="tag_note_id_fkey", ondelete="CASCADE"),
    )
    op.create_index("ix_tag_note_id", "tag", ["note_id"])


def downgrade():
    """Drop what was added."""
    op.drop_table("tag")
    op.drop_column("author", "nickname")
    op.drop_column("note", "title")
