# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference for every visit, unique: which the existing visits violate (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "0ca8361b5e97"
down_revision = "b9f25c03e7d1"
branch_labels = None
depends_on = None


def upgrade():
    """The column is added and filled, then the constraint fails; on PostgreSQL everything goes back."""
    with op.batch_alter_table("visit") as visit:
        visit.add_column(sa.Column("reference", sa.String(32), nullable=True))
    # By their day, which is the mistake: a day has more than one visit.
    op.execute("UPDATE visit SET reference = CAST(date(arrived_at) AS varchar)")
    with op.batch_alter_table("visit") as visit:
        visit.create_unique_constraint("uq_visit_reference", ["reference"])


def downgrade():
    """Drop the column with its constraint."""
    with op.batch_alter_table("visit") as visit:
        visit.drop_constraint("uq_visit_reference", type_="unique")
        visit.drop_column("reference")
