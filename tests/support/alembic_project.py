# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small project with models of its own, by Alembic and by Flask-Migrate, and alembic_info of it (control node)."""

from __future__ import annotations

import os
import pathlib
import subprocess
import textwrap
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.modules import alembic_info

from tests.support.alembic_python import alembic_python
from tests.support.django_project import run_command

INI = "[alembic]\nscript_location = %(here)s/migrations\n"
ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine

from models import metadata

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://"))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
"""
MODELS = """\
import sqlalchemy as sa

metadata = sa.MetaData()
users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
)
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), nullable=False))'
FLASK_ENV = """\
from alembic import context
from flask import current_app

engine = current_app.extensions["migrate"].db.engine
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=current_app.extensions["migrate"].db.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
FLASK_APP = """\
import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class User(db.Model):
    __tablename__ = "users"
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(50), nullable=False)


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    db.init_app(app)
    Migrate(app, db)
    if os.environ.get("CREATE_TABLES", "1") == "1":
        with app.app_context():
            db.create_all()
    return app
"""


class Project:
    """Plain Alembic with `models`, or Flask-Migrate with `shop`; write() adds or replaces files."""

    def __init__(self, path: pathlib.Path, age: str = "newest", flask: bool = False) -> None:
        self.path, self.age = path, age
        (path / "migrations" / "versions").mkdir(parents=True)
        if flask:
            self.write("migrations/alembic.ini", "[alembic]\n")
            self.write("migrations/env.py", FLASK_ENV)
            self.write("shop.py", FLASK_APP)
        else:
            self.write("alembic.ini", INI)
            self.write("migrations/env.py", ENV)
            self.write("models.py", MODELS)

    def write(self, name: str, text: str) -> pathlib.Path:
        """Write one file of the project."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def revision(self, own: str, down: t.Any = None, up: str = "pass", back: str = "pass", **names: t.Any) -> None:
        """Write a revision file."""
        given = {"revision": own, "down_revision": down, **names}
        head = "".join(f"{name} = {value!r}\n" for name, value in given.items())
        text = f'"""Change {own}"""\nfrom alembic import op\nimport sqlalchemy as sa\n\n{head}'
        for function, body in (("upgrade", up), ("downgrade", back)):
            text += f"\n\ndef {function}():\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
        self.write(f"migrations/versions/{own}.py", text)

    def python(self, code: str, url: str = "") -> subprocess.CompletedProcess[str]:
        """Run code in the application's environment."""
        return subprocess.run(
            [alembic_python(self.age), "-c", code],
            cwd=self.path,
            env={**os.environ, "DATABASE_URL": url, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    def upgrade(self, url: str, revision: str = "heads") -> None:
        """Do what `alembic upgrade` does."""
        code = "from alembic import command, config; command.upgrade(config.Config('alembic.ini'), {!r})"
        done = self.python(code.format(revision), url)
        if done.returncode:
            raise RuntimeError(f"alembic upgrade failed: {done.stderr[-1500:]}")

    def info(self, url: str = "", **options: t.Any) -> dict[str, t.Any]:
        """Call the module's run(), with a real bridge."""
        params: dict[str, t.Any] = {name: each.get("default") for name, each in alembic_info.argument_spec().items()}
        params.update(chdir=str(self.path), python=alembic_python(self.age), environment={"DATABASE_URL": url})
        params.update(options)
        return alembic_info.run(params, Bridge(run_command, params, ALEMBIC, str(self.path.parent / "bridge")))

    def fails(self, url: str = "", **options: t.Any) -> DeployError:
        """Give the error of a call that must fail."""
        with pytest.raises(DeployError) as caught:
            self.info(url, **options)
        assert "Traceback" not in caught.value.msg
        return caught.value
