# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and endpoints of the visitors' book (application's interpreter)."""

import os

from flask import Blueprint, request
from sqlalchemy.exc import IntegrityError

from visits.database import db
from visits.models import Badge, Visit, Visitor
from visits.release import RELEASE

blueprint = Blueprint("visits", __name__)


def describe(visit):
    """Tell of a visit what the receptionist sees."""
    return {
        "id": visit.id,
        "token": visit.token,
        "visitor": visit.visitor.phone_number,
        "purpose": visit.purpose,
        "note": visit.note,
    }


def visitor_of(phone_number):
    """Find the visitor with this number, or make one; two requests may try that at once."""
    wanted = db.select(Visitor).filter_by(phone_number=phone_number)
    found = db.session.scalar(wanted)
    if found is None:
        found = Visitor(phone_number=phone_number)
        db.session.add(found)
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            found = db.session.scalar(wanted)
    return found


@blueprint.get("/")
def home():
    """Show the first page."""
    return f"<!doctype html><title>Visits</title><h1>Visits</h1><p>Release {RELEASE}, process {os.getpid()}.</p>"


@blueprint.get("/visits/")
def newest():
    """List the newest visits."""
    found = db.session.scalars(db.select(Visit).order_by(Visit.id.desc()).limit(20))
    return {"visits": [describe(each) for each in found]}


@blueprint.post("/visits/")
def create():
    """Take a new visit."""
    wanted = request.get_json(silent=True)
    if not isinstance(wanted, dict) or not {"token", "phone_number"} <= set(wanted):
        return {"error": "a visit needs a token and a phone_number"}, 400
    visitor = visitor_of(str(wanted["phone_number"]))
    made = Visit(
        visitor=visitor, token=str(wanted["token"]), purpose=wanted.get("purpose", ""), note=wanted.get("note")
    )
    made.badges = [Badge(number=int(number)) for number in wanted.get("badges", [])]
    db.session.add(made)
    db.session.commit()
    return describe(made), 201


@blueprint.get("/visits/<int:number>/")
def one(number):
    """Show one visit."""
    return describe(db.get_or_404(Visit, number))
