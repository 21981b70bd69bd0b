# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches PostgreSQL. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_url:
    description:
      - The connection as one URL, C(postgres://USER:PASSWORD@HOST:PORT/DATABASE). C(?host=/var/run/postgresql) names a socket directory.
      - The single O(login_host), O(login_port), O(login_user), O(login_password) override its parts.
    type: str
  login_host:
    description:
      - Host name or address of the server, or the directory of its unix socket.
      - Without it and without O(login_url), the local socket that libpq knows, as the operating system's user that the task runs as
        (C(become_user=postgres)).
    type: str
  login_port:
    description: Port of the server; also part of the name of its unix socket.
    type: int
  login_user:
    description: Role to connect as.
    type: str
  login_password:
    description: Password of the role. It reaches programs through their environment only.
    type: str
"""
