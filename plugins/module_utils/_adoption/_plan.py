# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an existing installation is taken over, or why it is not. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _edits, _port, _records, _routes, _unit
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._application import Application
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._edits import Edit
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._findings import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._records import Names
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._config import Directive

#: Findings that nobody can go on in spite of: the application would not be reached.
FINAL = (
    "another_port",
    "port_not_movable",
    "needs_stop",
    "web_server_line",
    "no_way_found",
    "web_server_unknown",
    "no_proxy",
    "entrance_lost_at_boot",
)


@dataclasses.dataclass(frozen=True)
class WebServer:
    """nginx as it stands: its configuration as a tree, and why it could not be read."""

    tree: tuple[Directive, ...] = ()
    version: tuple[int, ...] = ()
    group: str = ""
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What the user asks for. accept: findings that do not stop; stop_seconds: what the stop will last, where the port is taken over."""

    names: Names
    user: str = ""
    shared: tuple[str, ...] = ()
    declared: tuple[t.Mapping[str, t.Any], ...] = ()
    accept: tuple[str, ...] = ()
    port: bool = False
    stop: bool = False
    stop_seconds: float = 0.0
    listen: str = ""
    health: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Adoption:
    """The decision. place: where the service listens; shared: path in a release -> where it lies now."""

    way: str
    place: Listening
    records: tuple[dict[str, t.Any], ...] = ()
    edits: tuple[Edit, ...] = ()
    shared: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    static: str = ""
    findings: tuple[Finding, ...] = ()
    variables: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def proxied(self) -> bool:
        return not self.place.path and self.way != "stop"


def decide(
    found: Installation, told: Application, web: WebServer, wishes: Wishes, release: str, more: t.Iterable[Finding] = ()
) -> Adoption:
    """Everything that an adoption would do, and what speaks against it."""
    routes = _routes.routes_to(web.tree, found.places)
    # An adoption that was interrupted finds its own lines.
    led = _routes.routes_to(web.tree, [Listening(path=wishes.names.entrance)]).routes
    place = _place(found, web)
    edits, problems = _edits.edits_for(routes.routes, wishes.names.entrance, web.version)
    folders = _routes.folders_in(web.tree, found.checkout.path)
    static, others = _edits.static_edits(folders, told.static_root, f"{wishes.names.root}/static")
    shared = shared_folders(found, told, wishes.shared)
    socket = f"{wishes.names.socket_dir}/{wishes.names.web}-{release}.sock"
    command = _port.command_on(found.unit.command, socket) if wishes.port else ""
    if wishes.port:
        # Whoever leads to the port goes on doing so.
        edits, static, place = [], [], next((each for each in found.places if each.port), place)
        way = list(
            _port.findings(
                found, wishes.listen, wishes.stop, _port.definition_of(found.unit), socket, wishes.stop_seconds
            )
        )
    else:
        way = list(_way_findings(found, place, web, [*routes.problems, *problems], bool(routes.routes or led), wishes))
    findings = [
        *found.findings,
        *found.checkout.findings,
        *more,
        *way,
        *_served_findings(others, shared, found.checkout.path),
        *_unit_findings(found, wishes, shared),
    ]
    records = _records.records(
        found, place, wishes.names, release, [dict(each) for each in wishes.declared], dict(wishes.health), command
    )
    return Adoption(
        "refused" if stops(findings, wishes) else "stop" if wishes.port else "online",
        place,
        tuple(records),
        (*edits, *static),
        shared,
        told.static_root if static else "",
        tuple(dict.fromkeys(findings)),
        _variables(found, told, wishes, shared),
    )


def stops(findings: t.Iterable[Finding], wishes: Wishes) -> list[Finding]:
    """The findings that stop an adoption, which the user has not accepted or cannot accept."""
    return [
        each for each in findings if each.level == "stop" and (each.kind in FINAL or each.kind not in wishes.accept)
    ]


def _place(found: Installation, web: WebServer) -> Listening:
    """Where the web server reaches the service; its first port when none does."""
    for place in found.places:
        if _routes.routes_to(web.tree, [place]).routes:
            return place
    return found.places[0]


def _way_findings(
    found: Installation, place: Listening, web: WebServer, problems: t.Sequence[str], routed: bool, wishes: Wishes
) -> t.Iterator[Finding]:
    line = f"proxy_pass http://unix:{wishes.names.entrance};"
    if web.problem:
        yield Finding(
            "web_server_unknown",
            "stop",
            f"the way of requests to {found.unit.name} is not known: {web.problem}",
            f"let nginx on this host stand in front of {place} (server {{ listen 80; location / {{ proxy_set_header Host "
            f"$http_host; proxy_pass http://{place}; }} }}), and adopt then",
        )
    elif problems:
        for problem in problems:
            yield Finding("web_server_line", "stop", f"this line of nginx cannot be changed by a program: {problem}")
    elif not routed:
        yield Finding(
            "no_way_found",
            "stop",
            f"no line of nginx leads to {found.unit.name}, which listens on {', '.join(map(str, found.places))}",
            f"let nginx lead there first (proxy_pass http://{place}; in its location), and adopt then; what becomes of that line is "
            f"'{line}'. Where another program or clients themselves connect to {place}, the port itself can be taken over, with a stop of a moment: "
            f"deploy_entrance: port, deploy_listen: '{place}', adopt_stop: true",
        )
    if place.path and wishes.names.socket_dir.startswith(("/run/", "/var/run/")):
        yield Finding(
            "entrance_lost_at_boot",
            "stop",
            f"the entrance {wishes.names.entrance} would be lost at a boot, since {found.unit.name} itself does not make it",
            f"set deploy_socket_dir to {wishes.names.root}/run",
        )
    if place.wide:
        yield Finding(
            "reached_directly",
            "warning",
            f"{found.unit.name} listens on {place}, so that other hosts may reach it without nginx",
            "whoever does so finds nobody there from the first deploy on; send them through nginx before",
        )


def _served_findings(others: t.Sequence[Directive], shared: t.Mapping[str, str], checkout: str) -> t.Iterator[Finding]:
    for each in others:
        folder = each.args[0].rstrip("/")
        if any(folder == kept or folder.startswith(kept + "/") for kept in shared.values()):
            continue
        yield Finding(
            "served_from_checkout",
            "warning",
            f"{_routes.shown(each)} serves files of {checkout}, which stays as it is from now on",
            "let it lead to the place that new releases write to: 'static' or 'shared' in deploy_path",
            each.where,
        )


def _unit_findings(found: Installation, wishes: Wishes, shared: t.Mapping[str, str]) -> t.Iterator[Finding]:
    unit = found.unit
    if wishes.user and wishes.user != unit.user:
        yield Finding(
            "other_user",
            "warning",
            f"{unit.name} runs as {unit.user}, and deploy_user is {wishes.user}",
            f"set deploy_user to {unit.user}, or see that {wishes.user} may write {', '.join(shared) or 'what both use'}",
        )
    if not unit.at_boot and not unit.sockets:
        yield Finding(
            "not_at_boot",
            "warning",
            f"{unit.name} is not started at boot (it is not enabled)",
            f"systemctl enable {unit.name}, unless something else starts it: until the first deploy the site depends on it",
        )


def shared_folders(found: Installation, told: Application, wanted: t.Sequence[str]) -> dict[str, str]:
    """Path in a release -> path now, of what releases must share: what the user names, uploads, a file of variables."""
    checkout = found.checkout
    paths = [path.strip("/") for path in wanted]
    if _inside(told.media_root, checkout.path):
        paths.append(os.path.relpath(told.media_root, checkout.path))
    if checkout.reads_environment_file:
        paths += [os.path.relpath(file, checkout.path) for file in checkout.environment_files[:1]]
    outer = [path for path in dict.fromkeys(paths) if not any(path.startswith(other + "/") for other in paths)]
    return {path: os.path.join(checkout.path, path) for path in outer}


def _inside(path: str, folder: str) -> bool:
    return bool(path) and path.rstrip("/").startswith(folder.rstrip("/") + "/")


def _variables(found: Installation, told: Application, wishes: Wishes, shared: t.Mapping[str, str]) -> dict[str, t.Any]:
    """What the inventory should say, as far as the installation tells; values of the environment are not among it."""
    checkout, git = found.checkout, found.checkout.git
    command = _unit.command_for_releases(found.unit.command, checkout.path, checkout.venv, checkout.project_path)
    units = [{"name": wishes.names.web, "class": "web", "command": _unit.masked(command) or "?"}]
    for other in found.others:
        text = _unit.tokens(other.command, checkout.path, checkout.venv, checkout.project_path)
        units.append({"name": other.name.rpartition(".")[0], "class": other.unit_class, "command": _unit.masked(text)})
    values = {
        "deploy_app": wishes.names.app,
        "deploy_path": wishes.names.root,
        "deploy_user": wishes.user or found.unit.user,
        "deploy_repository": git.remote if git else "",
        "deploy_version": git.branch if git else "",
        "deploy_project_dir": checkout.project if checkout.project != "." else "",
        "deploy_settings_module": told.settings,
        "deploy_shared_paths": list(shared),
        "deploy_socket_dir": wishes.names.socket_dir,
        "deploy_units": [dict(each) for each in wishes.declared] or units,
    }
    known = {name: value for name, value in values.items() if value}
    # The lines of nginx stay the user's: a deploy only checks them.
    return known if wishes.port else {**known, "deploy_web_server": "nginx", "deploy_nginx_template": ""}
