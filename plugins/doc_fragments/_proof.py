# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where all migrations are replayed, to prove what a database has. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cache_path:
    description:
      - Directory in which the catalogs of replayed migrations are kept, by the content of their files. It is created with mode 0700.
      - Without it, every run replays the whole chain.
    type: path
  role:
    description: The PostgreSQL role that new objects belong to, and as which the chain is built. The default is whom the application connects as.
    type: str
  scratch_database:
    description: An empty database on the same server that was made beforehand, for an admin who may not create one.
    type: str
"""
