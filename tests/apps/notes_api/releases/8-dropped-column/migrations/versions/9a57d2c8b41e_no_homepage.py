# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A nullable column goes, which the release before reads (application's interpreter)."""

import sqlalchemy as sa
from alembic import op

revision = "9a57d2c8b41e"
down_revision = "e02f7a6c9d14"
branch_labels = None
depends_on = None


def upgrade():
    """Contract: it may run when the release before has gone."""
    op.drop_column("author", "homepage")


def downgrade():
    """Bring the column back, empty."""
    op.add_column("author", sa.Column("homepage", sa.String(200), nullable=True))
