# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference for every note, unique: which the existing notes violate (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "1f94c07ab5e6"
down_revision = "e02f7a6c9d14"
branch_labels = None
depends_on = None


def upgrade():
    """One transaction: the column is added and filled, then the constraint fails and everything goes back."""
    op.add_column("note", sa.Column("reference", sa.String(32), nullable=True))
    # By their day, which is the mistake: a day has more than one note.
    op.execute("UPDATE note SET reference = CAST(CAST(created_at AS date) AS varchar)")
    op.create_unique_constraint("note_reference_key", "note", ["reference"])


def downgrade():
    """Drop the column with its constraint."""
    op.drop_column("note", "reference")
