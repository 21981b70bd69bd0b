# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An index made while orders come in (application's interpreter)."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """CREATE INDEX CONCURRENTLY cannot run in a transaction."""

    atomic = False
    dependencies = [("orders", "0002_order_note_document_checksum")]
    operations = [
        AddIndexConcurrently("order", models.Index(fields=["payment_method", "-created_at"], name="orders_by_payment")),
    ]
