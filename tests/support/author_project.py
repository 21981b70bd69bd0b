# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Working copies of small Alembic and Flask-Migrate projects on a SQLite file, as their authors have them (control node)."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import subprocess
import typing as t

from tests.support.alembic_python import alembic_python
from tests.support.playbook import Result, run_playbook

MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(50), nullable=False, index=True)
"""
MORE_MODELS = """    age = sa.Column(sa.Integer)


class Order(Base):
    __tablename__ = "orders"
    id = sa.Column(sa.Integer, primary_key=True)
    user_id = sa.Column(sa.ForeignKey("users.id", name="fk_user"))
"""
FLASK_APP = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class User(db.Model):
    __tablename__ = "users"
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(50), nullable=False, index=True)


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "URL"
    db.init_app(app)
    Migrate(app, db, render_as_batch=True)
    return app
"""
MORE_FLASK = """    age = db.Column(db.Integer, index=True)


def create_app"""


class Project:
    """The working copy of a project, with a SQLite file."""

    def __init__(self, path: pathlib.Path, age: str) -> None:
        self.path = path
        self.bin = pathlib.Path(alembic_python(age)).parent
        self.database = path / "app.sqlite3"
        path.mkdir()

    def run(self, *command: str) -> str:
        program, *arguments = command
        environment = {**os.environ, "FLASK_APP": "app:create_app", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def install(self, *arguments: str) -> Result:
        extra = [f"--extra-vars=migration_helpers_project={self.path}", *arguments]
        return run_playbook("migration_helpers.yml", {"ansible_connection": "local"}, *extra)

    def schema(self) -> list[tuple[t.Any, ...]]:
        with sqlite3.connect(self.database) as connection:
            return sorted(connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall())

    def revision(self) -> str:
        with sqlite3.connect(self.database) as connection:
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])

    def record(self, revision: str) -> None:
        """As an applied migration that was not recorded leaves it."""
        with sqlite3.connect(self.database) as connection:
            connection.execute("DELETE FROM alembic_version")
            connection.executemany("INSERT INTO alembic_version VALUES (?)", [(revision,)] if revision else [])


def plain(base: pathlib.Path, age: str) -> Project:
    project = Project(base / "plain", age)
    project.run("alembic", "init", "db/changes")
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", f"sqlite:///{project.database}"))
    env = project.path / "db" / "changes" / "env.py"
    env.write_text(
        env.read_text().replace("target_metadata = None", "from models import Base\ntarget_metadata = Base.metadata")
    )
    (project.path / "models.py").write_text(MODELS)
    return project


def flask(base: pathlib.Path, age: str) -> Project:
    project = Project(base / "flask", age)
    (project.path / "app.py").write_text(FLASK_APP.replace("URL", f"sqlite:///{project.database}"))
    project.run("flask", "db", "init")
    return project
