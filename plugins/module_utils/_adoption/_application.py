# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a running installation: its environment, its health, its framework. Values stay on the host. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import os
import shutil
import tempfile
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption._findings import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._environment import parse_environment
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _ready

Run = t.Callable[..., t.Tuple[int, str, str]]

#: What systemd and a shell set by themselves: nothing that a release must be told.
ORDINARY = frozenset(
    "HOME INVOCATION_ID JOURNAL_STREAM LANG LISTEN_FDS LISTEN_PID LOGNAME MAINPID MANAGERPID NOTIFY_SOCKET OLDPWD PATH PWD SHELL "
    "SHLVL SYSTEMD_EXEC_PID TERM USER VIRTUAL_ENV WATCHDOG_PID WATCHDOG_USEC _".split()
)


@dataclasses.dataclass(frozen=True)
class Application:
    """What the framework says of the running installation; `problem` when it could not be asked."""

    problem: str = ""
    media_root: str = ""
    static_root: str = ""
    settings: str = ""
    model_changes: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    pending: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    conflicts: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


def environment_of(found: Installation) -> dict[str, str]:
    """What the application is told now: by its unit, and by the file that it reads itself."""
    values: dict[str, str] = {}
    own_files = found.checkout.environment_files if found.checkout.reads_environment_file else ()
    for path in (*own_files, *found.unit.environment_files):
        with contextlib.suppress(OSError, UnicodeDecodeError, DeployError):
            with open(path, encoding="utf-8") as file:
                values.update(parse_environment(file.read()))
    running = _process_environment(found.unit.pid)
    names = {*values, *found.unit.environment, "DJANGO_SETTINGS_MODULE", "FLASK_APP"}
    values.update({name: value for name, value in running.items() if name in names})
    return {name: value for name, value in values.items() if name not in ORDINARY}


def _process_environment(pid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid}/environ", encoding="utf-8", errors="surrogateescape") as file:
            entries = file.read().split("\0")
    except OSError:
        return {}
    return {name: value for name, equals, value in (entry.partition("=") for entry in entries) if equals}


def compare(own: t.Mapping[str, str], given: t.Mapping[str, t.Any]) -> tuple[list[str], list[str]]:
    """(names that the inventory does not have, names whose value is another there)."""
    missing = sorted(name for name in own if given.get(name) in (None, ""))
    different = sorted(name for name in own if name not in missing and str(given[name]) != own[name])
    return missing, different


def health(place: Listening, wanted: _ready.Health, timeout: float = 10.0) -> str:
    """Why the installation does not answer healthy, or ""."""
    try:
        answer = _ready.ask(place.path, wanted, timeout) if place.path else _ask_port(place, wanted, timeout)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        return f"{place} gives no answer to GET {wanted.path}: {exc or type(exc).__name__}"
    return "" if answer.status == wanted.status else f"{place}: {_ready.explain_status(answer, wanted)}"


def _ask_port(place: Listening, wanted: _ready.Health, timeout: float) -> _ready.Answer:
    connection = http.client.HTTPConnection(place.connect, timeout=timeout)
    try:
        headers = {"Host": wanted.host, "Connection": "close", "User-Agent": "seamless.deploy", **wanted.headers}
        connection.request("GET", wanted.path, headers=headers)
        response = connection.getresponse()
        body = response.read(_ready.EXCERPT * 4).decode("utf-8", "replace")
        location = response.getheader("Location") or ""
    finally:
        connection.close()
    return _ready.Answer(response.status, " ".join(body.split())[: _ready.EXCERPT], location, 0, 0.0)


def ask_django(run: Run, found: Installation, environment: t.Mapping[str, str], settings: str) -> Application:
    """Ask Django as the user that the installation runs as, with the environment that it has."""
    checkout = found.checkout
    python = os.path.join(checkout.venv, "bin", "python")
    if not os.path.exists(python):
        return Application(f"no virtual environment was found for {checkout.path}; its python could not be asked")
    base = tempfile.mkdtemp(prefix="seamless-")
    try:
        os.chmod(base, 0o755)
        params = {
            "chdir": checkout.project_path,
            "python": python,
            "environment": dict(environment),
            "settings": settings,
        }
        bridge = Bridge(_as_user(run, found.unit.user), params, DJANGO, base)
        described, _progress = bridge.call("describe", alias="default", database_name=None)
        facts = {name: described.get(name) or "" for name in ("media_root", "static_root", "settings")}
        return _state(bridge, Application("", facts["media_root"], facts["static_root"], facts["settings"]))
    except DeployError as exc:
        return Application(exc.msg)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _state(bridge: Bridge, described: Application) -> Application:
    request: dict[str, t.Any] = {"alias": "default", "database_name": None}
    try:
        state, _progress = bridge.call("check", **request)
        told = {name: state[name] for name in ("model_changes", "conflicts")}
        pending: t.Sequence[str] = ()
        if not state["conflicts"] and not state["inconsistent"]:
            pending = bridge.call("plan", with_sql=False, **request)[0]["pending"]
    except DeployError as exc:
        return dataclasses.replace(described, problem=exc.msg)
    return dataclasses.replace(described, **told, missing=tuple(state["missing"]), pending=tuple(pending))


def _as_user(run: Run, user: str) -> Run:
    if os.geteuid() or user in ("", "root"):
        return run
    return lambda argv, **options: run(["runuser", "-u", user, "--", *argv], **options)


def findings(found: Application) -> t.Iterator[Finding]:
    """What the framework's answers mean for an adoption."""
    if found.problem:
        yield Finding(
            "not_asked",
            "warning",
            f"the application could not be asked about its models and migrations: {found.problem}",
            "when it is no Django application set deploy_framework to none; else correct that, and look again",
        )
    if found.model_changes:
        changes = "; ".join(f"{app}: {_sentence(found.model_changes[app])}" for app in sorted(found.model_changes))
        yield Finding(
            "models_without_migrations",
            "warning",
            f"models have what no migration has ({changes})",
            "make the migration in the repository (manage.py makemigrations), and compare it with the database first: what was added "
            "there by hand is recorded with migrate --fake, not created again",
        )
    if found.missing:
        yield Finding(
            "unknown_migrations",
            "warning",
            f"the database has migrations that this code does not have: {', '.join(found.missing[:8])}",
            "find the branch or the server that applied them, and bring them into the repository before the first deploy",
        )
    if found.pending:
        yield Finding(
            "pending_migrations",
            "note",
            f"migrations of this code are not applied: {', '.join(found.pending[:8])}",
            "the first deploy applies them, if they are in the repository",
        )
    if found.conflicts:
        yield Finding(
            "conflicting_migrations",
            "stop",
            f"apps have two last migrations: {', '.join(sorted(found.conflicts))}",
            "merge them in the repository (manage.py makemigrations --merge): Django refuses to migrate until then",
        )


def _sentence(changes: t.Any) -> str:
    return ", ".join(str(each) for each in changes[:4]) if isinstance(changes, (list, tuple)) else str(changes)
