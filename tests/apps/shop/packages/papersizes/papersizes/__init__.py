# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of paper in millimetres (application's interpreter)."""

__version__ = "1.0.0"

SIZES = {"A3": (297, 420), "A4": (210, 297), "A5": (148, 210)}


def size(name):
    """Give the size as people write it."""
    width, height = SIZES[name]
    return f"{width} x {height} mm"
