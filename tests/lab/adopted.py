# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on which the print shop was installed by hand years ago, before anybody knew this collection (control node)."""

from __future__ import annotations

import textwrap

from tests.lab.host import Host
from tests.lab.stage import REPOSITORY, WHEELS, LabStage

OLD = "/opt/shop"
PAPERS = 40

UNIT = """\
[Unit]
Description=The print shop
After=network.target

[Service]
User=shop
WorkingDirectory=/opt/shop
EnvironmentFile=/opt/shop/.env
ExecStart=/opt/shop/venv/bin/gunicorn shop.wsgi --bind {bind} --workers 2 --threads 4
Restart=always

[Install]
WantedBy=multi-user.target
"""
WORKER = """\
[Service]
User=shop
WorkingDirectory=/opt/shop
EnvironmentFile=/opt/shop/.env
ExecStart=/opt/shop/venv/bin/python manage.py print_worker
Restart=always

[Install]
WantedBy=multi-user.target
"""
NGINX = """\
server {{
    listen 80 default_server;
    location /static/ {{ alias /opt/shop/staticfiles/; }}
    location /media/ {{ alias /opt/shop/media/; }}
    location / {{
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_pass http://{address};
    }}
}}
"""


def install_by_hand(stage: LabStage, bind: str = "127.0.0.1:8000", address: str = "127.0.0.1:8000") -> Host:
    """Clone, install, migrate and start release 1 as people do, and put nginx in front."""
    (name,) = stage.app
    host = stage.hosts[name]
    environment = {"SECRET_KEY": stage.secret_key, "ALLOWED_HOSTS": "localhost", "DATABASE_URL": stage.url(near=True)}
    host.run(
        textwrap.dedent(f"""\
            set -e
            git clone -q file://{REPOSITORY} {OLD} && cd {OLD} && git checkout -q r1
            python3 -m venv venv
            venv/bin/pip install -q --no-index --find-links {WHEELS} -r requirements.txt
            printf 'venv/\\nmedia/\\nstaticfiles/\\n.env\\n' >.git/info/exclude
            mkdir -p media/papers && cd media/papers
            for i in $(seq {PAPERS}); do echo paper $i >$i.txt; done
            chown -R shop: {OLD}
        """),
        timeout=300,
    )
    host.write(f"{OLD}/.env", "".join(f"{key}='{value}'\n" for key, value in environment.items()), 0o600, "shop")
    manage = f"set -a; . {OLD}/.env; cd {OLD}; venv/bin/python manage.py"
    host.run(f"{manage} migrate --verbosity 0 && {manage} collectstatic --noinput --verbosity 0", user="shop")
    host.write("/etc/systemd/system/shop.service", UNIT.format(bind=bind))
    host.write("/etc/systemd/system/shop-worker.service", WORKER)
    host.run("systemctl daemon-reload && systemctl enable -q --now shop.service shop-worker.service")
    host.write("/etc/nginx/sites-enabled/shop", NGINX.format(address=address))
    host.run("nginx -t && systemctl reload nginx")
    return host
