# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys on the demo's stage, and everything that a failed one must leave as it was (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import time
import typing as t

from tests.demo.stage import Stage, stage
from tests.lab.wheels import controller
from tests.support import playbook, shop
from tests.support.load import ORDERS, ORDERS_TABLE, TOKEN, Load, LoadReport, request

#: What is shown of a strategy holds without a rehearsal, which takes time and would keep broken migrations away.
UNREHEARSED = {"deploy_strategy": "online", "deploy_rehearsal": "none", "deploy_force_online": True}
RUNNING_FROM = re.compile(rb"/releases/([^/\0]+)/")


class Whole:
    """A stage with the print shop, driven by the collection's own playbooks."""

    #: Where the load writes, and the table and column in which it finds its writes again.
    path, table, column = ORDERS, ORDERS_TABLE, TOKEN

    def __init__(self, scene: Stage) -> None:
        self.scene = scene
        self.root = scene.base / "srv"
        self.changes: dict[str, t.Any] = {}

    # -- do --------------------------------------------------------------

    def run(
        self, release: int, *arguments: str, name: str = "deploy.yml", ansible: str = "", **changes: t.Any
    ) -> playbook.Result:
        """Run a playbook with the inventory of this release, variables changed (None leaves one out); `ansible="2.16"` chooses a version."""
        variables = {**self.scene.variables(release), **UNREHEARSED, **self.changes, **changes}
        variables = {key: value for key, value in variables.items() if value is not None}
        program = controller(ansible) if ansible else ""
        base, log = self.scene.base, self.scene.log
        return playbook.run_playbook(name, variables, *arguments, base=base, log=log, timeout=900, program=program)

    def live(self, release: int, **changes: t.Any) -> None:
        """Make sure that this release serves, on a stage where release 1 was the first and has rows."""
        found = self.serving()
        if not found:
            done = self.run(1, **changes)
            assert done.rc == 0, done.stdout
            self.fill()
        if (found or "1") != str(release):
            done = self.run(release, **changes)
            assert done.rc == 0, done.stdout

    def fill(self) -> None:
        """Have some rows."""
        shop.fill(self.scene.url, 5_000, 100)

    @contextlib.contextmanager
    def traffic(self) -> t.Iterator[Traffic]:
        """Send requests through the entrance while something happens, and for a while after it."""
        found = Traffic(self.scene.url)
        with Load(self.scene.entrance, readers=4, writers=2, rate=20, path=self.path, max_seconds=900) as load:
            time.sleep(1.5)
            yield found
            time.sleep(1.5)
            found.ended = load.report(time.monotonic() - 1.4)
            found.report = load.stop()
        found.lost = found.report.lost(found.url, self.table, self.column)

    # -- ask -------------------------------------------------------------

    def version(self) -> dict[str, t.Any]:
        """Ask the entrance what runs behind it; empty when nobody answers."""
        try:
            return dict(request(self.scene.entrance, "GET", "/version/", timeout=10).json())
        except (OSError, ValueError):
            return {}

    def serving(self) -> str:
        """Name the release that serves, "" when none does."""
        return str(self.version().get("release", ""))

    def directory(self) -> str:
        """Name the directory of the release that serves: its id."""
        return pathlib.Path(self.version()["directory"]).name

    def footprint(self) -> Footprint:
        """Describe all that a deploy changes."""
        databases = self.scene.postgres.execute("SELECT datname FROM pg_database ORDER BY 1")
        status = self.scene.supervisor.ctl("status").stdout.splitlines()
        return Footprint(
            serving=self.serving(),
            catalog=self.scene.catalog(),
            databases=[name for (name,) in databases],
            programs=sorted(" ".join(line.split()[:2]) for line in status if line.strip()),
            processes=sorted(running_from(self.root)),
            sockets=sorted(path.name for path in (self.root / "run").iterdir()),
            definitions=sorted(path.name for path in self.scene.supervisor.include_dir.iterdir()),
            current=os.readlink(self.root / "current"),
        )

    def records(self) -> list[dict[str, t.Any]]:
        """Read the journal."""
        journal = self.root / ".deploy" / "journal.jsonl"
        return [json.loads(line) for line in journal.read_text().splitlines()]

    def last(self) -> dict[str, t.Any]:
        """Give the record with which the last deploy ended; fails when it never did."""
        record = self.records()[-1]
        assert record["event"] == "end", record
        return record

    def locked(self) -> bool:
        """Tell whether somebody holds the deploy lock."""
        return (self.root / ".deploy" / "lock").exists()

    def manifests(self) -> dict[str, dict[str, t.Any]]:
        """Read the manifest of every release on disk."""
        found = sorted((self.root / "releases").glob("*/.release.json"))
        return {path.parent.name: json.loads(path.read_text()) for path in found}

    def pages_static_files(self) -> list[str]:
        """List the hashed files that the first page of the serving release names."""
        page = request(self.scene.entrance, "GET", "/").body.decode()
        found = re.findall(r"/static/([^\"' >]+)", page)
        assert found, page
        return found

    def unpublished(self, names: list[str]) -> list[str]:
        """Say which of these files a web server would not find."""
        return [name for name in names if not (self.root / "static" / name).is_file()]


@dataclasses.dataclass
class Footprint:
    """What stands; two of these are equal when nothing has changed that anybody could notice."""

    serving: str
    catalog: list[tuple[t.Any, ...]]
    databases: list[str]
    programs: list[str]
    processes: list[str]
    sockets: list[str]
    definitions: list[str]
    current: str


@dataclasses.dataclass
class Traffic:
    """What became of the requests: `report` of all, `ended` of those after the deploy, `lost` acknowledged writes."""

    url: str
    report: LoadReport = dataclasses.field(init=False)
    ended: LoadReport = dataclasses.field(init=False)
    lost: list[str] = dataclasses.field(default_factory=list)

    def told(self, what: str) -> None:
        """Print the figures, for `pytest -s` and for the report of a failing test."""
        got = self.report
        print(f"{what}: requests={got.requests} failed={got.failed} writes={got.writes} lost={len(self.lost)}", end=" ")
        print(f"seconds={got.seconds:.1f} p99_ms={got.p99_ms:.0f} worst_ms={got.worst_ms:.0f} {got.failures}")


def running_from(root: pathlib.Path) -> set[str]:
    """Name the releases below this path that a process was started from."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes()
            if f"{root}/".encode() in line:
                found |= {match.decode() for match in RUNNING_FROM.findall(line)}
    return found


def listing(*folders: pathlib.Path, without: t.Container[str] = ()) -> dict[str, tuple[int, int, int]]:
    """Describe everything below these folders so that any touch shows."""
    found = {}
    for folder in folders:
        for entry in sorted([folder, *folder.rglob("*")]) if folder.exists() else []:
            if not any(part in without for part in entry.relative_to(folder).parts):
                facts = entry.lstat()
                found[str(entry)] = (facts.st_mode, facts.st_mtime_ns, facts.st_size)
    return found


@contextlib.contextmanager
def whole(folder: pathlib.Path) -> t.Iterator[Whole]:
    """Set a stage up for the tests of one file; what the playbooks say is collected in `folder`."""
    with stage(folder / "playbooks.log", print) as scene:
        yield Whole(scene)
