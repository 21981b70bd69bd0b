# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints for notes (application's interpreter)."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from notes.database import Session
from notes.models import Author, Note

router = APIRouter(prefix="/notes")


class NewNote(BaseModel):
    """What a client sends."""

    token: str
    phone_number: str
    body: str = ""


def describe(note):
    """Tell of a note what a reader sees."""
    return {"id": note.id, "token": note.token, "author": note.author.phone_number, "body": note.body}


async def author_of(opened, phone_number):
    """Find the author with this number, or make one; two requests may try that at once."""
    wanted = select(Author).where(Author.phone_number == phone_number)
    found = await opened.scalar(wanted)
    if found is None:
        try:
            async with opened.begin_nested():
                found = Author(phone_number=phone_number)
                opened.add(found)
        except IntegrityError:
            found = await opened.scalar(wanted)
    return found


@router.get("/")
async def newest(opened: Session):
    """List the newest notes."""
    found = await opened.scalars(select(Note).order_by(Note.id.desc()).limit(20))
    return {"notes": [describe(each) for each in found]}


@router.post("/", status_code=201)
async def create(wanted: NewNote, opened: Session):
    """Take a new note."""
    author = await author_of(opened, wanted.phone_number)
    made = Note(author=author, token=wanted.token, body=wanted.body)
    opened.add(made)
    await opened.commit()
    return describe(made)


@router.get("/{number}/")
async def one(number: int, opened: Session):
    """Show one note."""
    found = await opened.get(Note, number)
    if found is None:
        raise HTTPException(404, "no such note")
    return describe(found)
