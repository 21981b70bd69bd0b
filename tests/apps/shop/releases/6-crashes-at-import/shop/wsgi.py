# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of the web server: it imports what does not exist (application's interpreter)."""

import os

from django.core.wsgi import get_wsgi_application

from shop.tracing import trace_requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

application = trace_requests(get_wsgi_application())
