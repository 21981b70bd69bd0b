# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference number for every order, unique: which the existing orders violate (application's interpreter)."""

from django.db import migrations, models
from django.db.models import DateField, TextField
from django.db.models.functions import Cast


def number_by_day(apps, schema_editor):
    """Number the orders by their day, which is the mistake: a day has more than one order."""
    order = apps.get_model("orders", "Order")
    order.objects.update(reference=Cast(Cast("created_at", DateField()), TextField()))


class Migration(migrations.Migration):
    """One transaction: the column is added and filled, then the constraint fails and everything goes back."""

    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [
        migrations.AddField("order", "reference", models.CharField(max_length=32, null=True, blank=True)),
        migrations.RunPython(number_by_day, migrations.RunPython.noop),
        migrations.AddConstraint(
            "order", models.UniqueConstraint(fields=["reference"], name="orders_reference_unique")
        ),
    ]
