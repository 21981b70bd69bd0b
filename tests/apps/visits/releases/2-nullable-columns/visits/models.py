# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors, their visits and badges (application's interpreter)."""

from sqlalchemy import func

from visits.database import db


class Visitor(db.Model):
    """Somebody who comes to see us, known by the telephone number."""

    __tablename__ = "visitor"

    id = db.Column(db.Integer, primary_key=True)
    phone_number = db.Column(db.String(20), nullable=False, unique=True)
    nickname = db.Column(db.String(40), nullable=True)
    company = db.Column(db.String(100), nullable=True)


class Visit(db.Model):
    """One visit; `token` is chosen by the client, so that an acknowledged visit can be found again."""

    __tablename__ = "visit"

    id = db.Column(db.Integer, primary_key=True)
    visitor_id = db.Column(db.ForeignKey("visitor.id"), nullable=False, index=True)
    token = db.Column(db.String(64), nullable=False, unique=True)
    purpose = db.Column(db.String(200), nullable=True)
    note = db.Column(db.Text, nullable=True)
    arrived_at = db.Column(db.DateTime, nullable=False, server_default=func.now())

    visitor = db.relationship(Visitor, lazy="joined", innerjoin=True)
    badges = db.relationship("Badge", passive_deletes=True)


class Badge(db.Model):
    """What a visitor wears, and gives back."""

    __tablename__ = "badge"

    id = db.Column(db.Integer, primary_key=True)
    visit_id = db.Column(db.ForeignKey("visit.id", ondelete="CASCADE"), nullable=False, index=True)
    number = db.Column(db.Integer, nullable=False)
