# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a shop in the old release of Oscar; read by its `manage.py shell` (application's interpreter)."""

from django.contrib.auth.models import User
from oscar.apps.basket.models import LineAttribute
from oscar.apps.catalogue.models import Option
from oscar.test.factories import create_basket, create_order, create_product

customer = User.objects.create_user("customer", "customer@example.org", "x")
engraving = Option.objects.create(name="Engraving", code="engraving")
for number in range(20):
    product = create_product(upc=f"upc-{number}", title=f"Product {number}", price=10, num_in_stock=100)
    order = create_order(number=f"{1000 + number}", user=customer, basket=None)
    order.lines.first().attributes.create(option=engraving, type="Engraving", value="To you")
    basket = create_basket()
    LineAttribute.objects.create(line=basket.all_lines().first(), option=engraving, value="To me")
