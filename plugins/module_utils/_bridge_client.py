# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the bridge in the application's interpreter. Target; PRIVATE to the collection."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import tempfile
import typing as t
import urllib.parse

from ansible_collections.seamless.deploy.plugins.module_utils import _bridge_watch as _watch
from ansible_collections.seamless.deploy.plugins.module_utils._bridge import _protocol
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._common import Parts
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_publish import publish
from ansible_collections.seamless.deploy.plugins.module_utils._environment import environment_values, parse_environment
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

Run = t.Callable[..., t.Tuple[int, str, str]]

_SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH|PRIVATE|SALT|DSN|SIGN", re.IGNORECASE)
_TAIL = 4000
#: Options that say what the project is, and go with every request.
_PROJECT = {"django": ("settings",), "alembic": ("config", "app", "x")}


def bridge_spec() -> dict[str, t.Any]:
    """Options of the fragment `_django`."""
    return {
        "chdir": {"type": "path", "required": True},
        "python": {"type": "path", "required": True},
        "settings": {"type": "str"},
        "environment": {"type": "dict", "no_log": True, "default": {}},
        "environment_file": {"type": "path"},
        "bridge_path": {"type": "path"},
    }


def _alembic_project() -> dict[str, t.Any]:
    return {
        "config": {"type": "path"},
        "app": {"type": "str"},
        "x": {"type": "list", "elements": "str", "default": []},
    }


def alembic_spec() -> dict[str, t.Any]:
    """Options of the fragment `_alembic`."""
    return {
        **{name: option for name, option in bridge_spec().items() if name != "settings"},
        **_alembic_project(),
        "database": {"type": "str", "default": "default"},
        "database_name": {"type": "str"},
    }


def framework_spec() -> dict[str, t.Any]:
    """Options of the fragment `_framework`."""
    return {
        "framework": {"type": "str", "choices": ["django", "alembic"], "default": "django"},
        **_alembic_project(),
    }


def read_environment_file(path: t.Optional[str]) -> dict[str, str]:
    if not path:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            return parse_environment(file.read())
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "it is not UTF-8 text"
        raise DeployError(
            f"environment_file {path} cannot be read: {reason}; correct the path, or run as its owner"
        ) from exc


def process_environment(python: str, given: dict[str, str], path: str) -> dict[str, str]:
    """What is added to the environment: as an activated virtual environment with the application's variables."""
    added = dict(given)
    folder = os.path.dirname(python)
    if os.path.exists(os.path.join(os.path.dirname(folder), "pyvenv.cfg")):
        added.setdefault("VIRTUAL_ENV", os.path.dirname(folder))
        added["PATH"] = os.pathsep.join([folder, added.get("PATH", path)])
    added.setdefault("PGCONNECT_TIMEOUT", "10")  # libpq's own default is to wait for ever
    return added


def secret_values(environment: dict[str, str]) -> set[str]:
    """Values that must not show: by their name, and the passwords inside of URLs in both spellings."""
    found = set()
    for name, value in environment.items():
        if _SECRET_NAME.search(name) and len(value) >= 4:
            found.add(value)
        match = re.match(r"[\w+.-]+://[^/@\s]*:([^/@\s]+)@", value) or re.match(r"[\w+.-]+://[^:/\s]*:(.+)@", value)
        if match:
            found |= {value, match.group(1), urllib.parse.unquote(match.group(1))}
    return found


def masked(text: str, hidden: t.Iterable[str]) -> str:
    """The text without these values, also as Python and JSON would write them."""
    spellings = {
        spelling for value in hidden if value for spelling in (value, repr(value)[1:-1], json.dumps(value)[1:-1])
    }
    for value in sorted(spellings, key=len, reverse=True):
        text = text.replace(value, "********")
    return text


class Outcome(t.NamedTuple):
    """What one verb answered: a result, or the error; and the progress events."""

    result: t.Dict[str, t.Any]
    progress: t.List[t.Dict[str, t.Any]]
    error: t.Optional[DeployError]


class Bridge:
    """The application of one release. `run` has the signature of AnsibleModule.run_command. Raises DeployError."""

    def __init__(self, run: Run, params: dict[str, t.Any], parts: Parts, base: str) -> None:
        self._run = run
        self._parts = parts
        self._base = base
        self._chdir, self._python = params["chdir"], _program(params["python"])
        if not os.path.isdir(self._chdir):
            raise DeployError(f"chdir {self._chdir} is not a directory; name the project directory of the release")
        given = {
            **read_environment_file(params.get("environment_file")),
            **environment_values(params["environment"] or {}),
        }
        self.environment = process_environment(self._python, given, os.environ.get("PATH", os.defpath))
        self._hidden = secret_values(given)
        self._project = {name: params.get(name) for name in _PROJECT[parts.framework]}

    def elsewhere(self, chdir: str) -> Bridge:
        """The same application in another directory."""
        other = copy.copy(self)
        other._chdir = chdir
        return other

    def call(self, verb: str, **arguments: t.Any) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
        """(result, progress events) of one verb."""
        outcome = self.attempt(verb, **arguments)
        if outcome.error:
            raise outcome.error
        return outcome.result, outcome.progress

    def attempt(self, verb: str, watch: t.Optional[_watch.Watch] = None, **arguments: t.Any) -> Outcome:
        """One verb, also when it fails: what it told until then is of use. watch: what is done at events that wait for it."""
        request = json.dumps(_protocol.request(verb, self._parts.framework, **{**self._project, **arguments}))
        with tempfile.TemporaryFile() as answer:
            if watch is None:
                rc, out, err = self._start(request, answer.fileno())
            else:
                with _watch.watching(answer.fileno(), watch) as go:
                    rc, out, err = self._start(request, answer.fileno(), go)
            answer.seek(0)
            data = answer.read()
        error: t.Optional[DeployError] = None
        result: dict[str, t.Any] = {}
        try:
            progress, result = _protocol.read_answer(data)
        except _protocol.BridgeError as exc:
            progress = exc.detail.get("progress", [])
            error = self._error(exc, rc, out, err)
        return Outcome(result, [event for event in progress if event.get("what") != "secrets"], error)

    def _start(self, request: str, descriptor: int, go: int = -1) -> tuple[int, str, str]:
        environment = {**self.environment, _protocol.FD_VARIABLE: str(descriptor)}
        if go >= 0:
            environment[_protocol.GO_VARIABLE] = str(go)
        argv = [self._python, publish(self._base, self._parts)]
        return self._run(
            argv,
            data=request,
            cwd=self._chdir,
            environ_update=environment,
            pass_fds=(descriptor, go) if go >= 0 else (descriptor,),
            errors="surrogate_then_replace",
        )

    def _error(self, exc: _protocol.BridgeError, rc: int, out: str, err: str) -> DeployError:
        detail = dict(exc.detail)
        progress = detail.pop("progress", [])
        hidden = self._hidden | {
            value for event in progress if event.get("what") == "secrets" for value in event["values"]
        }
        output: dict[str, t.Any] = {
            "rc": rc,
            "stdout": masked(out, hidden)[-_TAIL:],
            "stderr": masked(err, hidden)[-_TAIL:],
        }
        message = exc.message
        if exc.kind == "died":
            last = next(
                (line for line in reversed(output["stderr"].splitlines()) if line.strip()), "it printed nothing"
            )
            message = f"{self._python} ended with code {rc} and without an answer: {last}"
        for name in {"failure", "checks"} & set(
            detail
        ):  # names such as migrations' stay whole, whatever the password is
            detail[name] = _masked_tree(detail[name], hidden)
        return DeployError(masked(message, hidden), kind=exc.kind, **detail, **output)


def _masked_tree(value: t.Any, hidden: set[str]) -> t.Any:
    if isinstance(value, dict):
        return {name: _masked_tree(inner, hidden) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked_tree(inner, hidden) for inner in value]
    return masked(value, hidden) if isinstance(value, str) else value


def _program(python: str) -> str:
    found = python if os.path.isabs(python) else (shutil.which(python) or python)
    if not os.path.isfile(found) or not os.access(found, os.X_OK):
        raise DeployError(
            f"python {python} is not there or may not be run; name the interpreter of the release's environment"
        )
    return found
