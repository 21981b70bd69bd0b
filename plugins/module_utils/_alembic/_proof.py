# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether migrations may be recorded without running them: only where the catalog has all that they make. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, differences
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._evidence import Testimony, evidence_of
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History, Step
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff_text
from ansible_collections.seamless.deploy.plugins.module_utils._schema._diff import Difference


def state_of(history: History, real: Atoms, recorded: t.Container[str]) -> t.Dict[str, t.List[str]]:
    """Ids by what is true of them: recorded and applied are told only where they disagree, or nothing can be told."""
    told: t.Dict[str, t.List[str]] = {"unrecorded": [], "never_applied": [], "halfway": [], "unseen": []}
    for step, testimony in zip(history.steps, evidence_of(history, real)):
        if testimony.word == "applied" and step.id not in recorded:
            told["unrecorded"].append(step.id)
        elif testimony.word == "absent" and step.id in recorded:
            told["never_applied"].append(step.id)
        elif testimony.word == "partial":
            told["halfway"].append(step.id)
        elif testimony.word == "unseen" and step.statements:
            told["unseen"].append(step.id)
    return told


def prove_applied(history: History, real: Atoms, wanted: t.Sequence[str], option: str) -> None:
    """Raises DeployError with the differences unless the catalog has all that these steps make."""
    for step, testimony in _of(history, real, wanted, option):
        if testimony.word == "unseen" and not step.writes:
            continue
        if testimony.word == "unseen" or (testimony.word == "applied" and step.writes):
            raise _rows(step, option)
        if testimony.word != "applied":
            raise _refused(step, testimony, real, option)


def prove_absent(history: History, real: Atoms, wanted: t.Sequence[str], option: str) -> None:
    """Raises DeployError with the differences where the catalog has something of what these steps make."""
    for step, testimony in _of(history, real, wanted, option):
        if testimony.word == "unseen" and step.writes:
            raise _rows(step, option)
        if testimony.there or testimony.foreign:
            before = history.state(frozenset(range(history.numbers()[step.id])))
            paths = [*testimony.there, *testimony.foreign]
            found = differences(*({path: state[path] for path in paths if path in state} for state in (before, real)))
            raise DeployError(
                f"{option} is not proven: the database has {'a part' if testimony.missing else 'all'} of what {step.id} makes, and "
                "would not have it on record any more; see the differences, and take it back by running its downgrade",
                **told(found),
                kind="not_proven",
            )


def _of(history: History, real: Atoms, wanted: t.Sequence[str], option: str) -> t.List[t.Tuple[Step, Testimony]]:
    """Each of these steps, and what the catalog says of it. Raises DeployError where one could not be replayed."""
    by_id = {step.id: (step, one) for step, one in zip(history.steps, evidence_of(history, real))}
    unknown = [name for name in wanted if name not in by_id]
    if unknown:
        raise DeployError(
            f"{option} is not proven: {unknown[0]} could not be replayed: {history.stopped or 'an empty database does not get it'}",
            kind="not_proven",
        )
    return [by_id[name] for name in wanted]


def _rows(step: Step, option: str) -> DeployError:
    return DeployError(
        f"{option} is not proven: {step.id} changes rows, and no catalog tells whether it has; look at them, and "
        f"record it with {option.replace('proven', 'record')} where it has",
        kind="not_proven",
    )


def prove_initial(history: History, real: Atoms, pending: t.Sequence[str], option: str) -> t.List[str]:
    """The first migrations of apps that are pending and whose effect is there in full. Raises DeployError where it is there in part."""
    found = []
    for step, testimony in zip(history.steps, evidence_of(history, real)):
        label = step.id.partition(".")[0]
        if step.id not in pending or any(parent.partition(".")[0] == label for parent in step.parents):
            continue
        if testimony.word == "partial":
            raise _refused(step, testimony, real, option)
        if testimony.word == "applied":
            found.append(step.id)
    return found


def _refused(step: Step, testimony: Testimony, real: Atoms, option: str) -> DeployError:
    paths = [*testimony.missing, *testimony.foreign]
    expected = {path: value for path, value in step.changes.items() if path in paths and value is not None}
    found = differences(expected, {path: real[path] for path in paths if path in real})
    extent = "only a part" if testimony.there or testimony.foreign else "nothing"
    return DeployError(
        f"{option} is not proven: the database has {extent} of what {step.id} makes; see the differences, and run it, or make them equal",
        **told(found),
        kind="not_proven",
    )


def told(found: t.Sequence[Difference]) -> t.Dict[str, t.Any]:
    return {"differences": [dataclasses.asdict(one) for one in found], "text": _diff_text.text(found)}
