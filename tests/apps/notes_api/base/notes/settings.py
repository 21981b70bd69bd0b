# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the notes, from environment variables (application's interpreter)."""

import os

from sqlalchemy.engine import make_url

#: What people write is postgresql://user:password@host:port/name; the driver is the application's own matter.
DATABASE_URL = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg")
