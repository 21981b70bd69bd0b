# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret of a deploy appears anywhere, at any verbosity, whether it succeeds or fails (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import secrets
import stat
import threading
import typing as t
import urllib.parse

import pytest

from tests.support.playbook import Result
from tests.support.release import BasicAuthServer
from tests.support.whole import Whole, whole


@dataclasses.dataclass
class Sight:
    """What two deploys at the highest verbosity showed: one that succeeds and one that fails."""

    shop: Whole
    results: list[Result]
    lines: set[str]
    tokens: dict[str, str]
    asked: list[str]


@pytest.fixture(scope="module")
def sight(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Sight]:
    """Deploy with a secret in every place that takes one, and keep an eye on the process list."""
    with contextlib.ExitStack() as stack:
        shop = stack.enter_context(whole(tmp_path_factory.mktemp("secrets")))
        scene = shop.scene
        tokens = {
            "password": urllib.parse.unquote(urllib.parse.urlsplit(scene.url).password or ""),
            "admin password": scene.postgres.passwords["postgres"],
            "SECRET_KEY": scene.secret_key,
            "index": secrets.token_hex(16),
            "git": secrets.token_hex(16),
        }
        served = scene.base / "served"
        index(served / "simple", scene.wheelhouse)
        scene.repository.git("clone", "--quiet", "--bare", str(scene.repository.path), str(served / "shop.git"))
        scene.repository.git("--git-dir", str(served / "shop.git"), "update-server-info")
        packages = stack.enter_context(BasicAuthServer(served, "bot", tokens["index"]))
        code = stack.enter_context(BasicAuthServer(served, "bot", tokens["git"]))
        shop.changes = {
            "deploy_repository": f"http://bot:{tokens['git']}@{code.host}/shop.git",
            "deploy_index_url": f"http://bot:{tokens['index']}@{packages.host}/simple/",
            "deploy_wheelhouse": None,
            "deploy_strategy": "maintenance",
            "deploy_ready_timeout": 30,
        }
        with watched() as lines:
            results = [shop.run(1, "-vvvv"), shop.run(3, "-vvvv", deploy_ready_timeout=8)]
        asked = [path for server in (packages, code) for path, allowed in server.seen if allowed]
        yield Sight(shop, results, lines, tokens, asked)


def index(folder: pathlib.Path, wheelhouse: pathlib.Path) -> None:
    """Write a package index of these wheels, as a web server shows directories."""
    for wheel in wheelhouse.glob("*.whl"):
        name = wheel.name.partition("-")[0].lower().replace("_", "-").replace(".", "-")
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / wheel.name).symlink_to(wheel)


@contextlib.contextmanager
def watched() -> t.Iterator[set[str]]:
    """Collect what `ps` would show."""
    lines: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            for process in pathlib.Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    lines.add((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lines
    finally:
        stop.set()
        thread.join()


def forms(token: str) -> set[str]:
    """Give a token as it stands, and as it stands in a URL."""
    return {token, urllib.parse.quote(token, safe="")}


def shown(text: str, tokens: dict[str, str]) -> list[str]:
    """Name the secrets that a text holds."""
    return [name for name, token in tokens.items() if any(form in text for form in forms(token))]


def test_the_secrets_were_used(sight: Sight) -> None:
    assert [result.rc for result in sight.results] == [0, 2], sight.results[0].stdout[-3000:]
    assert any("django" in path for path in sight.asked) and any("/shop.git/" in path for path in sight.asked)
    assert sight.shop.serving() == "1"


def test_not_in_the_output(sight: Sight) -> None:
    for result in sight.results:
        found = [line[:300] for line in result.stdout.splitlines() if shown(line, sight.tokens)]
        assert found == []


def test_not_in_the_process_list(sight: Sight) -> None:
    assert any("pg_dump" in line for line in sight.lines) and any("gunicorn" in line for line in sight.lines)
    assert [line for line in sight.lines if shown(line, sight.tokens)] == []


def test_not_in_any_file_but_the_environment(sight: Sight) -> None:
    folders = (sight.shop.root, sight.shop.scene.supervisor.base)
    seen, holders = 0, {}
    for path in (path for folder in folders for path in folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            seen += 1
            found = shown(path.read_bytes().decode("latin-1"), sight.tokens)
            if found:
                holders[path] = found
    assert seen > 1000
    journal, *_others = sight.shop.root.glob(".deploy/journal.jsonl")
    assert journal.stat().st_size > 1000 and list((sight.shop.root / "backups").iterdir())
    assert {path.name for path in holders} == {".environment"}, holders
    assert all(found == ["password", "SECRET_KEY"] for found in holders.values())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in holders}
    assert modes == {0o600} and len(holders) == 2


def test_backups_are_for_their_owner_only(sight: Sight) -> None:
    backups = sight.shop.root / "backups"
    assert stat.S_IMODE(backups.stat().st_mode) & 0o077 == 0
    files = [path for path in backups.rglob("*") if path.is_file()]
    assert files and {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} == {0}
