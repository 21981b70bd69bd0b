# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and version of the running process (application's interpreter)."""

import os
import sys

from fastapi import APIRouter
from sqlalchemy import select

from notes.database import Session, engine
from notes.models import Note
from notes.release import RELEASE

router = APIRouter()


@router.get("/health/")
async def health(opened: Session):
    """Say that this process and its database work: the newest note is read with every column."""
    newest = await opened.scalar(select(Note).order_by(Note.id.desc()).limit(1))
    return {
        "status": "ok",
        "release": RELEASE,
        "pid": os.getpid(),
        "database": engine.url.database,
        "newest_note": newest.id if newest else None,
    }


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
