# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has something go on when the module's process has ended. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import typing as t


def apart(work: t.Callable[[], object]) -> None:
    """Do it in a session of its own, with nothing of this process's input and output, and wait for nothing of it."""
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            work()
    finally:
        os._exit(0)
