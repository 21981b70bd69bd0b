# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a dataclass becomes versioned JSON and comes back. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

Contract = t.TypeVar("Contract")


def to_json(contract: object, version: int) -> dict[str, t.Any]:
    """The contract as plain JSON types, with its `version` first."""
    if not dataclasses.is_dataclass(contract) or isinstance(contract, type):
        raise TypeError(f"{contract!r} is not an instance of a dataclass")
    return {"version": version, **dataclasses.asdict(contract)}


def from_json(kind: type[Contract], data: object, version: int, what: str) -> Contract:
    """Read a contract written by this or an older release of the collection.

    Keys that this release does not know are ignored (a newer minor release may add some);
    a newer `version` is refused, since its meaning may differ. Raises DeployError.
    """
    if not isinstance(data, dict):
        raise DeployError(
            f"{what} is not a JSON object but {type(data).__name__}; it was not written by seamless.deploy"
        )
    found = data.get("version")
    if not isinstance(found, int) or not 1 <= found <= version:
        raise DeployError(
            f"{what} has format version {found!r}, this release of seamless.deploy reads 1 to {version}; "
            "use the release of the collection that wrote it, or a newer one"
        )
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    missing = [
        field.name
        for field in fields
        if field.name not in data
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise DeployError(f"{what} lacks {', '.join(missing)}; it is damaged or was not written by seamless.deploy")
    return kind(**{field.name: data[field.name] for field in fields if field.name in data})
