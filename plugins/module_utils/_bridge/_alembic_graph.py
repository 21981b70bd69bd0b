# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions and what is on record of them, by Alembic's own ScriptDirectory. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from . import _exceptions as errors
from ._protocol import BridgeError

Heads = t.Sequence[str]


def load(script: t.Any) -> None:
    """Import all revision files. Raises BridgeError where they do not fit together."""
    try:
        script.revision_map.heads  # noqa: B018 - fills the map
    except Exception as exc:
        place = errors.place_of(exc)
        where = f", at {place}" if place else ""
        raise BridgeError("migrations", f"the revision files cannot be loaded: {errors.summary(exc)}{where}") from None


def known_heads(script: t.Any, heads: Heads) -> t.Tuple[t.List[str], t.List[str]]:
    """(those on record that the code has, those that it has not)."""
    known = [head for head in heads if head in script.revision_map._revision_map]
    return known, sorted(set(heads) - set(known))


def parents(revision: t.Any) -> t.Tuple[str, ...]:
    """What a revision comes straight after: down_revision and depends_on, resolved."""
    return tuple(revision._all_down_revisions)


def applied(script: t.Any, heads: Heads) -> t.Set[str]:
    """Everything that is in the database when these are on record."""
    found: t.Set[str] = set()
    waiting = list(known_heads(script, heads)[0])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += parents(script.get_revision(name))
    return found


def heads_after(heads: Heads, steps: t.Sequence[t.Any]) -> t.List[str]:
    """What is on record after these steps, by Alembic's own bookkeeping."""
    from alembic.runtime.migration import HeadMaintainer

    class Bookkeeping(HeadMaintainer):
        """Writes nothing."""

        def _insert_version(self, version: str) -> None:
            self.heads.add(version)

        def _delete_version(self, version: str) -> None:
            self.heads.remove(version)

        def _update_version(self, from_: str, to_: str) -> None:
            self.heads.remove(from_)
            self.heads.add(to_)

    book = Bookkeeping(None, heads)  # type: ignore[arg-type]
    for step in steps:
        book.update_to_step(step)
    return sorted(book.heads)


def id_of(step: t.Any) -> str:
    return str(step.revision.revision)
