# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where supervisord listens, and the autostart of one program."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _supervisor_config as config

INCLUDE = "[include]\nfiles=conf.d/*.conf %(here)s/more/*.ini\n"


@pytest.mark.parametrize(
    ("text", "address", "login"),
    [
        ("[unix_http_server]\nfile=%(here)s/s.sock ; comment\n", "/etc/sup/s.sock", ("", "")),
        ("[unix_http_server]\nfile=/run/s.sock\nusername=u\npassword=hidden\n", "/run/s.sock", ("u", "hidden")),
        ("[unix_http_server]\nfile=%(ENV_RUN)s/s.sock\n", "/var/run/s.sock", ("", "")),
        ("[inet_http_server]\nport=*:9001\nusername=u\npassword=hidden\n", "127.0.0.1:9001", ("u", "hidden")),
        ("[inet_http_server]\nport=9001\n", "127.0.0.1:9001", ("", "")),
        ("[inet_http_server]\nport=[::1]:9001\n", "::1:9001", ("", "")),
        ("[supervisorctl]\nserverurl=unix:///run/s.sock\n", "/run/s.sock", ("", "")),
        ("[supervisorctl]\nserverurl=http://localhost:9001\n", "localhost:9001", ("", "")),
        (
            "[unix_http_server]\nfile=/s\nusername=u\npassword={SHA}82ab\n[supervisorctl]\nusername=u\npassword=hidden\n",
            "/s",
            ("u", "hidden"),
        ),
    ],
)
def test_parse_config(text, address, login):
    server = config.parse_config(text + INCLUDE, "/etc/sup/supervisord.conf", {"RUN": "/var/run"})
    assert server.address == address
    assert (server.username, server.password) == login
    assert server.includes == ("/etc/sup/conf.d/*.conf", "/etc/sup/more/*.ini")
    assert "hidden" not in repr(server)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[supervisord]\n", "neither"),
        ("no section\n", "not readable"),
        ("[unix_http_server]\nfile=%(ENV_NONE)s\n", "cannot be expanded"),
        ("[unix_http_server]\nfile=/s\nusername=u\npassword={SHA}82ab\n", "is hashed"),
        ("[inet_http_server]\nport=http\n", "HOST:PORT"),
    ],
)
def test_parse_config_refuses(text, said):
    with pytest.raises(DeployError, match=said) as caught:
        config.parse_config(text, "/etc/sup/supervisord.conf", {})
    assert "\n" not in str(caught.value)


PROGRAMS = "[program:a]\ncommand=x\nautostart = false ; no\n\n[program:ab]\ncommand=y\n[group:g]\nprograms=a\n"


@pytest.mark.parametrize(("name", "value"), [("a", False), ("ab", True), ("b", None), ("g", None)])
def test_autostart_of(name, value):
    assert config.autostart_of(PROGRAMS, name) is value


def test_with_autostart_changes_one_line_of_one_program():
    assert config.with_autostart(PROGRAMS, "a", True) == PROGRAMS.replace("autostart = false ; no", "autostart=true")
    off = config.with_autostart(PROGRAMS, "ab", False)
    assert off == PROGRAMS.replace("[program:ab]\n", "[program:ab]\nautostart=false\n")
    assert config.with_autostart(off, "ab", False) == off
    assert config.with_autostart(PROGRAMS, "b", False) == PROGRAMS
    assert config.with_autostart("[program:z]", "z", False) == "[program:z]\nautostart=false\n"


def test_find_definition(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "1.conf").write_text(PROGRAMS)
    (tmp_path / "supervisord.conf").write_text("[unix_http_server]\nfile=/s\n[program:own]\ncommand=x\n" + INCLUDE)
    server = config.read_config(str(tmp_path / "supervisord.conf"))
    assert config.find_definition(server, "ab") == str(tmp_path / "conf.d" / "1.conf")
    assert config.find_definition(server, "own") == ""
