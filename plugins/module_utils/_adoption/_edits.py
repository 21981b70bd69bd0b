# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of nginx's configuration change when an installation is adopted. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _routes
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._routes import Route
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._config import Directive
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._upstreams import KEEPS_BY_DEFAULT


@dataclasses.dataclass(frozen=True)
class Edit:
    """One directive of a file, and the text that takes its place. words: its name and arguments."""

    file: str
    line: int
    words: tuple[str, ...]
    after: str

    @property
    def before(self) -> str:
        return " ".join(self.words) + ";"

    def to_json(self) -> dict[str, t.Any]:
        return {"file": self.file, "line": self.line, "before": self.before, "after": self.after}


def edits_for(routes: t.Sequence[Route], entrance: str, version: t.Sequence[int]) -> tuple[list[Edit], list[str]]:
    """What leads the routes to the entrance, and the problems that a person must solve first."""
    edits: list[Edit] = []
    problems: list[str] = []
    for route in routes:
        edits += _server(route, entrance, version) if route.server else _passing(route, entrance, problems)
    return list(dict.fromkeys(edits)), list(dict.fromkeys(problems))


def _server(route: Route, entrance: str, version: t.Sequence[int]) -> list[Edit]:
    """An upstream: its server, and no kept connections, which would stay with a release that has gone."""
    server = t.cast(Directive, route.server)
    keepalive = next(
        (each for each in (route.upstream.block if route.upstream else None) or [] if each.name == "keepalive"), None
    )
    keeps = tuple(version) >= KEEPS_BY_DEFAULT
    line = " ".join((f"server unix:{entrance}", *server.args[1:]))
    edits = [_edit(server, f"{line};" + (" keepalive 0;" if keeps and not keepalive else ""))]
    if keepalive and keepalive.args[:1] != ["0"]:
        edits.append(_edit(keepalive, "keepalive 0;" if keeps else f"# keepalive {' '.join(keepalive.args)};"))
    return edits


def _passing(route: Route, entrance: str, problems: list[str]) -> list[Edit]:
    """An address in proxy_pass itself. Without a Host header of its own nginx would send another name than before."""
    passing = route.passing
    address = passing.args[0][len("http://") :]
    unix, host = address.startswith("unix:"), address.split("/", 1)[0]
    path = address[5:].partition(":")[2] if unix else address[len(host) :]
    after = f"proxy_pass http://unix:{entrance}{':' + path if path else ''};"
    sent, room = _routes.host_header(route)
    if not unix and sent in ("", "$proxy_host"):
        if sent or not room:
            problems.append(
                f"{_routes.shown(passing)}: the application gets {host} as its host name, which would become localhost; write "
                "'proxy_set_header Host $host;' and the other proxy_set_header lines that hold here into this very block"
            )
            return []
        after = f"proxy_set_header Host {host}; {after}"
    return [_edit(passing, after)]


def static_edits(
    folders: t.Sequence[tuple[Directive, str]], static_root: str, published: str
) -> tuple[list[Edit], list[Directive]]:
    """The lines that serve the collected static files, led to where releases publish theirs; and the other such lines."""
    edits, others = [], []
    for each, _location in folders:
        if each.name == "alias" and static_root and each.args[0].rstrip("/") == static_root.rstrip("/"):
            edits.append(_edit(each, f"alias {published}{'/' if each.args[0].endswith('/') else ''};"))
        else:
            others.append(each)
    return edits, others


def _edit(directive: Directive, after: str) -> Edit:
    return Edit(directive.file, directive.line, (directive.name, *directive.args), after)


def apply(text: str, edits: t.Iterable[Edit]) -> str:
    """The text of one file with its edits; none of them adds a line, so that all keep their numbers. Raises DeployError."""
    for edit in edits:
        start = sum(len(line) for line in text.splitlines(keepends=True)[: edit.line - 1])
        spelled = r"\s+".join(rf"[\"']?{re.escape(word)}[\"']?" for word in edit.words)
        match = re.compile(spelled + r"\s*;").search(text, start)
        if not match or text.count("\n", start, match.start()):
            raise DeployError(
                f"{edit.file}:{edit.line} has no longer '{edit.before}'; it was changed meanwhile, look at it and run again"
            )
        text = text[: match.start()] + edit.after + text[match.end() :]
    return text
