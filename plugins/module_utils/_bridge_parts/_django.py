# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the bridge Django's modules need. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._common import COMMON, Parts, named

if t.TYPE_CHECKING:  # never run: whatever is imported anywhere in the text is in the module's payload
    from ansible_collections.seamless.deploy.plugins.module_utils._bridge import (  # noqa: F401
        _django_apply,
        _django_check,
        _django_cursor,
        _django_describe,
        _django_follow,
        _django_plan,
        _django_rehearse,
        _django_replay,
        _django_round_trip,
        _django_run,
        _django_select,
        _django_session,
        _django_setup,
        _django_static,
    )

_OWN = {
    "_bridge.": """
        _django_apply _django_check _django_cursor _django_describe _django_follow _django_plan
        _django_rehearse _django_replay _django_round_trip _django_run _django_select _django_session
        _django_setup _django_static
    """,
}
DJANGO = Parts("django", COMMON + named(_OWN))
