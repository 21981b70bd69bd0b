# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a configuration of nginx leads to an entrance, and whether it keeps connections."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _config, _upstreams

OLD, NEW = (1, 22, 1), (1, 29, 7)
ENTRANCE = "/run/shop/web.sock"
DIRECT = "location / { proxy_pass http://unix:/run/shop/web.sock; %s }"
NAMED = "location / { proxy_pass http://shop; %s }"
ONE_ONE = 'proxy_http_version 1.1; proxy_set_header Connection "";'
MAPPED = "proxy_http_version 1.1; proxy_set_header Connection $connection_upgrade;"
UPSTREAM = "upstream shop { server unix:/run/shop/web.sock fail_timeout=0; %s }"
MAP = "map $http_upgrade $connection_upgrade { default upgrade; '' close; }"
OTHER_MAP = "map $http_upgrade $connection_upgrade { default keep-alive; '' close; }"
KEEPING_MAP = "map $http_upgrade $connection_upgrade { default upgrade; '' ''; }"


def leads(http, version, entrance=ENTRANCE):
    files = {"/etc/nginx/nginx.conf": "http {\n" + http + "\n}"}
    return _upstreams.leads_to(_config.expand(files), entrance, version)


@pytest.mark.parametrize(
    ("http", "version", "keeps"),
    [
        ("server { " + DIRECT % "" + " }", OLD, False),
        ("server { " + DIRECT % "" + " }", NEW, True),
        ("server { " + DIRECT % "proxy_http_version 1.0;" + " }", NEW, False),
        ("server { " + DIRECT % "proxy_set_header Connection close;" + " }", NEW, False),
        # Headers are inherited only where the inner level sets none of its own.
        ("proxy_set_header Connection close; server { " + DIRECT % "" + " }", NEW, False),
        ("proxy_set_header Connection close; server { " + DIRECT % "proxy_set_header Host x;" + " }", NEW, True),
        (UPSTREAM % "" + " server { " + NAMED % ONE_ONE + " }", OLD, False),
        (UPSTREAM % "" + " server { " + NAMED % "" + " }", NEW, True),
        (UPSTREAM % "keepalive 0;" + " server { " + NAMED % "" + " }", NEW, False),
        (UPSTREAM % "keepalive 16;" + " server { " + NAMED % ONE_ONE + " }", OLD, True),
        # Kept by the upstream, but closed by HTTP/1.0, the default of old ones.
        (UPSTREAM % "keepalive 16;" + " server { " + NAMED % "" + " }", OLD, False),
        (MAP + UPSTREAM % "keepalive 16;" + " server { " + NAMED % MAPPED + " }", NEW, False),
        (OTHER_MAP + UPSTREAM % "keepalive 16;" + " server { " + NAMED % MAPPED + " }", NEW, True),
        (KEEPING_MAP + UPSTREAM % "keepalive 16;" + " server { " + NAMED % MAPPED + " }", NEW, True),
    ],
)
def test_kept_connections(http, version, keeps):
    (lead,) = leads(http, version)
    assert bool(lead.keeps) is keeps
    assert lead.where.startswith("/etc/nginx/nginx.conf:")


def test_why_names_the_line():
    (lead,) = leads((UPSTREAM % "\n keepalive 16;") + "\nserver { " + NAMED % ONE_ONE + " }", OLD)
    assert lead.keeps == "'keepalive 16' in /etc/nginx/nginx.conf:3" and lead.upstream == "shop"
    (lead,) = leads("server { " + DIRECT % "" + " }", (1, 30, 0))
    assert "1.30.0 does so by default" in lead.keeps


@pytest.mark.parametrize(
    "http",
    [
        "server { location / { proxy_pass http://unix:/run/other.sock; } }",
        "server { location / { proxy_pass http://127.0.0.1:8000; } }",
        "upstream other { server unix:/run/shop/web.sock; } server { location / { proxy_pass http://shop; } }",
        "# server { location / { proxy_pass http://unix:/run/shop/web.sock; } }",
        "server { return 200 'proxy_pass http://unix:/run/shop/web.sock;'; }",
    ],
)
def test_what_leads_elsewhere(http):
    assert leads(http, OLD) == []


def test_a_uri_behind_the_socket_and_several_places():
    found = leads("server { location /a { proxy_pass http://unix:/run/shop/web.sock:/a/; } " + DIRECT % "" + " }", OLD)
    assert len(found) == 2
