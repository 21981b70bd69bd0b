# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each repair of a database would do, or why it is refused. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _ddl, _ddl_sqlite
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import (
    TEMPORARY,
    Atoms,
    Path,
    bare,
    differences,
    root,
    without,
)
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._detect import Found, detect, own
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._diagnosis import Diagnosis, named
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff_text
from ansible_collections.seamless.deploy.plugins.module_utils._schema._diff import Difference

Prove = t.Callable[[Atoms], None]


@dataclasses.dataclass(frozen=True)
class Case:
    """Everything that was looked at. versions: the table of versions as a statement takes it, and whether it is there.

    revisions: those that a person names. ignore: objects that a person calls their own. strict: all others take part.
    """

    dialect: str
    history: History
    real: Atoms
    found: Found
    diagnosis: Diagnosis
    versions: t.Tuple[str, bool]
    revisions: t.List[str] = dataclasses.field(default_factory=list)
    ignore: t.List[str] = dataclasses.field(default_factory=list)
    strict: bool = False

    def own(self, found: Atoms) -> Atoms:
        """What of a catalog belongs to the history."""
        return own(self.history, found, self.ignore, self.strict)[0]

    @property
    def recorded(self) -> t.List[str]:
        return self.diagnosis.recorded


@dataclasses.dataclass(frozen=True)
class Repair:
    """statements: in one transaction, at whose end `prove` raises where the catalog is not what it should be. alone: without one.

    empty: tables that must have no row before. after: what is on record then. unseen: revisions recorded anew that change rows, of
    which no catalog tells whether they ran.
    """

    statements: t.List[str]
    alone: t.List[str]
    after: t.List[str]
    prove: Prove
    unseen: t.List[str] = dataclasses.field(default_factory=list)
    empty: t.List[str] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.statements or self.alone)


def stamp(case: Case) -> Repair:
    """The record says what the catalog proves. Raises DeployError where it proves nothing, or something else than what is named."""
    wanted = sorted(case.revisions)
    fitting = [sorted(heads) for heads in case.found.fits] or [sorted(case.found.heads)]
    if case.found.kind != "exact" or (wanted and wanted not in fitting):
        raise _refused(case, "stamp", wanted or case.found.heads)
    if not wanted and case.found.fits:
        raise DeployError(
            f"stamp is not proven: {case.diagnosis.sentence}; name the one that is true in revisions",
            **facts(case.diagnosis, kind="not_proven"),
        )
    heads = wanted or sorted(case.found.heads)
    return _recorded(case, [], heads, lambda after: _same(case, case.real, after))


def create_missing(case: Case) -> Repair:
    """The catalog is that of its revision, by adding alone. Raises DeployError where more than that is different."""
    target = _target(case)
    chosen = case.history.up_to(target)
    if chosen is None:
        raise DeployError(
            f"create_missing cannot make the database equal {named(target)}, which "
            f"{case.history.stopped or 'this code does not have'}; name revisions that it has",
            **facts(case.diagnosis, kind="not_proven"),
        )
    if case.recorded and case.history.up_to(case.recorded) is None:
        raise _refused(case, "create_missing", target)
    _refuse_hidden_rows(case)
    expected = case.history.state(chosen)
    real = case.own(case.real)
    found = differences(expected, real)
    if any(one.kind != "removed" for one in found):
        raise _refused(case, "create_missing", target)
    statements, refused = (_ddl if case.dialect == "postgresql" else _ddl_sqlite).create(expected, real)
    if refused:
        raise DeployError(
            f"create_missing cannot make {', '.join(refused)}, of which a catalog does not tell enough; make it by hand, as "
            "the revision that it is from does",
            **facts(case.diagnosis, found, kind="not_possible"),
        )

    def prove(after: Atoms) -> None:
        left = differences(expected, case.own(after))
        if left:
            raise DeployError(
                f"create_missing was rolled back: the database would still not be that of {named(target)}; see the differences",
                **facts(case.diagnosis, left, kind="not_proven"),
            )

    return _recorded(case, statements, sorted(target), prove)


def drop_leftovers(case: Case) -> Repair:
    """What attempts that failed have left is gone; a table that only its stand-in holds has its name again."""
    tables = [path[2] for path in case.found.leftovers if path[0] == "table"]
    indexes = [path[2] for path in case.found.leftovers if path[0] == "index"]
    statements, renamed = [], {}
    for name in tables:
        original = name.replace(TEMPORARY, "", 1)
        if ("table", "", original) in case.real:
            statements.append(f"DROP TABLE {_ddl.qualified(name)}")
        else:
            statements.append(f"ALTER TABLE {_ddl.qualified(name)} RENAME TO {_ddl.quoted(bare(original))}")
            renamed[name] = original
    made = [] if renamed else _made_by_half(case)
    # A sequence goes with its table.
    statements += [f"DROP {path[0].upper()} {_ddl.qualified(path[2])}" for path in made if path[0] != "sequence"]
    if case.dialect == "sqlite":
        statements += [f"DROP INDEX {_ddl.quoted(name)}" for name in indexes]
        indexes = []
    kept = {path: value for path, value in case.real.items() if path not in made}
    kept = without(kept, {root(path) for path in made if path[0] == "table"})

    def prove(after: Atoms) -> None:
        if not renamed:
            _same(case, kept, after)
            return
        again = detect(case.history, after, case.recorded, case.ignore)
        if any(one.kind != "removed" for one in again.differences):
            raise DeployError(
                f"drop_leftovers was rolled back: {', '.join(renamed.values())} would be none that a revision makes; see the differences",
                **facts(case.diagnosis, again.differences, kind="not_proven"),
            )

    empty = [_ddl.qualified(name) for kind, _owner, name in made if kind == "table"]
    alone = [_ddl.drop_index(name) for name in indexes]
    return Repair(statements, alone, case.recorded, prove, empty=empty)


def _made_by_half(case: Case) -> t.List[Path]:
    """Tables and indexes of a revision that is applied halfway and not on record, where nothing else of it is left without them."""
    step = next((one for one in case.history.steps if one.id == case.found.step), None)
    before = case.history.up_to(case.recorded)
    if step is None or before is None:
        return []
    expected, real = case.history.state(before), case.own(case.real)
    made = [path for path in step.changes if path in real and path not in expected]
    tables = [path for path in made if path[0] == "table"]
    gone = {root(path) for path in tables}
    indexes = [path for path in made if path[0] == "index" and root(path) not in gone]
    names = {path[2] for path in tables}
    owned = [path for path in made if path[0] == "sequence" and real[path]["owned_by"].rpartition(".")[0] in names]
    left = {path: value for path, value in without(real, gone).items() if path not in indexes + owned}
    return [*indexes, *reversed(tables), *owned] if not differences(expected, left) else []


def reset(case: Case, code_heads: t.Sequence[str], confirm: str, name: str) -> Repair:
    """The record says what a person names, whatever the catalog is. Raises DeployError without their confirmation."""
    heads = sorted(case.revisions or code_heads)
    unknown = [head for head in heads if head not in case.history.numbers()]
    if unknown:
        raise DeployError(f"revisions names {named(unknown)}, which this code does not have; name others")
    if confirm != name:
        found = f"{confirm!r}" if confirm else "empty"
        raise DeployError(
            f"confirm is {found}, and reset records {named(heads)} in the database {name!r} without any proof; "
            "set confirm to that name where this is meant",
            **facts(case.diagnosis, kind="not_confirmed"),
        )
    return _recorded(case, [], heads, lambda after: _same(case, case.real, after))


def _target(case: Case) -> t.List[str]:
    """What the database is to equal: what is named, else the revision that is applied halfway, else what is on record, or nearest."""
    if case.revisions:
        return sorted(case.revisions)
    if case.found.kind == "partial":
        chosen = case.history.up_to([*case.found.heads, case.found.step])
        if chosen is not None:
            return sorted(case.history.heads(chosen))
    recorded = case.history.up_to(case.recorded) if case.recorded else None
    if recorded is not None:
        found = differences(case.history.state(recorded), case.own(case.real))
        if all(one.kind == "removed" for one in found):
            return case.recorded
    return sorted(case.found.heads)


def _refuse_hidden_rows(case: Case) -> None:
    """Rows may be where a catalog does not look, and a revision applied halfway may have changed some."""
    for path in case.found.leftovers:
        if path[0] == "table" and ("table", "", path[2].replace(TEMPORARY, "", 1)) not in case.real:
            raise DeployError(
                f"create_missing would make {path[2].replace(TEMPORARY, '', 1)} anew, and its rows are in {path[2]}; "
                "run drop_leftovers first, which gives it its name again",
                **facts(case.diagnosis, kind="rows_elsewhere"),
            )
    step = next((one for one in case.history.steps if one.id == case.found.step), None)
    if step is not None and step.writes:
        raise DeployError(
            f"create_missing is not proven: {step.id} is applied halfway and changes rows too, and no catalog tells which of them it "
            "has changed; restore the backup from before it, or finish it by hand and name it in revisions of stamp",
            **facts(case.diagnosis, kind="not_proven"),
        )


def _recorded(case: Case, statements: t.List[str], heads: t.List[str], prove: Prove) -> Repair:
    """With the record, where it says something else."""
    if heads == case.recorded and not statements:
        return Repair([], [], heads, prove)
    unseen: t.List[str] = []
    if heads != case.recorded:
        statements = statements + _ddl.record(case.versions[0], heads, case.versions[1])
        before = case.history.up_to(case.recorded) or frozenset()
        anew = (case.history.up_to(heads) or frozenset()) - before
        unseen = [case.history.steps[number].id for number in sorted(anew) if case.history.steps[number].writes]
    return Repair(statements, [], heads, prove, unseen)


def _same(case: Case, before: Atoms, after: Atoms) -> None:
    """Raises DeployError where the catalog changed meanwhile: then what was proven is not true any more."""
    left = differences(case.own(before), case.own(after))
    if left:
        raise DeployError(
            "the repair was rolled back, since the catalog has changed meanwhile; end what else changes it, and run again",
            **facts(case.diagnosis, left, kind="changed_meanwhile"),
        )


def _refused(case: Case, action: str, heads: t.Sequence[str]) -> DeployError:
    found = case.diagnosis.differences
    chosen = case.history.up_to(heads)
    if chosen is not None:
        found = differences(case.history.state(chosen), case.own(case.real))
    advice = f"run {case.diagnosis.remedy}" if case.diagnosis.remedy not in ("", action) else "see the differences"
    return DeployError(
        f"{action} is not proven: {case.diagnosis.sentence}; to be {named(heads)} it would need other objects: {advice}",
        **facts(case.diagnosis, found, kind="not_proven"),
    )


def facts(diagnosis: Diagnosis, found: t.Optional[t.Sequence[Difference]] = None, **more: t.Any) -> t.Dict[str, t.Any]:
    """What every answer tells, the refusals too."""
    shown = diagnosis.differences if found is None else list(found)
    told = {
        name: value for name, value in dataclasses.asdict(diagnosis).items() if name not in ("differences", "recorded")
    }
    return {
        "diagnosis": told,
        "before": diagnosis.recorded,
        "differences": [dataclasses.asdict(one) for one in shown],
        "text": _diff_text.text(shown),
        **more,
    }
