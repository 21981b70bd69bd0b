# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nullable columns for visits and visitors (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "86e4b1720dfa"
down_revision = "5d80a93f1c42"
branch_labels = None
depends_on = None


def upgrade():
    """Expand: the release before does not know the columns and need not."""
    with op.batch_alter_table("visit") as visit:
        visit.add_column(sa.Column("note", sa.Text(), nullable=True))
    with op.batch_alter_table("visitor") as visitor:
        visitor.add_column(sa.Column("nickname", sa.String(40), nullable=True))


def downgrade():
    """Drop both."""
    with op.batch_alter_table("visitor") as visitor:
        visitor.drop_column("nickname")
    with op.batch_alter_table("visit") as visit:
        visit.drop_column("note")
