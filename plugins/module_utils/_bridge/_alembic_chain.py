# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of an Alembic project say, read by the interpreter that will run them. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import os
import typing as t

from .._alembic import _files, _told


def check(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `check` about the chain. Imports nothing of the project and connects to nothing.

    It runs here and not in Ansible's interpreter, which may be too old for the syntax of the files.
    """
    database = arguments.get("database") or "default"
    section = "" if database == "default" else database
    return _told.told(_files.read_project(os.getcwd(), arguments.get("config") or "", section))
