# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and version of the running process (application's interpreter)."""

import os
import sys

from flask import Blueprint

from visits.release import RELEASE

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/")
def health():
    """Say that a door does not open: this release is not fit to serve."""
    problem = "the door to the street does not answer"
    return {"status": "error", "problem": problem, "release": RELEASE, "pid": os.getpid()}, 500


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
