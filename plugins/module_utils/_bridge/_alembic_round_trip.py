# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes revisions back on a scratch copy, and applies them again. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from . import _alembic_graph as graph
from . import _alembic_setup
from . import _exceptions as errors
from ._protocol import BridgeError
from ._sandbox import enclose, end_with, prepare


def round_trip(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """Go back over `ids`, the last first, and forth again. Progress as that of Django: `returned` of each, then `again`."""
    if not arguments.get("database_name"):
        raise BridgeError("request", "a round trip needs database_name, the scratch copy")
    prepare()
    end_with(answer.go, arguments.get("seconds"))
    project = _alembic_setup.prepare({**arguments, "other_databases": "refuse"}, answer)
    graph.load(project.script)
    sandbox = project.run(lambda _heads, context: enclose(_alembic_setup.host_of(project, context)), reading=True)
    returned: t.List[str] = []
    for name in reversed(arguments["ids"]):
        problem, irreversible = _step(project, name, False, sandbox)
        answer.ask("returned", id=name, problem=problem, irreversible=irreversible)
        if problem:
            break
        returned.insert(0, name)
    problem = ""
    for name in returned:
        said = _step(project, name, True, sandbox)[0]
        if said:
            problem = f"{name}: {said}"
            break
    answer.ask("again")
    return {"problem": problem}


def _step(project: t.Any, name: str, forth: bool, sandbox: str) -> t.Tuple[str, bool]:
    """(what went wrong, whether the revision says itself that it cannot be taken back). A run of env.py each, so that one is over before the next."""
    from alembic.runtime.migration import MigrationStep

    make = MigrationStep.upgrade_from_script if forth else MigrationStep.downgrade_from_script

    def work(_heads: t.Tuple[str, ...], _context: t.Any) -> t.List[t.Any]:
        return [make(project.script.revision_map, project.script.get_revision(name))]

    try:
        project.run(work)
    except NotImplementedError as exc:
        return errors.summary(exc) if str(exc) else "its downgrade() is not implemented", True
    except BridgeError as exc:
        return exc.message, False
    except Exception as exc:
        return errors.told(exc, sandbox), False
    return "", False
