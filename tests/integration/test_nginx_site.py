# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx_site against an nginx that really runs: taken, refused, taken back; and what a handover asks of it."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import pytest

from tests.support.module import run_module
from tests.support.nginx import PROGRAM, Nginx, nginx

pytest.importorskip("ansible", reason="the module utils are imported as the collection's")
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control
from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs nginx")
SITE = "server {{ listen 127.0.0.1:{port}; server_name shop; location / {{ {inside} }} }}\n"
CLOSING = "proxy_pass http://unix:{socket}; proxy_http_version 1.0; proxy_set_header Connection close;"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become nginx's user")


def run_argv(argv, **_more):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def base():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sd-nginx-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(base):
    with nginx(base) as running:
        yield running


def text(server: Nginx, inside: str) -> str:
    return SITE.format(port=server.port, inside=inside)


def put(server: Nginx, inside: str, check: bool = False, **more):
    return run_module("nginx_site", server.params(content=text(server, inside), **more), check)


def test_a_site_is_served_when_the_module_returns_and_written_once(server):
    first = put(server, "return 200 one;")
    assert first.get("msg") is None and first["changed"], first
    assert first["path"] == str(server.base / "conf.d" / "shop.conf")
    assert server.get() == (200, "one")
    again = put(server, "return 200 one;")
    assert not again["changed"]
    seen = put(server, "return 200 two;", check=True)
    assert seen["changed"] and server.get() == (200, "one")
    assert put(server, "return 200 two;")["changed"] and server.get() == (200, "two")


def test_debian_s_two_directories(base):
    with nginx(base, debian=True) as server:
        done = put(server, "return 200 one;")
        assert done["path"] == str(base / "sites-available" / "shop.conf")
        assert os.readlink(base / "sites-enabled" / "shop.conf") == done["path"]
        assert server.get() == (200, "one")
        refused = put(server, "retrun 200 two;")
        assert refused["failed"] and (base / "sites-enabled" / "shop.conf").is_symlink()
        assert server.get() == (200, "one")


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ("retrun 200;", ['unknown directive "retrun"', "shop.conf:1", "That line is: server", "deploy_nginx_template"]),
        (
            "client_max_body_size 20x; return 200;",
            ['"client_max_body_size" directive invalid value', "deploy_upload_limit"],
        ),
        ("} listen 127.0.0.1:99999; location /x {", ['invalid port in "127.0.0.1:99999"', "deploy_nginx_listen"]),
    ],
)
def test_what_nginx_refuses_is_taken_back_in_its_own_words(server, inside, told):
    put(server, "return 200 one;")
    before = (server.base / "conf.d" / "shop.conf").read_bytes()
    refused = put(server, inside)
    assert refused["failed"] and all(part in refused["msg"] for part in told), refused["msg"]
    assert "Nothing was changed" in refused["msg"] and "Traceback" not in refused["_output"]
    assert (server.base / "conf.d" / "shop.conf").read_bytes() == before
    assert server.get() == (200, "one")


def test_a_first_site_that_is_refused_leaves_no_file(server):
    assert put(server, "retrun 200;")["failed"]
    assert os.listdir(server.base / "conf.d") == ["default.conf"]


def test_a_reload_that_nginx_gives_up_is_found(server):
    """nginx -t does not see that another program has the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        refused = put(server, f"}} listen 127.0.0.1:{other.getsockname()[1]}; location /x {{")
    assert refused["failed"] and "Address already in use" in refused["msg"], refused["msg"]
    assert "deploy_nginx_listen" in refused["msg"] and "taken back" in refused["msg"]
    assert os.listdir(server.base / "conf.d") == ["default.conf"] and server.get(host="fallback")[0] == 204


def test_a_name_that_another_site_has_is_refused(server):
    refused = run_module(
        "nginx_site", server.params(content=text(server, "return 200;").replace("name shop", "name fallback"))
    )
    assert refused["failed"] and 'conflicting server name "fallback"' in refused["msg"]
    assert "deploy_server_names" in refused["msg"] and os.listdir(server.base / "conf.d") == ["default.conf"]


def test_a_configuration_that_was_broken_before_is_not_blamed_on_the_site(server):
    server.site("broken", "nonsense;")
    refused = put(server, "return 200;")
    assert (
        refused["failed"] and "before anything of this deploy" in refused["msg"] and "broken.conf:1" in refused["msg"]
    )
    assert not (server.base / "conf.d" / "shop.conf").exists()


def test_a_file_that_nginx_does_not_read_is_refused(server):
    refused = put(server, "return 200;", path=str(server.base / "elsewhere.conf"))
    assert refused["failed"] and "does not read" in refused["msg"] and not (server.base / "elsewhere.conf").exists()


@pytest.mark.parametrize(
    ("before", "inside", "told"),
    [
        ("", "return 200;", "no proxy_pass that leads to the entrance"),
        ("", CLOSING, ""),
        (
            "upstream app {{ server unix:{socket}; keepalive 16; }}\n",
            'proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";',
            "'keepalive 16' in",
        ),
        ("upstream app {{ server unix:{socket}; keepalive 16; }}\n", "proxy_pass http://app;", ""),
    ],
)
def test_kept_connections_are_found_before_the_site_is_served(server, before, inside, told):
    entrance = str(server.base / "web.sock")
    before, inside = (part.format(socket=entrance) if part else "" for part in (before, inside))
    content = (before.replace("{{", "{").replace("}}", "}") if before else "") + text(server, inside)
    done = run_module("nginx_site", server.params(content=content, entrance=entrance))
    if told:
        assert done["failed"] and told in done["msg"], done
        assert not (server.base / "conf.d" / "shop.conf").exists() and server.get(host="shop")[0] == 204
    else:
        assert not done.get("failed"), done["msg"]
        assert len(done["leads"]) == 1 and done["leads"][0].startswith(str(server.base / "conf.d" / "shop.conf:"))


@as_root
@pytest.mark.parametrize(
    ("mode", "told"),
    [(0o755, ""), (0o700, "may not enter directory"), (0o2750, "may not enter directory")],
)
def test_nginx_s_own_user_must_get_to_the_sockets(server, mode, told):
    directory = server.base / "run"
    directory.mkdir()
    os.chmod(directory, mode)
    entrance = str(directory / "web.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(entrance)
        os.chmod(entrance, 0o777)
        listener.listen()
        done = put(server, CLOSING.format(socket=entrance), entrance=entrance)
    assert bool(done.get("failed")) == bool(told), done
    if told:
        assert told in done["msg"] and str(directory) in done["msg"] and f"{mode:04o}" in done["msg"], done["msg"]


@as_root
def test_a_socket_that_nginx_may_not_write_to(server):
    directory = server.base / "run"
    directory.mkdir(mode=0o755)
    entrance = str(directory / "web.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(entrance)
        os.chmod(entrance, 0o755)
        listener.listen()
        refused = put(server, CLOSING.format(socket=entrance), entrance=entrance)
    assert refused["failed"] and f"socket {entrance} (mode 0755" in refused["msg"], refused
    assert "UMask=0002" in refused["msg"]


@as_root
@pytest.mark.parametrize(("umask", "reached"), [(0o002, True), (0o007, True), (0o022, False)])
def test_a_server_that_minds_the_umask_in_a_directory_of_nginx_s_group(server, umask, reached):
    """The directory hands its group on, and the unit's UMask=0002 lets that group write."""
    (server.base / "run").mkdir()
    worker = Visitor(Control(run_argv, server.program, str(server.configuration)).running().workers).worker()
    os.chown(server.base / "run", 0, worker.gid)
    os.chmod(server.base / "run", 0o2750)
    entrance = str(server.base / "run" / "web.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.umask(umask)
        listener.bind(entrance)
        os.umask(before)
        listener.listen()
        done = put(server, CLOSING.format(socket=entrance), entrance=entrance)
    assert not done.get("failed") if reached else f"socket {entrance} (mode 0755" in done["msg"], done


def test_no_such_program(base):
    refused = run_module("nginx_site", {"name": "shop", "program": str(base / "none"), "content": ""})
    assert refused["failed"] and "deploy_nginx_program" in refused["msg"]
