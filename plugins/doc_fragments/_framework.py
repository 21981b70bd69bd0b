# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose migrations they are, for a module that knows several frameworks. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  framework:
    description: Whose migrations they are. V(alembic) stands for Flask-Migrate too.
    type: str
    choices: [django, alembic]
    default: django
  config:
    description: With O(framework=alembic), the path of C(alembic.ini) as M(seamless.deploy.alembic_upgrade) takes it.
    type: path
  app:
    description: With O(framework=alembic), where Flask-Migrate finds the application, as C(FLASK_APP) has it.
    type: str
  x:
    description: With O(framework=alembic), arguments of C(env.py), each C(key=value), as C(alembic -x) hands them over.
    type: list
    elements: str
    default: []
"""
