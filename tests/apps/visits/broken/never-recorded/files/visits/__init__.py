# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The visitors' book, which makes its tables itself (application's interpreter)."""

import os

from flask import Flask

from visits import health, settings, views
from visits.database import db, migrate
from visits.release import RELEASE


def create_app():
    """Make the application; `flask` finds this function when FLASK_APP is visits."""
    app = Flask(__name__)
    app.config.update(settings.from_environment(os.environ))
    db.init_app(app)
    # SQLite changes a table by making another one: batch mode.
    migrate.init_app(app, db, render_as_batch=True)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(views.blueprint)
    app.after_request(sign)
    with app.app_context():
        db.create_all()
    return app


def sign(response):
    """Say in every answer which release and which process gave it."""
    response.headers["X-Release"] = str(RELEASE)
    response.headers["X-Pid"] = str(os.getpid())
    return response
