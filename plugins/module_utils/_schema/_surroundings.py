# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may fail for a release because of triggers, functions, enums and row security. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Catalog, Wanted
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Table, Trigger
from ansible_collections.seamless.deploy.plugins.module_utils._schema._problems import Problem, shown

# They fill a column or leave a row out that changes nothing, and refuse nothing.
HARMLESS = re.compile(
    r"EXECUTE (FUNCTION|PROCEDURE) (pg_catalog\.)?(tsvector_update_trigger|suppress_redundant_updates_trigger)\w*\("
)
CALLS = re.compile(r"EXECUTE (?:FUNCTION|PROCEDURE) ([^(]+)\(", re.IGNORECASE)


def of_surroundings(want: Wanted, catalog: Catalog, own: Catalog) -> t.Iterator[Problem]:
    """What is around a table of the release and is not as in its own catalog."""
    there, here = catalog.relation(want.name), own.relation(want.name)
    if not isinstance(there, Table) or not isinstance(here, Table):
        return
    name = shown(want.name, catalog, own)
    yield from _labels(name, there, here, catalog, own)
    yield from _triggers(name, there, here)
    yield from _functions(name, there, catalog, own)
    if there.row_security and not here.row_security:
        yield Problem(
            "row_security", name, f"may not see or write all rows of {name} under row security", certain=False
        )


def _labels(name: str, there: Table, here: Table, catalog: Catalog, own: Catalog) -> t.Iterator[Problem]:
    for column in here.columns:
        same = there.column(column.name)
        wanted = own.labels(column.type) or []
        found = catalog.labels(same.type) if same else None
        missing = [label for label in wanted if found is not None and label not in found]
        if missing:
            full = f"{name}.{column.name}"
            reason = f"may write {', '.join(missing)} to {full}, whose type does not have it"
            yield Problem("label", full, reason, ",".join(missing))


def _meaning(trigger: Trigger) -> str:
    """A trigger whatever it is called."""
    return f"{trigger.definition.replace(trigger.name, '', 1)} {trigger.enabled}"


def _triggers(name: str, there: Table, here: Table) -> t.Iterator[Problem]:
    known = {_meaning(trigger) for trigger in here.triggers}
    found = {_meaning(trigger) for trigger in there.triggers}
    for trigger in there.triggers:
        if _meaning(trigger) not in known and trigger.enabled != "disabled" and not HARMLESS.search(trigger.definition):
            reason = f"writes to {name} under the trigger {trigger.name}, whose effect a catalog does not show"
            yield Problem("trigger", name, reason, _meaning(trigger), certain=False)
    for trigger in here.triggers:
        if _meaning(trigger) not in found and trigger.enabled != "disabled" and not HARMLESS.search(trigger.definition):
            reason = f"writes to {name} without the trigger {trigger.name}, whose effect a catalog does not show"
            yield Problem("trigger", name, reason, f"no {_meaning(trigger)}", certain=False)


def _functions(name: str, there: Table, catalog: Catalog, own: Catalog) -> t.Iterator[Problem]:
    """Another body of a function that a trigger of the table calls."""
    bodies = {function.name.rpartition(".")[2]: function.body for function in own.snapshot.functions}
    for trigger in there.triggers:
        called = CALLS.search(trigger.definition)
        bare = called.group(1).rpartition(".")[2].strip('"') if called else ""
        now = next((each.body for each in catalog.snapshot.functions if each.name.rpartition(".")[2] == bare), "")
        if bare in bodies and now != bodies[bare]:
            reason = f"writes to {name}, whose trigger {trigger.name} calls another version of {bare}()"
            yield Problem("trigger", name, reason, f"{bare} {now}", certain=False)
