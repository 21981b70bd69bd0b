# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the files around it importable by the name of the collection, and runs the command line. Developer's machine."""

from __future__ import annotations

import os
import sys
import types

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))


def _register() -> None:
    """A clone has any name, and an installed collection need not be on Python's path."""
    path: list = []
    for name in ("ansible_collections", "ansible_collections.seamless", "ansible_collections.seamless.deploy"):
        if name not in sys.modules or name.endswith(".deploy"):
            module = types.ModuleType(name)
            module.__path__ = [_ROOT] if name.endswith(".deploy") else path
            sys.modules[name] = module


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.pop(0)  # this folder: its names are not those of the standard library's
    _register()
    from ansible_collections.seamless.deploy.plugins.module_utils._command import _main

    raise SystemExit(_main.main(sys.argv[1:]))
