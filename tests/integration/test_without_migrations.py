# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrapper that keeps an application from migrating when it starts, on real applications (control node)."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import subprocess

import pytest

from tests.support.alembic_project import USERS, Project
from tests.support.alembic_python import alembic_python
from tests.support.django_project import django_python
from tests.support.paths import CHECKOUT

WRAPPER = CHECKOUT / "roles" / "deploy" / "files" / "without_migrations"
UPGRADE = """
from shop import create_app
app = create_app()
with app.app_context():
    from flask_migrate import upgrade
    upgrade()
print("serving")
"""
PROGRAM = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], check=True)
print("serving")
"""
COMMAND = (
    "from alembic import command, config\ncommand.upgrade(config.Config('alembic.ini'), 'head')\nprint('serving')\n"
)
SHELL = """
import os, subprocess, sys
os.environ["PATH"] = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
subprocess.run(["/bin/sh", "-c", {!r} + " && echo serving"], check=True)
"""
MODELS = "import os, sqlalchemy, models\nmodels.metadata.create_all(sqlalchemy.create_engine(os.environ['DATABASE_URL']))\nprint('serving')\n"


def start(project: Project, code: str, url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run what an application does when it starts."""
    return subprocess.run(
        [alembic_python(project.age), "-c", code],
        cwd=project.path,
        env={**os.environ, "DATABASE_URL": url, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("age", ["oldest", "newest"])
@pytest.mark.parametrize(
    ("flask", "code"),
    [
        (True, UPGRADE),
        (False, PROGRAM),
        (False, COMMAND),
        (False, MODELS),
        (True, SHELL.format("flask --app shop db upgrade")),
        (False, SHELL.format("python -m alembic upgrade head")),
    ],
)
def test_application_starts_and_makes_nothing(tmp_path: pathlib.Path, age: str, flask: bool, code: str) -> None:
    project = Project(tmp_path / "project", age, flask=flask)
    project.revision("a1", None, USERS.replace('"users"', '"people"'))
    for name, variables, made in (("plain", {}, True), ("quiet", {"PYTHONPATH": str(WRAPPER)}, False)):
        done = start(project, code, f"sqlite:///{tmp_path}/{name}.db", **variables)
        assert done.returncode == 0 and "serving" in done.stdout, done.stderr
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            assert bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]) is made
        assert ("was left out, the deploy migrates" in done.stderr) is not made


DJANGO = """
import django, sys
from django.conf import settings
from django.core.management import call_command
database = {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}
settings.configure(DATABASES={"default": database}, INSTALLED_APPS=["django.contrib.contenttypes"])
django.setup()
call_command("migrate")
print("serving")
"""


def test_application_of_django_starts_and_makes_nothing(tmp_path: pathlib.Path) -> None:
    for name, variables, made in (("plain", {}, True), ("quiet", {"PYTHONPATH": str(WRAPPER)}, False)):
        argv = [django_python(), "-c", DJANGO, str(tmp_path / name)]
        done = subprocess.run(argv, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "serving" in done.stdout, done.stderr
        assert (tmp_path / name).exists() is made
        assert ("django.core.management.commands.migrate.Command.handle() was left out" in done.stderr) is not made


def test_deploy_itself_is_not_kept_from_anything(tmp_path: pathlib.Path) -> None:
    project = Project(tmp_path / "project")
    project.revision("a1", None, USERS)
    url = f"sqlite:///{tmp_path}/data.db"
    told = project.info(environment={"DATABASE_URL": url, "PYTHONPATH": str(WRAPPER)})
    assert told["pending"] == ["a1"] and "CREATE TABLE users" in told["plan"][0]["sql"][0]
