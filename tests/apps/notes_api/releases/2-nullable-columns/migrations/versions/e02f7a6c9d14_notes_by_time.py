# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An index made while notes come in (application's interpreter)."""

from alembic import op

revision = "e02f7a6c9d14"
down_revision = "b83d0f6e51aa"
branch_labels = None
depends_on = None


def upgrade():
    """CREATE INDEX CONCURRENTLY cannot run in a transaction."""
    with op.get_context().autocommit_block():
        op.create_index("ix_note_created_at", "note", ["created_at"], postgresql_concurrently=True)


def downgrade():
    """Drop the index, without locking writers out."""
    with op.get_context().autocommit_block():
        op.drop_index("ix_note_created_at", "note", postgresql_concurrently=True)
