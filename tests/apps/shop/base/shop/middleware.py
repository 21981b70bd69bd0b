# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every answer says which release and which process gave it (application's interpreter)."""

import os

from shop.release import RELEASE


class ReleaseHeaders:
    """Add X-Release and X-Pid."""

    def __init__(self, get_response):
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request):
        """Answer and sign."""
        response = self.get_response(request)
        response["X-Release"] = str(RELEASE)
        response["X-Pid"] = str(os.getpid())
        return response
