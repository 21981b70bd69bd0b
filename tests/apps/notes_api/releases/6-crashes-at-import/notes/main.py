# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of the web server: it imports what does not exist (application's interpreter)."""

import os
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from notes import api, health
from notes.database import engine
from notes.release import RELEASE
from notes.tracing import trace_requests


@asynccontextmanager
async def lifespan(_app):
    """Close the pool when the server ends."""
    yield
    await engine.dispose()


app = FastAPI(title="Notes", version=str(RELEASE), lifespan=lifespan)
trace_requests(app)
app.include_router(health.router)
app.include_router(api.router)


@app.middleware("http")
async def sign(request, call_next):
    """Say in every answer which release and which process gave it."""
    response = await call_next(request)
    response.headers["X-Release"] = str(RELEASE)
    response.headers["X-Pid"] = str(os.getpid())
    return response


@app.get("/", response_class=HTMLResponse)
async def home():
    """Show the first page."""
    return f"<!doctype html><title>Notes</title><h1>Notes</h1><p>Release {RELEASE}, process {os.getpid()}.</p>"
