# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine with its pool of connections, and a session for each request (application's interpreter)."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from notes import settings

engine = create_async_engine(settings.DATABASE_URL, pool_size=5, max_overflow=5, pool_pre_ping=True)
new_session = async_sessionmaker(engine, expire_on_commit=False)


async def session():
    """Give a request its session (FastAPI closes it afterwards)."""
    async with new_session() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
