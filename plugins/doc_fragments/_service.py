# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a service manager is reached, and what a healthy answer is. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  supervisor_config:
    description:
      - Path of the C(supervisord.conf) that supervisord was started with. Its socket, login and includes are read from there.
      - Required with O(manager=supervisor).
    type: path
  systemd_scope:
    description: Whether units belong to the system or to the user that the task runs as.
    type: str
    choices: [system, user]
    default: system
  health_path:
    description: What is requested of a web unit to see whether it is healthy.
    type: str
    default: /health/
  health_status:
    description: The status that counts as healthy.
    type: int
    default: 200
  health_host:
    description: Host header of the health request.
    type: str
    default: localhost
  health_headers:
    description:
      - More headers of the health request, such as C(X-Forwarded-Proto). They are not secret.
    type: dict
    default: {}
"""
