# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of nginx that lead to a service, and what becomes of them."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _edits, _routes
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _config

PORT = Listening("127.0.0.1", 8000)
SOCKET = Listening(path="/run/gunicorn.sock")
ENTRANCE = "/run/shop/web.sock"
FILE = "/etc/nginx/nginx.conf"


def tree(text: str) -> list:
    return _config.expand({FILE: text})


def rewritten(text: str, place: Listening = PORT, version: tuple = (1, 22, 1)) -> tuple:
    """(the text afterwards, all problems)."""
    routes = _routes.routes_to(tree(text), [place])
    edits, problems = _edits.edits_for(routes.routes, ENTRANCE, version)
    return _edits.apply(text, edits), [*routes.problems, *problems]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "location / { proxy_set_header Host $host; proxy_pass http://127.0.0.1:8000; }",
            "location / { proxy_set_header Host $host; proxy_pass http://unix:/run/shop/web.sock; }",
        ),
        (
            "location /app/ {\n  proxy_set_header Host $host;\n  proxy_pass  http://localhost:8000/ ;\n}",
            "location /app/ {\n  proxy_set_header Host $host;\n  proxy_pass http://unix:/run/shop/web.sock:/;\n}",
        ),
        (
            "location / { proxy_pass http://127.0.0.1:8000; }",
            "location / { proxy_set_header Host 127.0.0.1:8000; proxy_pass http://unix:/run/shop/web.sock; }",
        ),
        (
            "location / { proxy_set_header X-Real-IP $remote_addr; proxy_pass 'http://[::1]:8000'; }",
            "location / { proxy_set_header X-Real-IP $remote_addr; proxy_set_header Host [::1]:8000; "
            "proxy_pass http://unix:/run/shop/web.sock; }",
        ),
        (
            "upstream shop { server 127.0.0.1:8000 fail_timeout=0; }\nserver { location / { proxy_pass http://shop; } }",
            "upstream shop { server unix:/run/shop/web.sock fail_timeout=0; }\nserver { location / { proxy_pass http://shop; } }",
        ),
        (
            "upstream shop {\n  server 127.0.0.1:8000;\n  keepalive 16;\n}\nserver { location / { proxy_pass http://shop/; } }",
            "upstream shop {\n  server unix:/run/shop/web.sock;\n  # keepalive 16;\n}\nserver { location / { proxy_pass http://shop/; } }",
        ),
    ],
)
def test_a_line_leads_to_the_entrance(before: str, after: str) -> None:
    assert rewritten(before) == (after, [])


def test_newer_nginx_is_told_not_to_keep_connections() -> None:
    text = "upstream a { server 127.0.0.1:8000; }\nserver { proxy_pass http://a; }"
    assert "server unix:/run/shop/web.sock; keepalive 0;" in rewritten(text, version=(1, 29, 7))[0]
    kept = "upstream a { server 127.0.0.1:8000; keepalive 4; }\nserver { proxy_pass http://a; }"
    assert rewritten(kept, version=(1, 30, 0))[0].count("keepalive 0;") == 1


def test_an_upstream_with_two_ways_to_it_changes_once() -> None:
    text = "upstream a { server 127.0.0.1:8000; }\nserver { location / { proxy_pass http://a; }\nlocation /x { proxy_pass http://a/y; } }"
    assert rewritten(text) == (text.replace("127.0.0.1:8000", "unix:/run/shop/web.sock"), [])


def test_a_unix_socket_is_exchanged_for_the_entrance() -> None:
    assert rewritten("location / { proxy_pass http://unix:/run/gunicorn.sock:/x/; }", SOCKET)[0] == (
        "location / { proxy_pass http://unix:/run/shop/web.sock:/x/; }"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("location / { proxy_pass https://127.0.0.1:8000; }", "speaks TLS"),
        ("location / { uwsgi_pass 127.0.0.1:8000; }", "another protocol"),
        ("location / { proxy_pass http://$backend:8000; }", "worked out for each request"),
        (
            "upstream a { server 127.0.0.1:8000; server 10.0.0.2:8000; } server { proxy_pass http://a; }",
            "has 2 servers",
        ),
        (
            "server { proxy_set_header X-A b; location / { proxy_pass http://127.0.0.1:8000; } }",
            "would become localhost",
        ),
    ],
)
def test_what_is_not_understood_is_said_and_left_alone(text: str, problem: str) -> None:
    after, problems = rewritten(text)
    assert after == text
    assert len(problems) == 1
    assert problem in problems[0]
    assert problems[0].startswith(f"{FILE}:1: ")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8001", "10.0.0.7:8000", "unix:/run/other.sock", "example.org", "127.0.0.1"]
)
def test_other_services_are_left_alone(address: str) -> None:
    text = f"location / {{ proxy_pass http://{address}; }}"
    assert rewritten(text) == (text, [])


def test_a_line_that_was_changed_meanwhile_is_refused() -> None:
    text = "server {\n  proxy_set_header Host x;\n  proxy_pass http://127.0.0.1:8000;\n}"
    edits, _problems = _edits.edits_for(_routes.routes_to(tree(text), [PORT]).routes, ENTRANCE, ())
    with pytest.raises(DeployError, match="it was changed meanwhile"):
        _edits.apply("\n" + text, edits)
    with pytest.raises(DeployError, match="nginx.conf:3 has no longer"):
        _edits.apply(text.replace("8000", "9000"), edits)


def test_static_files_of_the_checkout_are_served_from_where_releases_publish() -> None:
    text = "location /static/ { alias /opt/shop/staticfiles/; }\nlocation /media/ { alias /opt/shop/media/; }\nserver { root /opt/shopping; }"
    folders = _routes.folders_in(tree(text), "/opt/shop")
    assert [location for _line, location in folders] == ["/static/", "/media/"]
    edits, others = _edits.static_edits(folders, "/opt/shop/staticfiles", "/srv/shop/static")
    assert [edit.after for edit in edits] == ["alias /srv/shop/static/;"]
    assert [_routes.shown(each) for each in others] == [f"{FILE}:2: alias /opt/shop/media/"]
