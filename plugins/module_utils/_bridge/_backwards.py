# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order migrations are taken back. Pure. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ._protocol import BridgeError


def newest_first(
    wanted: t.Collection[str], parents: t.Mapping[str, t.Collection[str]], called: str = "migration"
) -> t.List[str]:
    """Those of `wanted` that are applied, each before what it comes after. parents: of everything that is applied.

    Raises BridgeError where something else that is applied needs one of them.
    """
    going = set(wanted) & set(parents)
    children: t.Dict[str, t.Set[str]] = {name: set() for name in going}
    for name, needed in parents.items():
        for parent in going.intersection(needed):
            children[parent].add(name)
    for name in sorted(going):
        kept = sorted(children[name] - going)
        if kept:
            raise BridgeError(
                "choice",
                f"`migrations` names {name!r} to be taken back, and {kept[0]!r} is applied and comes after it; "
                f"name that {called} too, or neither",
            )
    order: t.List[str] = []
    while going:
        free = sorted(name for name in going if not children[name] & going)
        order += free
        going.difference_update(free)
    return order
