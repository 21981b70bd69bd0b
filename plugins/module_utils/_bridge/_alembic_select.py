# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps lead from what is on record to what is wanted. Reads only. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

from . import _alembic_graph as graph
from . import _exceptions as errors
from ._backwards import newest_first
from ._protocol import BridgeError

#: base, -1, abc-1, label@base, label@-1
_BACK = re.compile(r"(.+@)?base\Z|(\w+@)?[^+@]*-\d+\Z")
#: +1, abc+1, label@+1
_FORTH = re.compile(r"(\w+@)?[^-@]*\+\d+\Z")


class Choice(t.NamedTuple):
    """The steps that are meant, in order; ids of what is pending and was left out; ids on record that the code does not have."""

    steps: t.List[t.Any]
    held_back: t.List[str]
    missing: t.List[str]


def choose(script: t.Any, heads: graph.Heads, arguments: t.Dict[str, t.Any]) -> Choice:
    """The steps that the arguments ask for; none where what is on record cannot be placed. Raises BridgeError."""
    graph.load(script)
    missing = graph.known_heads(script, heads)[1]
    if missing:
        return Choice([], [], missing)
    wanted = set(arguments.get("migrations") or [])
    if arguments.get("backwards"):
        return Choice(_back(script, heads, wanted), [], [])
    steps = _steps(script, heads, str(arguments.get("revision") or "heads"))
    if not wanted:
        return Choice(steps, [], [])
    pending = {graph.id_of(step): step for step in steps}
    applied = graph.applied(script, heads)
    for name in sorted(wanted - set(pending) - applied):
        raise BridgeError("choice", f"`migrations` names {name!r}, and no such revision is pending; name whole ids")
    _refuse_open(pending, wanted)
    kept = [step for step in steps if graph.id_of(step) in wanted]
    return Choice(kept, [name for name in pending if name not in wanted], [])


def _back(script: t.Any, heads: graph.Heads, wanted: t.Set[str]) -> t.List[t.Any]:
    """What is named and applied, to be taken back. What is not applied needs nothing."""
    from alembic.runtime.migration import MigrationStep

    known = {one.revision for one in script.walk_revisions()}
    for name in sorted(wanted - known):
        raise BridgeError("choice", f"`migrations` names {name!r}, and there is no such revision; name whole ids")
    parents = {name: graph.parents(script.get_revision(name)) for name in graph.applied(script, heads)}
    order = newest_first(wanted, parents, "revision")
    return [MigrationStep.downgrade_from_script(script.revision_map, script.get_revision(name)) for name in order]


def _refuse_open(pending: t.Mapping[str, t.Any], wanted: t.Set[str]) -> None:
    """A revision cannot run before what it comes after."""
    for name in sorted(wanted & set(pending)):
        for needed in graph.parents(pending[name].revision):
            if needed in pending and needed not in wanted:
                raise BridgeError(
                    "choice",
                    f"`migrations` names {name!r}, which comes after {needed!r}, and that is pending and not named; "
                    "name both or neither",
                )


def pending(script: t.Any, heads: graph.Heads) -> t.List[str]:
    """Everything that the code has and the database has not, in the order in which it would run."""
    if graph.known_heads(script, heads)[1]:
        return []
    return [graph.id_of(step) for step in _made(lambda: script._upgrade_revs("heads", tuple(heads)), "heads")]


def _steps(script: t.Any, heads: graph.Heads, target: str) -> t.List[t.Any]:
    recorded = tuple(heads)
    if _BACK.match(target) and not _FORTH.match(target):
        return _made(lambda: script._downgrade_revs(target, recorded), target)
    if target in ("head", "heads") or _FORTH.match(target) or target.endswith(("@head", "@heads")):
        _refuse_several_heads(script, target)
        return _made(lambda: script._upgrade_revs(target, recorded), target)
    wanted = _revisions(script, target)
    if wanted and set(wanted) <= graph.applied(script, heads) - set(heads):
        return _made(lambda: script._downgrade_revs(target, recorded), target)
    return _made(lambda: script._upgrade_revs(target, recorded), target)


def _refuse_several_heads(script: t.Any, target: str) -> None:
    found = sorted(script.get_heads())
    if target == "head" and len(found) > 1:
        raise BridgeError(
            "conflicts",
            f"the code has several last revisions: {', '.join(found)}. Merge them in development with `alembic merge heads` and "
            "commit the result; where they are branches that belong so, set `revision` to heads",
            conflicts={"heads": found},
        )


def _revisions(script: t.Any, target: str) -> t.List[str]:
    from alembic.util import CommandError

    try:
        return [found.revision for found in script.get_revisions(target) if found is not None]
    except CommandError as exc:
        raise BridgeError("target", f"`revision` is {target!r}: {errors.first_line(str(exc))}") from None


def _made(make: t.Callable[[], t.Any], target: str) -> t.List[t.Any]:
    from alembic.util import CommandError

    try:
        return list(make())
    except CommandError as exc:
        raise BridgeError("target", f"`revision` is {target!r}: {errors.first_line(str(exc))}") from None
