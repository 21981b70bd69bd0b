# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of the adoption modules to what there is and what would be done. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import grp
import os
import posixpath
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import (
    _application,
    _installation,
    _plan,
    _port,
    _records,
    _taking,
    _words,
)
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._application import Application
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._findings import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._plan import Adoption, WebServer, Wishes
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._records import Names
from ansible_collections.seamless.deploy.plugins.module_utils._environment import environment_values
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _config
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control
from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import new_release_id
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store
from ansible_collections.seamless.deploy.plugins.module_utils._service._ready import Health

PROXYD = ("/usr/lib/systemd/systemd-socket-proxyd", "/lib/systemd/systemd-socket-proxyd")


def adoption_spec() -> dict[str, t.Any]:
    """Options of the fragment `_adoption`."""
    return {
        "path": {"type": "path"},
        "unit": {"type": "str"},
        "app": {"type": "str", "required": True},
        "root": {"type": "path", "required": True},
        "socket_dir": {"type": "path", "required": True},
        "user": {"type": "str"},
        "units": {"type": "list", "elements": "dict", "default": []},
        "shared": {"type": "list", "elements": "str", "default": []},
        "environment": {"type": "dict", "default": {}, "no_log": True},
        "framework": {"type": "str", "choices": ["django", "none"], "default": "django"},
        "settings": {"type": "str"},
        "accept": {"type": "list", "elements": "str", "default": []},
        "entrance": {"type": "str", "choices": ["link", "port"], "default": "link"},
        "listen": {"type": "str"},
        "stop": {"type": "bool", "default": False},
        "health_path": {"type": "str", "default": "/health/"},
        "health_status": {"type": "int", "default": 200},
        "health_host": {"type": "str", "default": "localhost"},
    }


@dataclasses.dataclass(frozen=True)
class Survey:
    """Everything that is known before something is changed."""

    store: Store
    wishes: Wishes
    health: Health
    release: str
    found: Installation
    told: Application
    web: WebServer
    decided: Adoption
    environment: dict[str, str]
    missing: tuple[str, ...]
    different: tuple[str, ...]

    def result(self) -> dict[str, t.Any]:
        """What both modules return of it. No value of the environment is in it."""
        decided, found = self.decided, self.found
        names = sorted(self.environment)
        return {
            "way": decided.way,
            "release": self.release,
            "release_path": self.store.path(self.release),
            "unit": found.unit.name,
            "user": found.unit.user,
            "path": found.checkout.path,
            "listens": [str(place) for place in found.places],
            "findings": [each.to_json() for each in decided.findings],
            "stop_seconds": self.wishes.stop_seconds,
            "stops": [str(each) for each in _plan.stops(decided.findings, self.wishes)],
            "edits": [edit.to_json() for edit in decided.edits],
            "shared": dict(decided.shared),
            "units": [dict(record) for record in decided.records],
            "environment_names": names,
            "environment_missing": list(self.missing),
            "environment_different": list(self.different),
            "plan": _words.lines(found, decided, self.wishes, self.release, names),
            "inventory": _words.inventory(decided, self.missing, self.different),
        }


def names_of(params: t.Mapping[str, t.Any]) -> Names:
    declared = [each for each in params["units"] if each.get("class", "web") == "web"]
    if len(declared) > 1:
        raise DeployError(
            f"deploy_units has {len(declared)} units of class web; an installation is adopted for one of them, leave one in it for now"
        )
    web = str(declared[0]["name"]) if declared else "web"
    proxyd = next((path for path in PROXYD if os.path.exists(path)), PROXYD[0])
    return Names(params["app"], params["root"].rstrip("/"), params["socket_dir"].rstrip("/"), web, proxyd)


def health_of(params: t.Mapping[str, t.Any]) -> Health:
    return Health("/" + params["health_path"].lstrip("/"), params["health_status"], params["health_host"])


def finished(store: Store) -> str:
    """The release that was adopted, when that is done; "" while it is still to be done. Raises DeployError."""
    live, adopted = store.live(), _taking.adopted(store)
    if live and not adopted:
        raise DeployError(
            f"deploy_path is {store.root}, where release {live} is live that was deployed: there is nothing to adopt. "
            "To adopt another installation give it a deploy_path of its own"
        )
    return adopted.release if live and adopted else ""


def survey(params: t.Mapping[str, t.Any], run: t.Callable[..., t.Any], now: datetime.datetime) -> Survey:
    """Look at everything, and decide. Raises DeployError."""
    if not params["path"] and not params["unit"]:
        raise DeployError(
            "give adopt_unit (the unit of systemd that serves now), adopt_path (the checkout it serves from), or both"
        )
    names, health, store = names_of(params), health_of(params), Store(params["root"])
    found = _installation.find(run, params["path"] or "", params["unit"] or "")
    values = _application.environment_of(found)
    told = Application()
    if params["framework"] == "django":
        told = _application.ask_django(
            run, found, values, params["settings"] or values.get("DJANGO_SETTINGS_MODULE", "")
        )
    web = web_server(Control(run))
    missing, different = _application.compare(values, environment_values(params["environment"]))
    asked = {"health_path": health.path, "health_status": health.status, "health_host": health.host}
    wishes = Wishes(
        names,
        params["user"] or "",
        tuple(params["shared"]),
        tuple(params["units"]),
        tuple(params["accept"]),
        params["entrance"] == "port",
        params["stop"],
        _port.expected_stop(run) if params["entrance"] == "port" else 0.0,
        params["listen"] or "",
        asked,
    )
    begun = _taking.adopted(store)
    commit = found.checkout.git.commit if found.checkout.git else "0" * 7
    release = begun.release if begun else new_release_id(now, commit, store.names())
    more = [*_application.findings(told), *_here(found, names, health)]
    decided = _plan.decide(found, told, web, wishes, release, more)
    return Survey(store, wishes, health, release, found, told, web, decided, values, tuple(missing), tuple(different))


def web_server(control: Control) -> WebServer:
    """nginx as it stands, or why nothing can be said of it."""
    try:
        tree = tuple(_config.expand(control.files()))
        workers = [worker for worker in control.running().workers if not worker.leaving]
        if not workers:
            return WebServer(problem="nginx is installed and does not run")
        return WebServer(tree, control.version(), grp.getgrgid(workers[0].gid).gr_name)
    except (DeployError, KeyError) as exc:
        return WebServer(problem=str(getattr(exc, "msg", exc)))


def _here(found: Installation, names: Names, health: Health) -> t.Iterator[Finding]:
    """What only shows on this host: whether the installation is healthy, and whether systemd's programs are there."""
    problems = [_application.health(place, health) for place in found.places]
    if all(problems):
        yield Finding(
            "not_healthy",
            "stop",
            f"the installation does not answer healthy: {problems[0]}",
            "name a path that it answers with 200 in adopt_health_path (and its host name in deploy_health_host); by it every step proves "
            "that it still serves",
        )
    gone = [path for path in (names.proxyd, _records.ACTIVATE) if not os.path.exists(path)]
    if gone and not any(place.path for place in found.places):
        yield Finding(
            "no_proxy",
            "stop",
            f"{' and '.join(map(posixpath.basename, gone))} of systemd is not on this host",
            "install it (a package of systemd has it), or let the service listen on a unix socket instead of a port",
        )
