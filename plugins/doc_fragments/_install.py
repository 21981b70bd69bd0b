# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the dependencies of a release are installed. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  installer:
    description:
      - V(auto) uses uv when there is a C(uv.lock), else pip with C(requirements.txt) or the dependencies of C(pyproject.toml).
      - V(none) makes no virtual environment.
    type: str
    choices: [auto, pip, uv, none]
    default: auto
  python:
    description:
      - The interpreter that virtual environments are made with, as a name on the target's C(PATH) or an absolute path.
    type: str
    default: python3
  requirements:
    description:
      - Requirement files, relative to O(project_dir) or to the release. They take precedence over what V(auto) finds.
    type: list
    elements: str
    default: []
  index_url:
    description:
      - Package index in place of the configured one. Its user and password may be part of it.
    type: str
  wheelhouse:
    description:
      - Directory of the target with all distributions that are needed. No index is asked then.
    type: path
  install_project:
    description:
      - Install the project itself too, not only its dependencies.
    type: bool
    default: false
"""
