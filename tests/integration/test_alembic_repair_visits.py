# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broken histories of the visitors' book: each is named, and repaired as far as that is proven (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, atoms
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._repairing import Repairing
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import NoJournal
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot as _of_postgres
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot as _of_sqlite
from ansible_collections.seamless.deploy.plugins.modules import alembic_repair

from tests.support import paths, visits, visits_broken
from tests.support.django_project import run_command
from tests.support.revisions import execute
from tests.support.sample_run import Application
from tests.support.visits_broken import History

#: History -> the cause, and the action that ends it; "" where nothing proves one.
EXPECTED = {
    "ahead-of-the-code": ("ahead_of_code", ""),
    "applied-halfway": ("applied_halfway", "create_missing"),
    "batch-left-behind": ("applied_halfway", "drop_leftovers"),
    "deleted-revision-file": ("broken_chain", ""),
    "made-by-hand": ("applied_unrecorded", "stamp"),
    "made-by-hand-otherwise": ("differs", ""),
    "never-recorded": ("not_recorded", "stamp"),
    "stamped-too-far": ("stamped_too_far", "stamp"),
    "three-heads": ("none", "merge_heads"),
    "two-heads": ("none", "merge_heads"),
}
#: These are shown by plain projects too, in test_alembic_repair.
SHORT = [("batch-left-behind", "sqlite"), ("never-recorded", "postgresql"), ("two-heads", "sqlite")]
ALL = [
    pytest.param(
        history, kind, id=f"{history.name}-{kind}", marks=[] if (history.name, kind) in SHORT else [pytest.mark.long]
    )
    for history in visits_broken.histories()
    for kind in history.databases
]
ROWS = [
    "SELECT id, visitor_id, token, purpose, arrived_at FROM visit ORDER BY id",
    "SELECT id, phone_number FROM visitor ORDER BY id",
]


class Book:
    """The application with one of its databases."""

    def __init__(self, base: pathlib.Path, application: Application, kind: str, server: t.Any) -> None:
        self.base, self.application, self.kind, self.server = base, application, kind, server
        self.url = self.new()

    def new(self) -> str:
        """An empty database; its URL."""
        name = f"visits_{secrets.token_hex(4)}"
        if self.kind == "sqlite":
            return f"sqlite:///{self.base}/{name}.db"
        return str(self.server.create_database(name, name, "secret"))

    def repair(self, action: str, check: bool = False) -> dict[str, t.Any]:
        defaults = {name: option.get("default") for name, option in alembic_repair.argument_spec().items()}
        params = {
            **defaults,
            "chdir": str(self.application.repository.path),
            "python": str(self.application.venv / "bin" / "python"),
            "environment": visits.process_environment(self.url),
            "bridge_path": str(self.base / "bridge"),
            "cache_path": str(self.base / "replays"),
            "backup_dest": str(self.base / "backups"),
            "action": action,
        }
        if self.kind == "postgresql":
            params.update(login_url=self.server.admin_url, client_path=str(self.server.bin_dir))
        bridge = Bridge(run_command, params, ALEMBIC, params["bridge_path"])
        try:
            return Repairing(params, check, bridge, run_command, NoJournal(), time.time()).run()
        except DeployError as exc:
            return {"failed": True, "msg": exc.msg, **exc.result}

    def catalog(self, url: str) -> Atoms:
        if self.kind == "sqlite":
            with _of_sqlite.opened(url[len("sqlite:///") :]) as opened:
                found = atoms(_of_sqlite.take(opened, "", ""))
        else:
            with contextlib.closing(self.server.connect(url.rpartition("/")[2])) as opened:
                found = atoms(_of_postgres.take(opened, "", ""))
        return {path: value for path, value in found.items() if "alembic_version" not in (path[1] + path[2])}

    def rows(self) -> list[t.Any]:
        return [execute(self.url, statement) for statement in ROWS]

    def upgraded(self, url: str, revision: str) -> Atoms:
        """The catalog after the developer's own command, with the files as they are."""
        argv = [str(self.application.venv / "bin" / "flask"), "db", "upgrade", revision]
        rc, _out, err = run_command(
            argv, cwd=str(self.application.repository.path), environ_update=visits.process_environment(url)
        )
        assert rc == 0, err
        return self.catalog(url)


@pytest.fixture(scope="module")
def application() -> t.Iterator[Application]:
    """Make the application once."""
    with paths.short_directory() as base:
        yield Application(visits, visits.VisitsRepository(base))


@pytest.fixture
def book(
    application: Application, tmp_path: pathlib.Path, request: pytest.FixtureRequest, kind: str
) -> t.Iterator[Book]:
    """Have it with an empty database, and its files as they were afterwards."""
    server = request.getfixturevalue("postgres") if kind == "postgresql" else None
    yield Book(tmp_path, application, kind, server)
    application.repository.git("checkout", "--quiet", "--force", "main")
    application.repository.git("clean", "--quiet", "--force", "-d")


@pytest.mark.parametrize(("history", "kind"), ALL)
def test_broken_history_is_named_and_repaired(book: Book, history: History, kind: str) -> None:
    visits_broken.produce(book.application, history, book.url)
    rows, catalog = book.rows(), book.catalog(book.url)
    cause, action = EXPECTED[history.name]
    if not action:
        refuses(book, cause, history)
        assert (book.rows(), book.catalog(book.url), visits.recorded(book.url)) == (rows, catalog, history.recorded)
        return
    planned = book.repair(action, check=True)
    assert planned.get("diagnosis", {}).get("cause") == cause, planned
    assert (book.rows(), book.catalog(book.url)) == (rows, catalog)
    done = book.repair(action)
    assert done.get("changed") is True, done
    assert book.rows() == rows
    assert book.repair(action)["changed"] is False
    # What fails halfway does so for its rows, and not for its history: that database is at the revision on record.
    target = history.recorded[0] if history.name == "batch-left-behind" else "heads"
    ended = book.upgraded(book.url, target)
    if history.name == "never-recorded":
        book.application.checkout(history.code)  # the broken code makes its tables before anybody can upgrade
    assert ended == book.upgraded(book.new(), target)
    assert book.rows() == rows


def refuses(book: Book, cause: str, history: History) -> None:
    """Every action that could be meant; the reason has the differences, or says what to bring back."""
    if cause == "broken_chain":
        assert book.repair("stamp")["kind"] == cause
        refused = book.repair("reparent")
        assert refused.get("kind") == "not_proven", refused
        assert "bring that file back" in refused["msg"] and "nickname" in refused["text"]
        return
    for action in ("stamp", "create_missing"):
        refused = book.repair(action)
        assert (refused.get("kind"), refused["diagnosis"]["cause"]) == ("not_proven", cause), refused
        assert all(name.rpartition(".")[2] in refused["text"] for name in history.differs), refused
