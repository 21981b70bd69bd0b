# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real applications from the package index, from an old release to a new one: rehearsed, tried, migrated (control node).

What is true of a migration is tried with the models of both releases, on a database before it and on one after it.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import secrets
import typing as t

import psycopg2.errors
import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _json

from tests.support.module import run_module
from tests.support.paths import CHECKOUT
from tests.support.postgres import EmbeddedPostgres
from tests.support.real_applications import APPLICATIONS, Application, interpreter
from tests.support.rehearsals import live_release

CASES = CHECKOUT / "tests" / "cases" / "real_applications"
WORDS = {(True, True): "either", (True, False): "expand", (False, True): "contract", (False, False): "blocking"}
TYPES = "SELECT app_label, model FROM django_content_type ORDER BY 1, 2"
PERMISSIONS = """
SELECT c.app_label, c.model, p.codename, p.name FROM auth_permission AS p JOIN django_content_type AS c ON c.id = p.content_type_id
ORDER BY 1, 2, 3
"""
HISTORY = "SELECT app, name FROM django_migrations ORDER BY 1, 2"
COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
REQUIRED = (
    f"{COLUMNS} AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'"
)


class Stage:
    """Both releases of an application, and databases of one role."""

    def __init__(self, name: str, server: EmbeddedPostgres, path: pathlib.Path) -> None:
        self.name, self.server, self.path = name, server, path
        self.token = secrets.token_hex(3)
        self.old, self.new = (
            Application(release, path / word) for release, word in zip(APPLICATIONS[name], ("old", "new"), strict=True)
        )
        self.role = f"real_{self.token}"

    def database(self, name: str) -> str:
        return f"{self.role}_{name}"

    def url(self, name: str) -> str:
        return self.server.url(self.database(name), self.role)

    def make(self) -> None:
        """A database of the old release with rows, and copies of it."""
        self.server.create_database(self.database("live"), self.role, "secret")
        self.old.manage(self.url("live"), "migrate", "--verbosity", "0")
        self.old.manage(self.url("live"), "shell", given=(CASES / f"{self.name}_rows.py").read_text())
        for copy in ("twin", "before", "after"):
            self.server.execute(
                f'CREATE DATABASE "{self.database(copy)}" TEMPLATE "{self.database("live")}" OWNER {self.role}'
            )

    def live(self) -> pathlib.Path:
        """Have the old release be the live one; what it demands is what its bridge told."""
        root = self.path / "srv"
        live_release(root, self.old.params(self.url("live")))
        return root

    def rehearse(self) -> list[dict[str, t.Any]]:
        """Give the verdicts of the module."""
        before = self.facts("live")
        result = run_module(
            "migration_rehearse",
            {
                **self.new.params(self.url("live")),
                "bridge_path": str(self.path / "bridge"),
                "login_url": self.server.admin_url,
                "database_name": self.database("live"),
                "client_path": str(self.server.bin_dir),
                "path": str(self.live()),
            },
        )
        assert not result.get("failed"), result["msg"]
        assert self.facts("live") == before, "production was touched"
        return result["verdicts"]

    def facts(self, name: str) -> t.Any:
        """Everything that a comparison of catalogs looks at."""
        with contextlib.closing(self.server.connect(self.database(name))) as opened:
            return _json.facts(_snapshot.take(opened, name, "2026-01-01T00:00:00Z"))

    def rows(self, name: str, statement: str) -> list[tuple[t.Any, ...]]:
        return self.server.execute(statement, self.database(name))


class Truth(t.NamedTuple):
    """What fails for a release on the other side of a migration, and works on its own; the words of the database."""

    migration: str
    old: dict[str, str]
    new: dict[str, str]

    @property
    def word(self) -> str:
        return WORDS[not self.old, not self.new]


def truths(stage: Stage) -> t.Iterator[Truth]:
    """Migrate one database a step ahead of the other, and have both releases work on both."""
    # Only a superuser can leave foreign keys out of the trial.
    before, after = (stage.server.url(stage.database(name)) for name in ("before", "after"))
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(each.probe(url)) for each in (stage.old, stage.new) for url in (before, after)]
        old_before, old_after, new_before, new_after = probes
        for app, name in new_after.ask("plan"):
            new_after.ask("migrate", app=app, name=name)
            columns, required = shared(stage, COLUMNS), shared(stage, REQUIRED)
            found = [probe.ask("probe", columns=columns, required=required) for probe in probes]
            yield Truth(f"{app}.{name}", only(found[1], found[0]), only(found[2], found[3]))
            new_before.ask("migrate", app=app, name=name)


def shared(stage: Stage, statement: str) -> dict[str, list[str]]:
    """Columns that both databases give, by table."""
    one, other = (set(stage.rows(name, statement)) for name in ("before", "after"))
    found: dict[str, list[str]] = {}
    for table, column in sorted(one & other):
        found.setdefault(table, []).append(column)
    return found


def must_refuse(stage: Stage, statements: list[str]) -> None:
    """Deletes are no part of the trial: these statements of the new release fail before the migration."""
    with contextlib.closing(stage.server.connect(stage.database("before"))) as opened, opened.cursor() as cursor:
        cursor.execute("BEGIN")
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            for statement in [*statements, "SET CONSTRAINTS ALL IMMEDIATE"]:
                cursor.execute(statement)


def only(there: dict[str, str], at_home: dict[str, str]) -> dict[str, str]:
    return {deed: error for deed, error in there.items() if deed not in at_home}


@pytest.fixture(params=sorted(APPLICATIONS))
def stage(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    """Install both releases, and migrate with the old one."""
    for release in APPLICATIONS[request.param]:
        if not interpreter(release.pythons):
            pytest.skip(f"{request.param} {release.version} needs Python {' or '.join(release.pythons)}")
    made = Stage(request.param, postgres, tmp_path)
    made.make()
    try:
        yield made
    finally:
        postgres.drop_database(made.role)


@pytest.mark.long
def test_every_verdict_is_true_and_the_result_is_that_of_migrate(stage: Stage) -> None:
    verdicts = {verdict["migration"]: verdict for verdict in stage.rehearse()}
    words = {name: verdict["compatibility"] for name, verdict in verdicts.items()}
    expected = json.loads((CASES / f"{stage.name}.json").read_text())
    (stage.path / "verdicts.json").write_text(json.dumps(verdicts, indent=1))
    assert words == {name: case["verdict"] for name, case in expected.items()}
    tried: dict[str, Truth] = {}
    for truth in truths(stage):
        tried[truth.migration] = truth
        if "refused" in expected[truth.migration]:
            must_refuse(stage, expected[truth.migration]["refused"])
    assert list(tried) == list(words)
    assert {name: truth.word for name, truth in tried.items()} == {
        name: case["truth"] for name, case in expected.items()
    }
    wrong = {name for name, word in words.items() if word not in ("inconclusive", tried[name].word)}
    assert wrong == {name for name, case in expected.items() if "refused" in case}, "what the trial leaves out is shown"

    parameters = {**stage.new.params(stage.url("live")), "bridge_path": str(stage.path / "bridge")}
    applied = run_module("django_migrate", parameters)
    assert not applied.get("failed"), applied["msg"]
    stage.new.manage(stage.url("twin"), "migrate", "--verbosity", "0")
    assert stage.facts("live") == stage.facts("twin")
    for statement in (TYPES, PERMISSIONS, HISTORY):
        assert stage.rows("live", statement) == stage.rows("twin", statement)
