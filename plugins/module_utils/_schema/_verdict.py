# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on one migration between two releases. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding, Verdict
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _impact_sqlite
from ansible_collections.seamless.deploy.plugins.module_utils._schema._compatibility import compatibility
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands, Evidence
from ansible_collections.seamless.deploy.plugins.module_utils._schema._impact import LIMITS, Limits, impact
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

ONLINE = ("expand", "contract", "either")


def judge(evidence: Evidence, production: Snapshot, old: Demands, new: Demands, limits: Limits = LIMITS) -> Verdict:
    """Both axes: what the releases say to the schema, and what the traffic says to the work."""
    word, reasons = compatibility(evidence, old, new)
    if evidence.before.dialect == "sqlite":
        effect, complaints = _impact_sqlite.impact(evidence, limits.stall_seconds, new.framework)
    else:
        effect, complaints = impact(evidence, production, limits, new.framework)
    return Verdict(
        migration=evidence.migration.id,
        old_release=old.release,
        new_release=new.release,
        compatibility=word,
        rehearsal=evidence.rehearsal,
        impact=effect,
        findings=[*reasons, *complaints],
    )


def online(verdict: Verdict) -> str:
    """Why the migration may not run while the service serves; "" when it may."""
    if verdict.compatibility == "blocking":
        return f"{verdict.migration} is blocking: {_first(verdict)}"
    if verdict.compatibility not in ONLINE:
        return f"{verdict.migration} is not proven to be compatible: {_first(verdict)}"
    if verdict.impact.get("stalls", True):
        return f"{verdict.migration} would stall requests: {_first(verdict, ' wait for ')}"
    return ""


def _first(verdict: Verdict, words: str = "") -> str:
    """The reason that says it, the first of them."""
    nothing = Finding("", "no reason was recorded.")
    return next((each for each in verdict.findings if words in each.evidence), nothing).evidence
