# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of Keystone: each of its backends has some (application's interpreter)."""

import importlib
import pkgutil

import keystone.conf
from keystone.common.sql import core

# Some of its modules ask for options while they are imported.
keystone.conf.configure()

PARTS = "application_credential assignment catalog credential endpoint_policy federation identity limit oauth1 policy"

for part in [*PARTS.split(), "resource", "revoke", "trust"]:
    package = importlib.import_module(f"keystone.{part}")
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if found.name.endswith((".sql", ".sql_model")):
            importlib.import_module(found.name)
metadata = core.ModelBase.metadata
