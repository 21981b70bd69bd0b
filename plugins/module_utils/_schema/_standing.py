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
    """works: proven; false also where it is not known. reasons: why not, a sentence each."""

    works: bool
    reasons: t.List[str] = dataclasses.field(default_factory=list)


def standing(release: Demands, catalog: Snapshot) -> Standing:
    """Every insert, read, update and delete that the models of the release make must work on this catalog."""
    if not release.known:
        return Standing(False, [f"What the release {release.release} demands of the schema is not known."])
    here = Catalog(catalog, schemas_of(catalog, catalog, release))
    wants = wanted(release, here)
    every = _compatibility.everything(release, wants, list(wants.values()), here, here)
    found = [problem for problem in every if _counts(problem)]
    return Standing(not found, [f"The release {release.release} {problem.reason}." for problem in found])


def _counts(problem: t.Any) -> bool:
    """Rows that keep others from being deleted are no fault of the schema unless that is certain."""
    return problem.kind != "delete" or problem.certain
