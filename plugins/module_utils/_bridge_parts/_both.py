# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridges of both frameworks, for a module that serves either. Target; PRIVATE to the collection."""

from __future__ import annotations

from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO

#: framework -> its parts. Only the bridge of the one in use is published.
PARTS = {parts.framework: parts for parts in (ALEMBIC, DJANGO)}
