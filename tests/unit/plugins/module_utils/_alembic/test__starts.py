# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications that migrate when they start, and what switches that off."""

from __future__ import annotations

import ast
import textwrap
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _starts, _switch

FLASK = """
    import os
    from flask import Flask
    from flask_migrate import Migrate, upgrade
    def create_app():
        app = Flask(__name__)
        with app.app_context():
            {}
        return app
"""
FASTAPI = """
    from contextlib import asynccontextmanager
    from fastapi import FastAPI
    from db import Base, engine
    @asynccontextmanager
    async def lifespan(app):
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield
    app = FastAPI(lifespan=lifespan)
"""
ALEMBIC = """
    from alembic import command
    from alembic.config import Config
    def run_migrations():
        command.upgrade(Config("alembic.ini"), "head")
"""


def starts(**files: str) -> list:
    """Give what is found in files; two underscores in a name are a directory."""
    sources = {f"{name.replace('__', '/')}.py": textwrap.dedent(text) for name, text in files.items()}
    return [(each.kind, each.when, each.spot.path) for each in _starts.find_starts(sources, "migrations")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"shop__factory": FLASK.format("upgrade()")}, [("upgrade", "start", "shop/factory.py")]),
        ({"shop__factory": FLASK.format("db.create_all()")}, [("create_all", "start", "shop/factory.py")]),
        ({"main": FASTAPI}, [("create_all", "start", "main.py")]),
        ({"main": ALEMBIC + "    run_migrations()\n"}, [("upgrade", "start", "main.py")]),
        ({"migrate": ALEMBIC, "main": "from migrate import run_migrations as go\ngo()"}, [("upgrade", "start", "migrate.py")]),
        ({"a__migrate": ALEMBIC, "main": "from a import migrate\nmigrate.run_migrations()"}, [("upgrade", "start", "a/migrate.py")]),
        ({"migrate": ALEMBIC, "main": "from migrate import run_migrations\napp.add_event_handler('startup', run_migrations)"},
         [("upgrade", "start", "migrate.py")]),
        ({"main": "@app.on_event('startup')\ndef begin():\n    Base.metadata.create_all(engine)"}, [("create_all", "start", "main.py")]),
        ({"main": "@app.on_event('shutdown')\ndef end():\n    Base.metadata.create_all(engine)"}, []),
        ({"main": "class Store:\n    def prepare(self):\n        db.create_all()\nStore().prepare()"}, [("create_all", "start", "main.py")]),
        ({"store": "class Store:\n    def __init__(self):\n        db.create_all()", "main": "from store import Store\nStore()"},
         [("create_all", "start", "store.py")]),
        ({"store": "class Store:\n    def begin(self):\n        db.create_all()", "main": "from other import job\njob.begin()"},
         [("create_all", "unclear", "store.py")]),
        ({"db": "def prepare():\n    store.create_all()", "main": "def prepare():\n    pass\nprepare()"}, [("create_all", "unclear", "db.py")]),
        ({"models": "Base.metadata.create_all(bind=engine)", "main": "import models"}, [("create_all", "start", "models.py")]),
        ({"tools__init_db": "Base.metadata.create_all(bind=engine)"}, [("create_all", "script", "tools/init_db.py")]),
        ({"run": "if __name__ == '__main__':\n    db.create_all()\n    app.run()"}, [("create_all", "script", "run.py")]),
        ({"cli": "import click\n@app.cli.command('init')\ndef init():\n    db.create_all()\ndef create_app():\n    app.cli.add_command(init)"}, []),
        ({"views": "@bp.route('/init')\ndef init():\n    db.create_all()"}, []),
        ({"db": "def make_tables():\n    db.create_all()"}, [("create_all", "unclear", "db.py")]),
        ({"tests__test_a": "db.create_all()", "conftest": "db.create_all()", "migrations__env": "db.create_all()"}, []),
        ({"main": "import subprocess\nsubprocess.run(['alembic', '-c', 'x.ini', 'upgrade', 'head'], check=True)"}, [("upgrade", "start", "main.py")]),
        ({"main": "import os\nos.system('flask --app shop db upgrade')"}, [("upgrade", "start", "main.py")]),
        ({"main": "import os\nos.system('apt upgrade')"}, []),
        ({"main": "from alembic.config import main as run\nrun(argv=['upgrade', 'head'])"}, [("upgrade", "start", "main.py")]),
        ({"main": "from alembic.config import CommandLine\nCommandLine().main(['upgrade', 'head'])"}, [("upgrade", "start", "main.py")]),
        ({"main": "import alembic.command\nalembic.command.stamp(c, 'head')"}, [("stamp", "start", "main.py")]),
        ({"main": "from other import upgrade\nupgrade()"}, []),
        ({"main": "def ("}, []),
        ({"main": "def create_app():\n    def later():\n        db.create_all()\n    Thread(target=later).start()"},
         [("create_all", "start", "main.py")]),
    ],
)  # fmt: skip
def test_what_is_run_by_a_start(files: dict, expected: list) -> None:
    assert starts(**files) == expected


def found(text: str, **more: str) -> dict:
    """Give the one start of main.py, as a module returns it."""
    sources = {"main.py": textwrap.dedent(text), **{f"{name}.py": textwrap.dedent(each) for name, each in more.items()}}
    (only,) = _starts.find_starts(sources)
    return only.to_json()


GUARDED = """
    import os
    AUTO = os.environ.get("AUTO_MIGRATE", "true").lower() == "true"
    def create_app():
        {}
"""


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ("if AUTO:\n            db.create_all()", "AUTO_MIGRATE", "0"),
        ("if not AUTO:\n            return app\n        db.create_all()", "AUTO_MIGRATE", "0"),
        ("if AUTO and not testing():\n            db.create_all()", "AUTO_MIGRATE", "0"),
        ("if os.getenv('SKIP') != '1':\n            db.create_all()", "SKIP", "1"),
        ("if os.environ.get('SKIP'):\n            pass\n        else:\n            db.create_all()", "SKIP", "0"),
        ("if os.environ.get('INIT') == 'yes':\n            db.create_all()", "INIT", None),
        ("if os.environ['MODE'] in ('1', 'true'):\n            db.create_all()", "MODE", "0"),
        ("if int(os.environ.get('N', 1)):\n            db.create_all()", "N", "0"),
        ("if strtobool(os.environ.get('B', 'on')):\n            db.create_all()", "B", "0"),
        ("if env.bool('RUN', default=True):\n            db.create_all()", "RUN", "0"),
        ("if config('RUN', default=True, cast=bool):\n            db.create_all()", "RUN", "0"),
    ],
)  # fmt: skip
def test_variable_that_switches_it_off(body: str, name: str, value: t.Any) -> None:
    told = found(GUARDED.format(body))
    assert told["switch"] == {"kind": "environment", "name": name, "value": value}
    assert name in told["remedy"] and told["level"] == ("note" if value is None else "warning")


def test_settings_classes_and_configurations() -> None:
    settings = """
        class Settings(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="notes_")
            auto_migrate: bool = True
    """
    told = found("from config import settings\nif settings.auto_migrate:\n    db.create_all()\n", config=settings)
    assert told["switch"] == {"kind": "environment", "name": "NOTES_AUTO_MIGRATE", "value": "0"}
    flask = """
        class Config:
            AUTO_MIGRATE = os.environ.get("AUTO_MIGRATE", "1") == "1"
    """
    body = "def create_app():\n    app = Flask(__name__)\n    if app.config['AUTO_MIGRATE']:\n        db.create_all()\n"
    assert found(body, config=flask)["switch"]["name"] == "AUTO_MIGRATE"
    mapping = "app.config.from_mapping(AUTO=os.environ.get('A_M', '1') == '1')\nif app.config.get('AUTO'):\n    db.create_all()\n"
    assert found(mapping)["switch"] == {"kind": "environment", "name": "A_M", "value": "0"}


def test_condition_at_the_place_from_which_it_is_called() -> None:
    told = found(
        "import os\nfrom db import make\nif os.environ.get('MAKE', '1') == '1':\n    make()\n",
        db="def make():\n    d.create_all()\n",
    )
    assert told["switch"]["name"] == "MAKE" and told["place"] == "db.py:2" and "(in make)" in told["evidence"]


@pytest.mark.parametrize(
    "body",
    [
        "db.create_all()",
        "if inspect(engine).has_table('x'):\n            pass\n        db.create_all()",
        "if app.debug:\n            db.create_all()",
    ],
)
def test_nothing_switches_it_off(body: str) -> None:
    told = found(GUARDED.format(body))
    assert told["switch"] == {"kind": "wrapper"} and "without_migrations" in told["remedy"]


def test_what_it_breaks_is_said() -> None:
    told = found(FLASK.format("upgrade()"))
    assert told["kind"] == "migrates_at_start" and told["level"] == "warning" and told["place"] == "main.py:8"
    assert "what a deploy holds back" in told["evidence"] and "no way back" in told["evidence"]
    assert "without a revision on record" in found(FASTAPI)["evidence"]


@pytest.mark.parametrize("test", ["f(X)", "os.environ.get(name())", "A < 3", "(lambda: 1)()", "X"])
def test_conditions_that_cannot_be_told(test: str) -> None:
    settings = _switch.Settings(lambda name: [ast.parse("X = X\nA = os.environ.get('A')")])
    assert settings.switch(_switch.Guard(ast.parse(test, mode="eval").body, True)) is None
