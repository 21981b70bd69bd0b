# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an installation is taken over, or why it is not."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _plan, _words
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._application import (
    Application,
    compare,
    findings,
)
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._checkout import Checkout, Git
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._findings import only_on_server
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._records import Names
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._unit import UnitFacts
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _config

NGINX = """
server {
    location /static/ { alias /opt/shop/staticfiles/; }
    location /media/ { alias /opt/shop/media/; }
    location /docs/ { alias /opt/shop/docs/; }
    location / { proxy_set_header Host $host; proxy_pass http://%s; }
}
"""
RELEASE = "20261121T101500-1a2b3c4"
WEB = UnitFacts(
    "shop.service",
    True,
    True,
    user="shop",
    directory="/opt/shop",
    pid=4711,
    command="/opt/shop/venv/bin/gunicorn shop.wsgi --bind 127.0.0.1:8000",
)
CHECKOUT = Checkout(
    "/opt/shop",
    ".",
    "shop",
    "/opt/shop/venv",
    Git("1a2b3c4" + "0" * 33, "main", "https://example.com/shop.git"),
    ("/opt/shop/.env",),
)
FOUND = Installation(WEB, (Listening("127.0.0.1", 8000),), CHECKOUT)
TOLD = Application("", "/opt/shop/media", "/opt/shop/staticfiles", "shop.settings")
WISHES = _plan.Wishes(Names("shop", "/srv/shop", "/run/shop"), health={"health_path": "/health/"})


def web(address: str = "127.0.0.1:8000", **more) -> _plan.WebServer:
    tree = _config.expand({"/etc/nginx/nginx.conf": NGINX % address})
    return _plan.WebServer(tuple(tree), (1, 22, 1), "www-data", **more)


def decide(found=FOUND, told=TOLD, server=None, wishes=WISHES, more=()):
    return _plan.decide(found, told, server or web(), wishes, RELEASE, more)


def kinds(decided, level="stop") -> list:
    return [each.kind for each in decided.findings if each.level == level]


def test_a_port_gets_a_proxy_and_the_service_becomes_a_unit_of_the_release() -> None:
    decided = decide()
    proxy, service = decided.records
    assert decided.way == "online" and kinds(decided) == []
    assert proxy["unit"] == "web" and proxy["unit_class"] == "web" and proxy["health_path"] == "/health/"
    assert proxy["name"] == f"shop-web-{RELEASE}" and proxy["entrance"] == "/run/shop/web.sock"
    assert proxy["command"].endswith("--connections-max=4096 127.0.0.1:8000")
    assert proxy["definition"] == f"/etc/systemd/system/shop-web-{RELEASE}.service"
    assert (service["name"], service["unit"], service["unit_class"], service["definition"]) == (
        "shop.service",
        "shop",
        "worker",
        "",
    )
    assert [(edit.line, edit.after) for edit in decided.edits] == [
        (6, "proxy_pass http://unix:/run/shop/web.sock;"),
        (3, "alias /srv/shop/static/;"),
    ]
    assert decided.shared == {"media": "/opt/shop/media"} and decided.static == "/opt/shop/staticfiles"
    assert [each.place for each in decided.findings if each.kind == "served_from_checkout"] == [
        "/etc/nginx/nginx.conf:5"
    ]


def test_a_unix_socket_needs_no_proxy() -> None:
    found = dataclasses.replace(FOUND, places=(Listening(path="/run/gunicorn.sock"),))
    server = web("unix:/run/gunicorn.sock")
    stays = dataclasses.replace(WISHES, names=Names("shop", "/srv/shop", "/srv/shop/run"))
    assert kinds(decide(found, server=server)) == ["entrance_lost_at_boot"]
    decided = decide(found, server=server, wishes=stays)
    (unit,) = decided.records
    assert decided.way == "online" and not decided.proxied
    assert (unit["name"], unit["socket"], unit["definition"]) == ("shop.service", "/run/gunicorn.sock", "")
    assert (unit["directory"], unit["interpreter"]) == ("/opt/shop", "/opt/shop/venv/bin/python")


def test_of_several_places_the_one_behind_nginx_counts() -> None:
    places = (Listening("127.0.0.1", 9000), Listening("127.0.0.1", 8000))
    assert decide(dataclasses.replace(FOUND, places=places)).place.port == 8000


@pytest.mark.parametrize(
    ("server", "kind"),
    [
        (web("127.0.0.1:9999"), "no_way_found"),
        (web("$backend:8000"), "web_server_line"),
        (_plan.WebServer(problem="nginx cannot be run"), "web_server_unknown"),
    ],
)
def test_a_way_that_is_not_known_is_refused_with_what_to_write(server, kind) -> None:
    decided = decide(server=server)
    assert decided.way == "refused" and kinds(decided) == [kind]
    assert "Nothing is changed" in _words.lines(FOUND, decided, WISHES, RELEASE, [])[-1]


def test_an_interrupted_adoption_finds_its_own_lines() -> None:
    decided = decide(server=web("unix:/run/shop/web.sock"))
    assert decided.way == "online" and "no_way_found" not in kinds(decided)


def test_findings_that_stop_can_be_accepted() -> None:
    found = dataclasses.replace(
        FOUND, checkout=dataclasses.replace(CHECKOUT, findings=(only_on_server(["orders/migrations/0009_x.py"]),))
    )
    assert decide(found).way == "refused"
    accepting = dataclasses.replace(WISHES, accept=("migrations_only_on_server",))
    assert decide(found, wishes=accepting).way == "online"
    stubborn = dataclasses.replace(WISHES, accept=("no_way_found",))
    assert decide(server=web("127.0.0.1:9999"), wishes=stubborn).way == "refused", "nobody would reach the application"


def test_who_reaches_the_service_past_nginx_is_warned_of() -> None:
    assert "reached_directly" in kinds(
        decide(dataclasses.replace(FOUND, places=(Listening("0.0.0.0", 8000),))), "warning"
    )


def test_background_units_are_matched_with_the_declared_ones() -> None:
    worker = UnitFacts("shop-queue.service", True, command="/opt/shop/venv/bin/celery -A shop worker")
    beat = UnitFacts("shop-beat.service", True, command="/opt/shop/venv/bin/celery -A shop beat")
    found = dataclasses.replace(FOUND, others=(worker, beat))
    declared = (
        {"name": "web", "class": "web"},
        {"name": "jobs", "class": "worker"},
        {"name": "beat", "class": "singleton"},
    )
    records = decide(found, wishes=dataclasses.replace(WISHES, declared=declared)).records
    assert [(each["name"], each["unit"], each["unit_class"]) for each in records[2:]] == [
        ("shop-queue.service", "jobs", "worker"),
        ("shop-beat.service", "beat", "singleton"),
    ]
    two = dataclasses.replace(found, others=(worker, dataclasses.replace(worker, name="shop-mail.service")))
    names = [each["unit"] for each in decide(two, wishes=dataclasses.replace(WISHES, declared=declared)).records[2:]]
    assert names == ["shop-queue", "shop-mail"], "which of two takes the place of one is not guessed"


def test_a_file_of_variables_that_the_application_reads_is_shared() -> None:
    reading = dataclasses.replace(FOUND, checkout=dataclasses.replace(CHECKOUT, reads_environment_file=True))
    assert decide(reading).shared == {"media": "/opt/shop/media", ".env": "/opt/shop/.env"}
    wished = dataclasses.replace(WISHES, shared=("media/papers", "var/"))
    assert sorted(decide(wishes=wished).shared) == ["media", "var"]


def test_the_inventory_names_variables_and_no_values() -> None:
    missing, different = compare({"SECRET_KEY": "hunter2", "DEBUG": "0", "A": "1"}, {"DEBUG": 0, "A": "2"})
    assert (missing, different) == (["SECRET_KEY"], ["A"])
    lines = _words.inventory(decide(), missing, different)
    assert (
        'deploy_units: [{"name": "web", "class": "web", "command": "gunicorn shop.wsgi --bind unix:{socket}"}]' in lines
    )
    assert 'deploy_repository: "https://example.com/shop.git"' in lines
    assert '  SECRET_KEY: "{{ vault_secret_key }}"' in lines
    assert "hunter2" not in "".join(lines)


def test_what_django_says_is_explained() -> None:
    told = Application(
        model_changes={"orders": ["Add field note"]}, missing=("orders.0009_x",), conflicts={"orders": ["a", "b"]}
    )
    found = {each.kind: each for each in findings(told)}
    assert sorted(found) == ["conflicting_migrations", "models_without_migrations", "unknown_migrations"]
    assert "orders: Add field note" in found["models_without_migrations"].what
    assert all(each.remedy for each in found.values())
