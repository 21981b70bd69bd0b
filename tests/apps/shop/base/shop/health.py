# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and version of the running process (application's interpreter)."""

import os
import sys

from django.db import connection
from django.http import JsonResponse

from orders.models import Order
from shop.release import RELEASE


def health(request):
    """Say that this process and its database work: the newest order is read with every column."""
    newest = Order.objects.order_by("-pk").first()
    return JsonResponse(
        {
            "status": "ok",
            "release": RELEASE,
            "pid": os.getpid(),
            "database": connection.settings_dict["NAME"],
            "newest_order": newest.pk if newest else None,
        }
    )


def version(request):
    """Say what runs here: the release, its directory, its virtual environment, its extra dependency."""
    return JsonResponse(
        {
            "release": RELEASE,
            "pid": os.getpid(),
            "directory": os.getcwd(),
            "prefix": sys.prefix,
            "python": sys.version.split()[0],
            "dependency": None,
        }
    )
