# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A nullable column for the customers (application's interpreter)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Expand: the release before does not know the column and need not."""

    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.AddField("user", "nickname", models.CharField(max_length=40, null=True, blank=True)),
    ]
