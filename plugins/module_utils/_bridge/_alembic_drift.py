# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a database differs from the models, by Alembic's own comparison. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from . import _exceptions as errors
from ._alembic_cursor import restart_read_only

Difference = t.Dict[str, str]

#: What Alembic calls a difference -> who lacks it, and what it is.
_WORDS = {
    "table": "table {name}",
    "column": "column {name}",
    "index": "index {name}",
    "constraint": "constraint {name}",
    "fk": "foreign key {name}",
}
_CHANGED = {
    "modify_type": "type",
    "modify_nullable": "nullable",
    "modify_default": "server default",
    "modify_comment": "comment",
}
_LACKS = (
    "the revisions that make it are pending, or are not written yet: make one in development, and look at what it has"
)
_HAS = "a revision that removes it is pending or missing, it was made by hand, or its model is not imported by env.py"


def compare(context: t.Any, metadata: t.Sequence[t.Any]) -> t.Tuple[t.List[Difference], str]:
    """(differences, why there was nothing to compare). Types and defaults are compared as env.py has configured it."""
    from alembic.autogenerate import compare_metadata

    if not metadata:
        return [], "env.py has no target_metadata, so that there are no models to compare the database with"
    try:
        found = compare_metadata(context, list(metadata) if len(metadata) > 1 else metadata[0])
    except Exception as exc:  # a type that cannot be reflected, or a hook of env.py that fails
        restart_read_only(context.connection)
        return [], f"the comparison with the models failed: {errors.summary(exc)}"
    # changes of one column come as a list of their own
    flat = [each for entry in found for each in (entry if isinstance(entry, list) else [entry])]
    return [_described(each) for each in flat], ""


def tables_of_models(context: t.Any, metadata: t.Sequence[t.Any]) -> t.List[str]:
    """Tables of the models that the database has."""
    from sqlalchemy import inspect

    inspector = inspect(context.connection)
    there: t.Dict[t.Optional[str], t.Set[str]] = {}
    for table in [table for each in metadata for table in each.sorted_tables]:
        if table.schema not in there:
            there[table.schema] = set(inspector.get_table_names(schema=table.schema))
    return sorted(
        table.key for each in metadata for table in each.sorted_tables if table.name in there.get(table.schema, ())
    )


def _described(entry: t.Any) -> Difference:
    kind = str(entry[0])
    verb, _underscore, what = kind.partition("_")
    if kind in _CHANGED:
        _kind, schema, table, column, _existing, before, after = entry[:7]
        name = _joined(schema, table, column)
        evidence = f"{_CHANGED[kind]} of {name} is {_shown(before)} in the database and {_shown(after)} in the models"
        return {"kind": kind, "object": name, "evidence": evidence, "remedy": _LACKS}
    name = _name(what, entry)
    words = _WORDS.get(what, what.replace("_", " ") + " of {name}").format(name=name)
    if verb == "add":
        return {
            "kind": kind,
            "object": name,
            "evidence": f"the models have the {words}, the database does not",
            "remedy": _LACKS,
        }
    return {
        "kind": kind,
        "object": name,
        "evidence": f"the database has the {words}, the models do not",
        "remedy": _HAS,
    }


def _name(what: str, entry: t.Any) -> str:
    if what == "column":
        return _joined(entry[1], entry[2], entry[3].name)
    subject = entry[1]
    if what == "table":
        return str(getattr(subject, "key", subject))
    table = getattr(subject, "table", None)
    columns = ", ".join(str(getattr(each, "name", each)) for each in getattr(subject, "columns", ()))
    own = getattr(subject, "name", None) or (f"({columns})" if columns else "")
    if what == "fk":
        own = (
            f"{own} ({columns}) to {_referred(subject)}"
            if getattr(subject, "name", None)
            else f"{own} to {_referred(subject)}"
        )
    return f"{own} on {table.key}" if table is not None else str(own or subject)


def _referred(constraint: t.Any) -> str:
    targets = sorted({element.target_fullname.rpartition(".")[0] for element in constraint.elements})
    return ", ".join(targets)


def _joined(*names: t.Any) -> str:
    return ".".join(str(name) for name in names if name)


def _shown(value: t.Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return " ".join(str(getattr(value, "arg", value)).split()) or repr(value)
