# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which revisions one new base stands for, and its text. Pure; developer's machine; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._graph import Chain
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import Chosen, History
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

_TEXT = '''"""{message}

Revision ID: {revision}
Revises:

It stands for {count} revisions up to this one, and was proven to build the same catalog. A database that is at this revision
or after it needs nothing; one before it has to be upgraded to {revision} with the former files first.
"""
from alembic import op

revision = {revision!r}
down_revision = None
branch_labels = {labels!r}
depends_on = None


def upgrade():
    if op.get_context().dialect.name != {dialect!r}:
        raise RuntimeError("revision {revision} was pruned on {dialect}, and knows no other database")
{statements}

def downgrade():
    raise NotImplementedError("what was before revision {revision} was pruned")
'''


@dataclasses.dataclass(frozen=True)
class Pruning:
    """revision: the last one that goes into the base, and the id of the base. pruned: all of them, the first one first."""

    revision: str
    pruned: t.Tuple[str, ...]
    labels: t.Tuple[str, ...]


def choose(chain: Chain, revision: str) -> Pruning:
    """Raises DeployError where one base cannot stand for them."""
    if not revision and len(chain.heads) != 1:
        raise DeployError(
            f"there are {len(chain.heads)} heads ({', '.join(chain.heads)}); name the revision to prune up to"
        )
    last = chain.resolve(revision or chain.heads[0])
    if not last:
        raise DeployError(f"no revision file has the id {revision}; name one in full")
    before = chain.ancestors(last)
    pruned = tuple(each for each in chain.order if each in before)
    for other in [each for each in chain.order if each not in before]:
        inside = [each for each in chain.before(other) if each in before and each != last]
        if inside:
            raise DeployError(
                f"{other} comes after {inside[0]}, which would be pruned, and not after {last}; "
                "name a revision that all later ones come after"
            )
    labels = tuple(dict.fromkeys(label for each in pruned for label in chain.revisions[each].labels))
    return Pruning(last, pruned, labels)


def refuse_rows(history: History, chosen: Chosen, accepted: bool) -> None:
    """Raises DeployError where the base would leave out rows."""
    writing = [history.steps[number].id for number in sorted(chosen) if history.steps[number].writes]
    if writing and not accepted:
        raise DeployError(
            f"{', '.join(writing)} change rows, which a base made of a catalog leaves out; keep them out of it by pruning up to an "
            "earlier one, or accept it with --accept-rows"
        )


def text_of(pruning: Pruning, dialect: str, statements: t.Sequence[str]) -> str:
    """The file of the base."""
    return _TEXT.format(
        message=f"Everything up to {pruning.revision}",
        revision=pruning.revision,
        count=len(pruning.pruned),
        labels=pruning.labels or None,
        statements="".join(f"    op.execute({_plain(statement)!r})\n" for statement in statements),
        dialect=dialect,
    )


def _plain(statement: str) -> str:
    """As op.execute() takes it, for which a colon before a word is a parameter."""
    return re.sub(r"(?<!:):(?=\w)", r"\\:", statement)
