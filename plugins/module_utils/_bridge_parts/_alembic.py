# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the bridge Alembic's modules need. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._common import COMMON, Parts, named

if t.TYPE_CHECKING:  # never run: whatever is imported anywhere in the text is in the module's payload
    from ansible_collections.seamless.deploy.plugins.module_utils import (  # noqa: F401
        _alembic,
        _start_scripts,
    )
    from ansible_collections.seamless.deploy.plugins.module_utils._alembic import (  # noqa: F401
        _chain,
        _files,
        _finding,
        _flask,
        _graph,
        _location,
        _operation,
        _operations,
        _remarks,
        _review,
        _revision,
        _source,
        _sql,
        _starts,
        _state,
        _switch,
        _tables,
        _told,
        _undoing,
        _walk,
    )
    from ansible_collections.seamless.deploy.plugins.module_utils._bridge import (  # noqa: F401
        _alembic_apply,
        _alembic_chain,
        _alembic_check,
        _alembic_connect,
        _alembic_cursor,
        _alembic_describe,
        _alembic_drift,
        _alembic_find,
        _alembic_follow,
        _alembic_graph,
        _alembic_plan,
        _alembic_rehearse,
        _alembic_replay,
        _alembic_round_trip,
        _alembic_run,
        _alembic_select,
        _alembic_session,
        _alembic_setup,
        _alembic_source,
    )

_OWN = {
    "": """
        _alembic _start_scripts
    """,
    "_alembic.": """
        _chain _files _finding _flask _graph _location _operation _operations _remarks _review _revision
        _source _sql _starts _state _switch _tables _told _undoing _walk
    """,
    "_bridge.": """
        _alembic_apply _alembic_chain _alembic_check _alembic_connect _alembic_cursor _alembic_describe
        _alembic_drift _alembic_find _alembic_follow _alembic_graph _alembic_plan _alembic_rehearse
        _alembic_replay _alembic_round_trip _alembic_run _alembic_select _alembic_session _alembic_setup
        _alembic_source
    """,
}
ALEMBIC = Parts("alembic", COMMON + named(_OWN))
