# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and version of the running process (application's interpreter)."""

import os
import sys

from flask import Blueprint

from visits.database import db
from visits.models import Visit
from visits.release import RELEASE

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/")
def health():
    """Say that this process and its database work: the newest visit is read with every column."""
    newest = db.session.scalar(db.select(Visit).order_by(Visit.id.desc()).limit(1))
    return {
        "status": "ok",
        "release": RELEASE,
        "pid": os.getpid(),
        "database": db.engine.url.database,
        "newest_visit": newest.id if newest else None,
    }


@blueprint.get("/version/")
def version():
    """Say what runs here: the release, its directory, its virtual environment, its extra dependency."""
    return {
        "release": RELEASE,
        "pid": os.getpid(),
        "directory": os.getcwd(),
        "prefix": sys.prefix,
        "python": sys.version.split()[0],
        "dependency": None,
    }
