# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches an Alembic or Flask-Migrate project. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  chdir:
    description:
      - The project directory of the release, where one would run C(alembic) or C(flask db). It is the working directory and the first entry of C(sys.path).
    type: path
    required: true
  python:
    description:
      - The interpreter of the release's virtual environment. Alembic is imported there, never by Ansible's own interpreter.
      - It may be Python 3.7 or newer, with Alembic 1.8 or newer and SQLAlchemy 1.4 or newer.
    type: path
    required: true
  config:
    description:
      - The path of C(alembic.ini), relative to O(chdir).
      - Without it C(alembic.ini), else C(migrations/alembic.ini) of Flask-Migrate, else C(pyproject.toml) with a table C(tool.alembic).
      - Where the application gives Flask-Migrate another C(directory), that one takes the place of C(migrations). Without loading the application it
        is found where it is a literal.
    type: path
  app:
    description:
      - Where Flask-Migrate finds the application, as C(FLASK_APP) has it.
      - Without it C(FLASK_APP) of the environment, else C(wsgi.py) or C(app.py), as C(flask) itself looks for it. Application factories are called.
      - Given, the application is loaded also where C(env.py) does not name Flask's C(current_app).
    type: str
  x:
    description:
      - Arguments of C(env.py), each C(key=value), as C(alembic -x) hands them over. C(env.py) and revisions read them by C(context.get_x_argument()).
      - They are shown. What is secret belongs in O(environment).
    type: list
    elements: str
    default: []
  database:
    description:
      - Which of several databases. A section of C(alembic.ini) with a C(script_location) of its own, a name in its C(databases), or a bind of Flask-SQLAlchemy.
      - V(default) is the only database, or the one without a bind.
    type: str
    default: default
  database_name:
    description:
      - Use the database of this name in place of the one that the application is set to, on the same server and as the same role.
        With SQLite the path of another file.
      - This is how a database is reached that was renamed behind a fence.
    type: str
  environment:
    description:
      - Variables that the application needs. They reach it through its environment only and are not shown.
    type: dict
    default: {}
  environment_file:
    description:
      - A file of C(NAME=value) lines with such variables. Those in O(environment) come first.
    type: path
  bridge_path:
    description:
      - A directory for the code that runs in the application's interpreter. It is published there by a hash of its content and kept.
      - Without it, and in check mode when it is not there yet, the task's own temporary directory is used.
    type: path
"""
