# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which places of nginx's configuration lead to an entrance, and whether they keep connections. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._nginx._config import Directive, walk

#: From here on nginx keeps connections to upstreams unless it is told not to.
KEEPS_BY_DEFAULT = (1, 29, 7)
DEFAULT_KEEPALIVE = 32


@dataclasses.dataclass(frozen=True)
class Lead:
    """One `proxy_pass` that leads to the entrance; `keeps` says why connections stay open, "" when they do not."""

    where: str
    upstream: str
    keeps: str


def leads_to(tree: list[Directive], entrance: str, version: tuple[int, ...]) -> list[Lead]:
    """Every `proxy_pass` to a unix socket's path, direct or through an `upstream`."""
    upstreams = {
        directive.args[0]: directive
        for directive, _above in walk(tree)
        if directive.name == "upstream" and directive.args and directive.block is not None
    }
    closing = closing_variables(tree)
    found = []
    for directive, above in walk(tree):
        if directive.name != "proxy_pass" or not directive.args:
            continue
        target = directive.args[0].partition("://")[2]
        upstream = upstreams.get(target.split("/", 1)[0])
        if socket_of(target) == entrance or (upstream and has_server(upstream, entrance)):
            keeps = why_kept(directive, above, upstream, version, closing)
            found.append(Lead(directive.where, upstream.args[0] if upstream else "", keeps))
    return found


def socket_of(address: str) -> str:
    """The path of "unix:/run/shop/web.sock" or "unix:/run/shop/web.sock:/uri", "" of anything else."""
    return address[len("unix:") :].split(":", 1)[0] if address.startswith("unix:") else ""


def has_server(upstream: Directive, entrance: str) -> bool:
    servers = [inner for inner in upstream.block or [] if inner.name == "server" and inner.args]
    return any(socket_of(server.args[0]) == entrance for server in servers)


def closing_variables(tree: list[Directive]) -> set[str]:
    """Variables of a `map` that are "close" or "upgrade" whatever comes: no plain connection is kept with them."""
    found = set()
    for directive, _above in walk(tree):
        if directive.name == "map" and len(directive.args) == 2 and directive.block is not None:
            values = {inner.args[0].lower() for inner in directive.block if inner.args and inner.name != "include"}
            whole = not any(inner.name in ("include", "volatile", "hostnames") for inner in directive.block)
            if whole and values and values <= {"close", "upgrade", "$http_upgrade"} and "close" in values:
                found.add(directive.args[1])
    return found


def why_kept(
    proxy: Directive,
    above: tuple[Directive, ...],
    upstream: t.Optional[Directive],
    version: tuple[int, ...],
    closing: t.Collection[str],
) -> str:
    """Why nginx keeps connections open for later requests, "" when it does not."""
    default = version >= KEEPS_BY_DEFAULT
    own = next((inner for inner in (upstream.block if upstream else None) or [] if inner.name == "keepalive"), None)
    if own is not None and own.args[:1] == ["0"]:
        return ""
    if own is None and not default:
        return ""
    http_version = _inherited(above, "proxy_http_version")
    if (http_version[-1].args[0] if http_version else "1.1" if default else "1.0") == "1.0":
        return ""
    headers = [
        one for one in _inherited(above, "proxy_set_header") if one.args[:1] and one.args[0].lower() == "connection"
    ]
    connection = headers[-1].args[1].lower() if headers and len(headers[-1].args) > 1 else "" if default else "close"
    if connection == "close" or connection in closing:
        return ""
    if own is not None:
        return f"'keepalive {' '.join(own.args)}' in {own.where}"
    return f"nginx {'.'.join(str(part) for part in version)} does so by default (from 1.29.7 on)"


def _inherited(above: tuple[Directive, ...], name: str) -> list[Directive]:
    """The directives of a name that hold in the innermost block: those of the nearest level that has any."""
    for outer in reversed(above):
        own = [inner for inner in outer.block or [] if inner.name == name]
        if own:
            return own
    return []
