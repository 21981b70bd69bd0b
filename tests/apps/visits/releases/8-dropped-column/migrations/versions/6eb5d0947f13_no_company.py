# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A nullable column goes, which the release before reads (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "6eb5d0947f13"
down_revision = "b9f25c03e7d1"
branch_labels = None
depends_on = None


def upgrade():
    """Contract: it may run when the release before has gone."""
    with op.batch_alter_table("visitor") as visitor:
        visitor.drop_column("company")


def downgrade():
    """Bring the column back, empty."""
    with op.batch_alter_table("visitor") as visitor:
        visitor.add_column(sa.Column("company", sa.String(100), nullable=True))
