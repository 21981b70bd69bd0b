# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nullable columns for orders and documents (application's interpreter)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Expand: the release before does not know the columns and need not."""

    dependencies = [("orders", "0001_initial")]
    operations = [
        migrations.AddField("order", "note", models.TextField(null=True, blank=True)),
        migrations.AddField("document", "checksum", models.CharField(max_length=64, null=True, blank=True)),
    ]
