# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches a Django project. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  chdir:
    description:
      - The project directory of the release, where C(manage.py) is. It is the working directory and the first entry of C(sys.path).
    type: path
    required: true
  python:
    description:
      - The interpreter of the release's virtual environment. Django is imported there, never by Ansible's own interpreter.
      - It may be Python 3.7 or newer, with Django 3.2 or newer.
    type: path
    required: true
  settings:
    description:
      - The settings module.
      - Without it, C(DJANGO_SETTINGS_MODULE) of the environment; without that, the name that C(manage.py) falls back to.
      - C(manage.py) is read and not run. What else it does, such as loading a C(.env) file, belongs into O(environment_file).
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
