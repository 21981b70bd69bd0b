# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A price for every order, without a transaction, which stops in the middle (application's interpreter)."""

from django.db import migrations, models


def price_the_cards(apps, schema_editor):
    """Price the orders that were paid by card; the others are forgotten, which is the mistake."""
    order = apps.get_model("orders", "Order")
    order.objects.filter(payment_method="card").update(price=100)


class Migration(migrations.Migration):
    """Without a transaction: the column and the prices stay when SET NOT NULL fails."""

    atomic = False
    dependencies = [("orders", "0003_orders_by_payment")]
    operations = [
        migrations.AddField("order", "price", models.IntegerField(null=True)),
        migrations.RunPython(price_the_cards, migrations.RunPython.noop),
        migrations.RunSQL(
            "ALTER TABLE orders_order ALTER COLUMN price SET NOT NULL",
            "ALTER TABLE orders_order ALTER COLUMN price DROP NOT NULL",
            state_operations=[migrations.AlterField("order", "price", models.IntegerField())],
        ),
    ]
