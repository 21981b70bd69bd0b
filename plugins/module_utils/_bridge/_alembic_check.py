# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database has on record, and where it differs from the models. Reads only. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from . import _alembic_drift, _alembic_setup


def check(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `check` about the database. Works with a chain that Alembic cannot load: env.py runs, the revisions do not."""
    project = _alembic_setup.prepare(arguments, answer, "current")

    def read(heads: t.Tuple[str, ...], context: t.Any) -> t.Dict[str, t.Any]:
        drift, not_compared = _alembic_drift.compare(context, project.metadata)
        return {
            "current": sorted(heads),
            "version_table": _qualified(context.version_table, context.version_table_schema),
            "tables_without_revision": [] if heads else _alembic_drift.tables_of_models(context, project.metadata),
            "drift": drift,
            "not_compared": not_compared,
        }

    state = project.run(read, reading=True)
    return {**state, "warnings": project.warnings}


def _qualified(table: str, schema: t.Optional[str]) -> str:
    return f"{schema}.{table}" if schema else table
