# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where visitors park, by the third developer, on an earlier revision (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "a3d4815ce096"
down_revision = "86e4b1720dfa"
branch_labels = None
depends_on = None


def upgrade():
    """Create the table."""
    op.create_table(
        "parking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plate", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_parking"),
    )


def downgrade():
    """Drop the table."""
    op.drop_table("parking")
