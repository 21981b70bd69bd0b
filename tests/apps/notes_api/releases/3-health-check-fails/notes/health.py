# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and version of the running process (application's interpreter)."""

import os
import sys

from fastapi import APIRouter

from notes.release import RELEASE

router = APIRouter()


@router.get("/health/", status_code=500)
async def health():
    """Say that the search does not work: this release is not fit to serve."""
    return {"status": "error", "problem": "the search index does not answer", "release": RELEASE, "pid": os.getpid()}


@router.get("/version/")
async def version():
    """Say what runs here: the release, its directory, its virtual environment, its extra dependency."""
    return {
        "release": RELEASE,
        "pid": os.getpid(),
        "directory": os.getcwd(),
        "prefix": sys.prefix,
        "python": sys.version.split()[0],
        "dependency": None,
    }
