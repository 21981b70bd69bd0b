# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two releases work on both sides of one migration. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _notes
from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import (
    Catalog,
    Renames,
    Wanted,
    schemas_of,
    wanted,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands, Evidence
from ansible_collections.seamless.deploy.plugins.module_utils._schema._problems import Problem, of_columns
from ansible_collections.seamless.deploy.plugins.module_utils._schema._remedies import DECLARE_DELETES, finding
from ansible_collections.seamless.deploy.plugins.module_utils._schema._restrictions import (
    alike_for_deletes,
    of_constraints,
    of_deletes,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema._surroundings import of_surroundings
from ansible_collections.seamless.deploy.plugins.module_utils._schema._violations import sentence

OLD, NEW = "old", "new"
# So begins the reason of an expand, which asks nobody to change anything.
NEEDED = "Before this migration the new release "


def compatibility(evidence: Evidence, old: Demands, new: Demands) -> t.Tuple[str, t.List[Finding]]:
    """The word for one migration between two releases, and the reasons for it.

    A release is judged by what fails on the other side of the migration and not on its own: what fails on both is not
    this migration's doing, in a plan of several.
    """
    schemas = schemas_of(evidence.before, evidence.after, old, new)
    before, after = Catalog(evidence.before, schemas), Catalog(evidence.after, schemas)
    against_old = _old_side(problems(old, after, before))
    against_new = _new_side(problems(new, before, after))
    word = _word(old, new, against_old, against_new)
    untrue, unseen = _untrue(evidence), _unseen(evidence)
    # What fails for both releases fails whatever the rows are.
    if untrue or (unseen and word != "blocking"):
        word = "inconclusive"
    strangers = [_stranger(side, release) for side, release in ((OLD, old), (NEW, new)) if not release.known]
    reasons = _reasons(evidence, word, old, new, against_old, against_new)
    return word, [*untrue, *unseen, *strangers, *reasons, *_notes.notes(before, after, old, new)]


def problems(release: Demands, other: Catalog, own: Catalog) -> t.List[Problem]:
    """What fails for a release on the other side, and does not on its own."""
    if not release.known:
        return []
    wants = wanted(release, own)
    # What is the same on both sides fails on both or on neither.
    around = own.snapshot.enums != other.snapshot.enums or own.snapshot.functions != other.snapshot.functions
    looked_at = [want for name, want in sorted(wants.items()) if around or other.relation(name) != own.relation(name)]
    alike = alike_for_deletes(wants, release, own, other)
    at_home = {problem.key for problem in everything(release, wants, looked_at, own, own, alike)}
    found = everything(release, wants, looked_at, other, own, alike)
    return [problem for problem in found if problem.key not in at_home]


def _old_side(found: t.List[Problem]) -> t.List[Problem]:
    """Without deletes of which nobody knows: rows in the way are made by the new release alone, and a note says so."""
    return [problem for problem in found if problem.kind != "delete" or problem.certain]


def _new_side(found: t.List[Problem]) -> t.List[Problem]:
    """Rows in the way of a delete are there already, so that one must be expected unless the user says otherwise."""
    return [dataclasses.replace(problem, certain=True) if problem.kind == "delete" else problem for problem in found]


def everything(
    release: Demands,
    wants: t.Dict[str, Wanted],
    looked_at: t.List[Wanted],
    catalog: Catalog,
    own: Catalog,
    alike: t.Container[str] = (),
) -> t.List[Problem]:
    found: t.List[Problem] = []
    for want in looked_at:
        found += of_columns(want, catalog, own)
        found += of_constraints(want, catalog, own)
        found += of_surroundings(want, catalog, own)
    return [*found, *of_deletes(wants, catalog, release, alike)]


def _word(old: Demands, new: Demands, against_old: t.List[Problem], against_new: t.List[Problem]) -> str:
    old_works, new_works = _works(old, against_old), _works(new, against_new)
    if old_works is None or new_works is None:
        return "inconclusive"
    return {(True, True): "either", (True, False): "expand", (False, True): "contract", (False, False): "blocking"}[
        old_works, new_works
    ]


def _works(release: Demands, against: t.List[Problem]) -> t.Optional[bool]:
    """None: not proven."""
    if any(problem.certain for problem in against):
        return False
    return None if against or not release.known else True


def _untrue(evidence: Evidence) -> t.List[Finding]:
    """What keeps the catalogs from being those that production would have."""
    migration, found = evidence.migration.id, []
    if evidence.failure is not None and evidence.failure.kind == "not_reached":
        reason = f"The migration was not rehearsed: {evidence.failure.message}."
        return [Finding(migration, reason, "See to that one first.")]
    if evidence.failure is not None:
        empty = evidence.rehearsal == "schema" and evidence.migration.data
        where = "on empty tables, where it may want rows" if empty else "in the rehearsal"
        reason = f"The migration fails {where}: {evidence.failure.message.rstrip('.')}."
        remedy = "Rehearse it on data." if empty else "Repair the migration, or the rows that it fails on."
        found.append(Finding(migration, reason, remedy))
    if evidence.rehearsal == "none":
        reason = "The migration was not rehearsed, so nothing is proven of it."
        found.append(
            Finding(migration, reason, "Give the deploy a scratch database, or an admin connection to make one.")
        )
    for violation in evidence.violations:
        remedy = "Correct these rows in a migration before this one."
        found.append(Finding(violation.object, sentence(violation), remedy))
    return found


def _unseen(evidence: Evidence) -> t.List[Finding]:
    """What a migration does to rows, where there were none."""
    changes_data = evidence.migration.data or any(each.code for each in evidence.statements)
    if evidence.rehearsal != "schema" or not changes_data:
        return []
    reason = "The migration changes data, and ran on empty tables, which proves nothing about it."
    return [Finding(evidence.migration.id, reason, "Rehearse it on data, or move the data step out of the migration.")]


def _stranger(side: str, release: Demands) -> Finding:
    reason = (
        f"What the {side} release {release.release} demands of the schema is not known, so nothing is proven of it."
    )
    return Finding(release.release, reason, "Deploy it once with this version of the collection, which records it.")


def _reasons(
    evidence: Evidence,
    word: str,
    old: Demands,
    new: Demands,
    against_old: t.List[Problem],
    against_new: t.List[Problem],
) -> t.List[Finding]:
    """What the new release needs of an expand is no complaint; all others are."""
    if word == "expand":
        return [_needed(against_new)]
    forwards, backwards = Renames(evidence.before, evidence.after), Renames(evidence.after, evidence.before)
    found = [finding(OLD, problem, old, evidence.before, forwards) for problem in against_old]
    if word in ("blocking", "inconclusive") and (found or any(not problem.certain for problem in against_new)):
        found += [finding(NEW, problem, new, evidence.after, backwards) for problem in against_new]
    return found


def _needed(found: t.List[Problem]) -> Finding:
    """Why an expand runs before the new release: one thing of it stands for the others."""
    first, *others = sorted(found, key=lambda problem: not problem.certain)
    more = f", and {len(others)} more" if others else ""
    remedy = f"{DECLARE_DELETES}." if first.kind == "delete" and not others else ""
    return Finding(first.object, f"{NEEDED}{first.reason}{more}.", remedy)
