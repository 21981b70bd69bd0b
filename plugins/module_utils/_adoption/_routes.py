# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of nginx's configuration lead to an existing service. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._config import Directive, walk

#: Ways to a service that speak another protocol than HTTP.
OTHER_PROTOCOLS = ("uwsgi_pass", "fastcgi_pass", "scgi_pass", "grpc_pass")
LOCAL = ("127.0.0.1", "localhost", "::1", "0.0.0.0", "::")

Above = t.Tuple[Directive, ...]


@dataclasses.dataclass(frozen=True)
class Route:
    """One proxy_pass that ends at the service, with the blocks around it. upstream: the one that names it, if any."""

    passing: Directive
    above: Above
    upstream: t.Optional[Directive] = None
    server: t.Optional[Directive] = None


@dataclasses.dataclass(frozen=True)
class Routes:
    """How nginx leads to a service; `problems` are lines that were found and cannot be changed by a program."""

    routes: tuple[Route, ...] = ()
    problems: tuple[str, ...] = ()


def leads_to(address: str, place: Listening) -> bool:
    """Whether the address of a `server` or `proxy_pass` (without http://) is where a service listens."""
    if address.startswith("unix:"):
        return bool(place.path) and address[5:].split(":", 1)[0] == place.path
    host, _colon, port = address.split("/", 1)[0].rpartition(":")
    if not place.port or port != str(place.port):
        return False
    host = host.strip("[]").lower()
    return host == place.address or (host in LOCAL and place.address in LOCAL)


def routes_to(tree: t.Sequence[Directive], places: t.Sequence[Listening]) -> Routes:
    """The ways through nginx to one of these places."""
    found = list(walk(tree))
    upstreams = {each.args[0]: each for each, _above in found if each.name == "upstream" and each.args}
    routes: list[Route] = []
    problems: list[str] = []
    for each, above in found:
        target = each.args[0] if each.args else ""
        scheme, bare = re.match(r"(https?://)?(.*)", target, re.DOTALL).groups()  # type: ignore[union-attr]
        meant = any(leads_to(bare, place) for place in places)
        if each.name in OTHER_PROTOCOLS and meant:
            problems.append(f"{shown(each)} speaks another protocol than HTTP; let the service listen with HTTP")
        if each.name != "proxy_pass":
            continue
        if meant and scheme == "https://":
            problems.append(f"{shown(each)} speaks TLS to the service; use http there, a unix socket needs no TLS")
        elif meant:
            routes.append(Route(each, above))
        elif bare.split("/")[0] in upstreams:
            problem = _through(Route(each, above, upstreams[bare.split("/")[0]]), places, routes)
            problems += [problem] if problem else []
        elif "$" in target and any(place.port and f":{place.port}" in target for place in places):
            problems.append(f"{shown(each)} is worked out for each request; write the address itself there")
    return Routes(tuple(routes), tuple(dict.fromkeys(problems)))


def _through(route: Route, places: t.Sequence[Listening], routes: list[Route]) -> str:
    """Add a route through an upstream that leads to the service; the problem with it, or ""."""
    upstream = t.cast(Directive, route.upstream)
    servers = [each for each in upstream.block or [] if each.name == "server" and each.args]
    own = [each for each in servers if any(leads_to(each.args[0], place) for place in places)]
    if not own:
        return ""
    if len(servers) > 1:
        return (
            f"{own[0].where}: upstream {upstream.args[0]} has {len(servers)} servers; leave one in it: the others would "
            "still answer with the old application"
        )
    routes.append(dataclasses.replace(route, server=own[0]))
    return ""


def host_header(route: Route) -> tuple[str, bool]:
    """The Host header that a route sends, "" when it is nginx's own choice, and whether one may be added beside it.

    nginx takes the proxy_set_header lines of the innermost block that has any, and none of those around it.
    """
    for outer in reversed(route.above):
        own = [each for each in outer.block or [] if each.name == "proxy_set_header"]
        if own:
            host = [each for each in own if len(each.args) > 1 and each.args[0].lower() == "host"]
            return (host[-1].args[1] if host else ""), outer is route.above[-1]
    return "", True


def folders_in(tree: t.Sequence[Directive], checkout: str) -> list[tuple[Directive, str]]:
    """The alias and root lines that serve files of a checkout, each with the path of the location around it."""
    base, found = checkout.rstrip("/") + "/", []
    for each, above in walk(tree):
        if each.name in ("alias", "root") and each.args and (each.args[0].rstrip("/") + "/").startswith(base):
            locations = [outer.args[-1] for outer in above if outer.name == "location" and outer.args]
            found.append((each, locations[-1] if locations else ""))
    return found


def shown(directive: Directive) -> str:
    """A line with its place, as people look for it."""
    return f"{directive.where}: {' '.join((directive.name, *directive.args))}"
