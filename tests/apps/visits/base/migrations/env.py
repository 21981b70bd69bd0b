# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alembic's way to the database: what Flask-Migrate knows of the application (application's interpreter)."""

from logging.config import fileConfig

from alembic import context
from flask import current_app

fileConfig(context.config.config_file_name, disable_existing_loggers=False)

migrate = current_app.extensions["migrate"]
database = migrate.db
options = dict(migrate.configure_args)


def no_empty_revision(_context, _revision, directives):
    """Write no revision when autogenerate finds nothing to change."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def write_sql():
    """Write the statements instead of running them (flask db upgrade --sql)."""
    context.configure(url=database.engine.url, target_metadata=database.metadata, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()


def migrate_online():
    """Connect and migrate."""
    options.setdefault("process_revision_directives", no_empty_revision)
    with database.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=database.metadata, **options)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    write_sql()
else:
    migrate_online()
