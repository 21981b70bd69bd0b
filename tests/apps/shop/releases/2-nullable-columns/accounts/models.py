# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Customers of the print shop (application's interpreter)."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A customer, known by the telephone number or through GitHub or Google."""

    phone_number = models.CharField(max_length=20, unique=True)
    avatar_url = models.URLField(blank=True, default="")
    nickname = models.CharField(max_length=40, null=True, blank=True)
    github_id = models.CharField(max_length=64, null=True, blank=True, unique=True)
    google_id = models.CharField(max_length=64, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    REQUIRED_FIELDS = ["phone_number"]

    def __str__(self):
        """Show the telephone number."""
        return self.phone_number
