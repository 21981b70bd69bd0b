# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes this checkout importable as ansible_collections.seamless.deploy, wherever it lies; runs where pytest runs."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def _package(name: str) -> types.ModuleType:
    """The package as installed, or an empty one of that name."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return _synthetic(name, [])


def _synthetic(name: str, path: list) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__path__ = path
    sys.modules[name] = module
    return module


def _register() -> None:
    top = _package("ansible_collections")
    namespace = _package("ansible_collections.seamless")
    # Always the checkout: an installed copy of the collection must not be tested in its place.
    collection = _synthetic("ansible_collections.seamless.deploy", [str(ROOT)])
    top.seamless = namespace  # type: ignore[attr-defined]
    namespace.deploy = collection  # type: ignore[attr-defined]


_register()
