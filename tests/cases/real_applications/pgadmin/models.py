# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pgAdmin's database, in an application that does not migrate when it starts (application's interpreter)."""

import os
import sys

import pgadmin4

ROOT = next(iter(pgadmin4.__path__))
sys.path.insert(0, ROOT)

import config  # noqa: E402
from flask import Flask  # noqa: E402
from flask_babel import Babel  # noqa: E402
from flask_migrate import Migrate  # noqa: E402
from pgadmin.model import SCHEMA_VERSION, db  # noqa: E402

config.SETTINGS_SCHEMA_VERSION = SCHEMA_VERSION
metadata = db.metadata


def create_app() -> Flask:
    app = Flask("pgadmin")
    app.config.from_object(config)
    app.config.update(
        SECRET_KEY="key", SECURITY_PASSWORD_SALT="salt", SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"]
    )
    Babel(app)
    db.init_app(app)
    Migrate(app, db, directory=os.path.join(ROOT, "migrations"))
    return app
