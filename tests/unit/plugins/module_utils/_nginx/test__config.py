# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's own dump of its configuration, read as a tree."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _config, _control, _processes, _site

DUMP = """# configuration file /etc/nginx/nginx.conf:
user www-data;
error_log /var/log/nginx/error.log;
http {
    include mime.types;
    include /etc/nginx/conf.d/*.conf;
    include sites-enabled/*;
}

# configuration file /etc/nginx/mime.types:
types { text/html html; }

# configuration file /etc/nginx/conf.d/a.conf:
upstream a { server unix:/a.sock; }

# configuration file /etc/nginx/sites-enabled/shop:
server { listen 80; }
"""


def test_files_and_what_they_include():
    files = _config.split_files(DUMP)
    assert list(files) == [
        "/etc/nginx/nginx.conf",
        "/etc/nginx/mime.types",
        "/etc/nginx/conf.d/a.conf",
        "/etc/nginx/sites-enabled/shop",
    ]
    assert _config.includes_of(files)[1:] == ["/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*"]
    tree = _config.expand(files)
    http = next(directive for directive in tree if directive.name == "http")
    assert [inner.name for inner in http.block] == ["types", "upstream", "server"]
    assert http.block[1].where == "/etc/nginx/conf.d/a.conf:1"
    assert _config.main_value(tree, "error_log") == ["/var/log/nginx/error.log"]


def test_a_star_stays_in_its_directory():
    assert _config.matching(
        "conf.d/*.conf", "/etc/nginx", ["/etc/nginx/conf.d/a.conf", "/etc/nginx/conf.d/b/c.conf"]
    ) == ["/etc/nginx/conf.d/a.conf"]


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        (
            {"/etc/nginx/sites-available", "/etc/nginx/conf.d"},
            ("/etc/nginx/sites-available/shop.conf", "/etc/nginx/sites-enabled/shop.conf"),
        ),
        ({"/etc/nginx/conf.d"}, ("/etc/nginx/conf.d/shop.conf", "")),
        (set(), ("", "")),
    ],
)
def test_where_a_site_goes(existing, expected):
    assert _config.site_path(_config.split_files(DUMP), "shop", existing.__contains__) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 'b c' \"d;e\" f\\;g; # h;\n i;", [("a", ["b c", "d;e", "f\\;g"]), ("i", [])]),
        ("a ${b}c/$d;", [("a", ["${b}c/$d"])]),
        ('location ~ "^/a{2}$" { }', [("location", ["~", "^/a{2}$"])]),
        ("content_by_lua_block { if x then y = { 1 } end } b;", [("content_by_lua_block", []), ("b", [])]),
        ("a", []),
        ("} a;", [("a", [])]),
        ("a 'unfinished", []),
    ],
)
def test_directives(text, expected):
    assert [(one.name, one.args) for one in _config.parse(text)] == expected


def test_lines_are_those_of_the_file():
    found = _config.parse("a;\n\nb {\n  'x\ny' z;\n  c;\n}\n")
    assert [one.line for one in found] == [1, 3]
    assert [one.line for one in found[1].block] == [4, 6]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("nginx version: nginx/1.22.1", (1, 22, 1)),
        ("nginx version: nginx/1.18.0 (Ubuntu)", (1, 18, 0)),
        ("nginx version: openresty/1.21.4.1", (1, 21, 4, 1)),
        ("", (0,)),
    ],
)
def test_version(said, expected):
    assert _config.version_of(said) == expected


def test_nginx_s_own_words():
    said = (
        'nginx: [warn] conflicting server name "x" on 0.0.0.0:80, ignored\n'
        'nginx: [emerg] unknown directive "x" in /etc/a:3\n'
        "nginx: configuration file /etc/nginx/nginx.conf test failed\n"
        "2026/11/21 09:00:00 [emerg] 17#17: bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
    )
    assert _control.words_of(said) == [
        'unknown directive "x" in /etc/a:3',
        "bind() to 0.0.0.0:80 failed (98: Address already in use)",
    ]


def test_a_refusal_shows_the_line_and_the_option():
    place = _site.Place("/etc/nginx/sites-available/shop.conf", "/etc/nginx/sites-enabled/shop.conf")
    said = _site.explain(['unknown directive "b" in /etc/nginx/sites-enabled/shop.conf:2'], place, "a;\n b;\n")
    assert "That line is: b;." in said and "deploy_nginx_template" in said
    assert "deploy_certificate" in _site.explain(['cannot load certificate "/x"'], place, "")


def test_the_arguments_of_a_master():
    title = "nginx: master process /usr/sbin/nginx -p /srv/web -c /srv/web/nginx.conf -g daemon on; master_process on;"
    assert _processes.arguments_of(title) == ("-p", "/srv/web", "-c", "/srv/web/nginx.conf")


def test_the_credentials_of_a_worker():
    status = "Name:\tnginx\nPPid:\t12\nUid:\t0\t33\t33\t33\nGid:\t0\t34\t34\t34\nGroups:\t34 40 \n"
    assert _processes.parse_status(status) == (12, 33, 34, (34, 40))
