# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the visitors' book, from environment variables (application's interpreter)."""

from sqlalchemy.engine import make_url


def from_environment(environment):
    """Translate SECRET_KEY and DATABASE_URL, which is postgresql://... or sqlite:////absolute/path."""
    url = make_url(environment["DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        # One writer at a time: the others wait for it.
        options = {"connect_args": {"timeout": 20}}
    else:
        url, options = url.set(drivername="postgresql+psycopg2"), {"pool_pre_ping": True}
    return {
        "SECRET_KEY": environment["SECRET_KEY"],
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": options,
    }
