# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NOT NULL column whose default Django gives to the old rows and drops again (application's interpreter)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Blocking: the INSERT of the release before does not name the column and fails."""

    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [
        migrations.AddField("order", "priority", models.PositiveSmallIntegerField(default=3)),
    ]
