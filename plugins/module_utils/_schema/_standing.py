# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a release works with a database as it stands. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema import _compatibility
from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Catalog, schemas_of, wanted
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot


@dataclasses.dataclass(frozen=True)
class Standing:
    """works: proven; false also where it is not known. reasons: why not, a sentence each. unmet: the same without their subject."""

    works: bool
    reasons: t.List[str] = dataclasses.field(default_factory=list)
    unmet: t.List[str] = dataclasses.field(default_factory=list)


def standing(release: Demands, catalog: Snapshot, lived_with: t.Collection[str] = ()) -> Standing:
    """Every insert, read, update and delete that the models of the release make must work on this catalog.

    lived_with: `unmet` of a catalog that the release has served with; what its models ask in vain all along does not keep it from working.
    """
    if not release.known:
        return Standing(False, [f"What the release {release.release} demands of the schema is not known."])
    here = Catalog(catalog, schemas_of(catalog, catalog, release))
    wants = wanted(release, here)
    every = _compatibility.everything(release, wants, list(wants.values()), here, here)
    unmet = [problem.reason for problem in every if _counts(problem) and problem.reason not in lived_with]
    return Standing(not unmet, [f"The release {release.release} {reason}." for reason in unmet], unmet)


def _counts(problem: t.Any) -> bool:
    """Rows that keep others from being deleted are no fault of the schema unless that is certain."""
    return problem.kind != "delete" or problem.certain
