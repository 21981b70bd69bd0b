# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and version of the running process (application's interpreter)."""

import os
import sys

from django.http import JsonResponse

from shop.release import RELEASE


def health(request):
    """Say that a printer is missing: this release is not fit to serve."""
    problem = "the printer queue does not answer"
    return JsonResponse({"status": "error", "problem": problem, "release": RELEASE, "pid": os.getpid()}, status=500)


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
