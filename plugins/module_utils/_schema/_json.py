# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON form of a catalog: equal catalogs are equal byte by byte. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _contract
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _model

#: What stands in the lists of an object; all others hold plain values.
PARTS: t.Dict[type, t.Dict[str, type]] = {
    _model.Snapshot: {
        "tables": _model.Table,
        "views": _model.View,
        "sequences": _model.Sequence,
        "enums": _model.Enum,
        "functions": _model.Function,
        "extensions": _model.Extension,
        "publications": _model.Publication,
        "domains": _model.Domain,
    },
    _model.Table: {
        "columns": _model.Column,
        "constraints": _model.Constraint,
        "indexes": _model.Index,
        "triggers": _model.Trigger,
    },
    _model.View: {"columns": _model.Column, "indexes": _model.Index, "triggers": _model.Trigger},
}


def to_json(snapshot: _model.Snapshot) -> dict[str, t.Any]:
    return _contract.to_json(snapshot, _model.VERSION)


def from_json(data: object, what: str = "a catalog") -> _model.Snapshot:
    """`what` is what a message calls it. Raises DeployError."""
    read = _contract.from_json(_model.Snapshot, data, _model.VERSION, what)
    if read.dialect not in _model.DIALECTS:
        raise DeployError(
            f"{what} is one of {read.dialect!r}, this release of seamless.deploy knows {' and '.join(_model.DIALECTS)}; "
            "use the release of the collection that wrote it, or a newer one"
        )
    try:
        return dataclasses.replace(read, **_parts(_model.Snapshot, vars(read)))
    except (TypeError, AttributeError) as exc:
        raise DeployError(f"{what} is damaged or was not written by seamless.deploy: {exc}") from exc


def _parts(kind: type, values: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        name: [_read(part, value) for value in values[name]] for name, part in PARTS[kind].items() if name in values
    }


def _read(kind: type, data: dict[str, t.Any]) -> t.Any:
    """One object; what this release does not know is left out, what the writer did not know has its default."""
    values = {field.name: data[field.name] for field in dataclasses.fields(kind) if field.name in data}
    return kind(**{**values, **(_parts(kind, values) if kind in PARTS else {})})


def dumps(snapshot: _model.Snapshot) -> str:
    """As it lies on disk: one value a line, so that other tools can compare it too."""
    return json.dumps(to_json(snapshot), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def loads(text: str, what: str = "a catalog") -> _model.Snapshot:
    """Raises DeployError."""
    try:
        data = json.loads(text)
    except ValueError as exc:
        raise DeployError(f"{what} is not JSON ({exc}); it is damaged or was not written by seamless.deploy") from exc
    return from_json(data, what)


def facts(item: t.Any) -> t.Any:
    """Plain values of what a comparison looks at: no sizes, no numbers of files."""
    if isinstance(item, list):
        return [facts(entry) for entry in item]
    if not dataclasses.is_dataclass(item):
        return item
    compared = [field.name for field in dataclasses.fields(item) if not field.metadata.get("physical")]
    return {name: facts(getattr(item, name)) for name in compared}


def fingerprint(snapshot: _model.Snapshot) -> str:
    """A hash of the schema: equal where the schemas are."""
    return hashlib.sha256(json.dumps(facts(snapshot), sort_keys=True).encode()).hexdigest()
