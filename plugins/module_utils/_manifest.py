# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release manifest. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _contract

VERSION = 1
FILE_NAME = ".release.json"

#: `preparing` until its code is there, `pulled` until the directory is complete; `prepared` until it was live; `good` once it served and
#: was verified; `rejected` when a deploy of it failed: it is never taken again.
RESULTS = ("preparing", "pulled", "prepared", "good", "rejected")


@dataclasses.dataclass(frozen=True)
class ReleaseManifest:
    """What is known of one release.

    source: kind (git|directory|archive), location without credentials, version as asked for.
    commit: full commit id, or the tree hash for a directory or archive.
    identity: hash over everything that makes this release what it is; equal identities are one release.
    dependencies: fingerprint, installer, python (version), how (installed|reused|none).
    units: the services that run it, each with at least unit, name, unit_class, socket, entrance and definition.
    demands: what its models demand of the schema, as the bridge describes it (empty: not known).
    unmet: what of these the schema did not give while it served, before another release changed it.
    held_back: ids of migrations that wait until nobody needs any more what they remove.
    prepared_at, activated_at: UTC, ISO 8601; activated_at is "" until then.
    who: who asked for it. result: one of RESULTS. reason: why it was rejected.
    """

    release: str
    source: dict[str, str]
    commit: str
    identity: str
    prepared_at: str
    who: str = ""
    dependencies: dict[str, str] = dataclasses.field(default_factory=dict)
    units: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    demands: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    shared: list[str] = dataclasses.field(default_factory=list)
    activated_at: str = ""
    result: str = "preparing"
    reason: str = ""
    held_back: list[str] = dataclasses.field(default_factory=list)
    unmet: list[str] = dataclasses.field(default_factory=list)

    def to_json(self) -> dict[str, t.Any]:
        return _contract.to_json(self, VERSION)

    @classmethod
    def from_json(cls, data: object) -> ReleaseManifest:
        return _contract.from_json(cls, data, VERSION, "a release manifest")
