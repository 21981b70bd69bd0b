# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders, what is bound together in them, and the uploaded documents (application's interpreter)."""

from django.conf import settings
from django.db import models


class Order(models.Model):
    """One order; `token` is chosen by the client, so that an acknowledged order can be found again."""

    class PaymentMethod(models.TextChoices):
        """How the customer pays."""

        CARD = "card"
        CASH = "cash"
        TRANSFER = "transfer"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    token = models.CharField(max_length=64, unique=True)
    payment_method = models.CharField(max_length=16, choices=PaymentMethod.choices, default=PaymentMethod.CARD)
    payment_screenshot = models.FileField(upload_to="payments/", blank=True)
    note = models.TextField(null=True, blank=True)
    price = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """The list of orders by method of payment, newest first."""

        indexes = [models.Index(fields=["payment_method", "-created_at"], name="orders_by_payment")]

    def __str__(self):
        """Show the token."""
        return self.token


class BindingGroup(models.Model):
    """Documents of an order that are bound into one book."""

    class Binding(models.TextChoices):
        """How the book is bound."""

        STAPLE = "staple"
        SPIRAL = "spiral"
        GLUE = "glue"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="binding_groups")
    binding = models.CharField(max_length=16, choices=Binding.choices, default=Binding.STAPLE)
    copies = models.PositiveSmallIntegerField(default=1)

    def __str__(self):
        """Show the order and the binding."""
        return f"{self.order_id} {self.binding}"


class Document(models.Model):
    """One uploaded file."""

    binding_group = models.ForeignKey(BindingGroup, on_delete=models.CASCADE, related_name="documents")
    file = models.FileField(upload_to="documents/")
    pages = models.PositiveIntegerField(default=1)
    checksum = models.CharField(max_length=64, null=True, blank=True)
    uploaded_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        """Show the file's name."""
        return self.file.name


class PrintJob(models.Model):
    """The queue of the background worker."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="print_jobs")
    queued_at = models.DateTimeField(auto_now_add=True)
    printed_at = models.DateTimeField(null=True, db_index=True)
    printed_by_release = models.PositiveIntegerField(null=True)

    def __str__(self):
        """Show the order."""
        return f"job of {self.order_id}"
