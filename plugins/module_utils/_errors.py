# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the collection's Python code. Target, any interpreter; PRIVATE to the collection."""

from __future__ import annotations


class DeployError(Exception):
    """Something a person must act on.

    `msg` names the option or object, what was found and what to do; `result` holds the return
    values that the module still owes its caller (rc, stdout, stderr, what was already applied).
    """

    def __init__(self, msg: str, **result: object) -> None:
        super().__init__(msg)
        self.msg = msg
        self.result = result
