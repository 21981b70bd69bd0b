# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where requests go (application's interpreter)."""

from django.urls import path

from orders import views
from shop import health

urlpatterns = [
    path("", views.home),
    path("health/", health.health),
    path("version/", health.version),
    path("orders/", views.orders),
    path("orders/<int:pk>/", views.order),
    path("orders/<int:pk>/documents/", views.documents),
    path("documents/<int:pk>/", views.document),
]
