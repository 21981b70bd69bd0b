# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same application on the same host, deployed by a plain shell script over SSH (control node)."""

from __future__ import annotations

import pathlib
import time

from tests.lab.stage import REPOSITORY, LabStage

PORT = 8180
SCRIPT = pathlib.Path(__file__).with_name("shell_deploy.sh")
UNIT = """[Unit]
Description=The print shop of the peer
[Service]
User=shop
WorkingDirectory=/opt/peer/shop
EnvironmentFile=/opt/peer/env
ExecStart=/opt/peer/shop/.venv/bin/gunicorn shop.wsgi --bind 127.0.0.1:8100 --workers 2 --threads 4
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""
SITE = """server {
    listen %d;
    location / {
        proxy_pass http://127.0.0.1:8100;
        proxy_set_header Host localhost;
    }
}
"""
MAKE = f"""set -e
mkdir -p /opt/peer && chown shop /opt/peer
echo 'shop ALL=(root) NOPASSWD: /usr/bin/systemctl restart peer.service' >/etc/sudoers.d/peer
git config --system --add safe.directory '*'
runuser -u shop -- git clone --quiet {REPOSITORY} /opt/peer/shop
runuser -u shop -- python3 -m venv /opt/peer/shop/.venv
"""


class Peer:
    """Its checkout, its unit, its port of nginx, its database."""

    def __init__(self, stage: LabStage) -> None:
        self.stage, self.host = stage, stage.hosts[stage.app[0]]
        stage.execute("CREATE DATABASE peer OWNER shop", "postgres")
        url = stage.url(near=True).rpartition("/")[0] + "/peer"
        self.host.run(MAKE, user="root")
        # systemd and the shell read the same file: no value here has a character that either of them takes for its own.
        self.host.write(
            "/opt/peer/env", f"SECRET_KEY={stage.secret_key}\nALLOWED_HOSTS=localhost\nDATABASE_URL={url}\n"
        )
        self.host.write("/etc/systemd/system/peer.service", UNIT)
        self.host.write("/etc/nginx/sites-enabled/peer", SITE % PORT)
        self.host.write("/opt/peer/deploy", SCRIPT.read_text(), 0o755)
        self.host.run(
            "systemctl daemon-reload && systemctl enable --quiet peer.service && systemctl reload nginx", user="root"
        )

    @property
    def entrance(self) -> str:
        """Say where its requests come in."""
        return f"http://{self.host.address}:{PORT}"

    @property
    def url(self) -> str:
        """Name its database, from this machine."""
        return self.stage.url().rpartition("/")[0] + "/peer"

    def deploy(self, version: str) -> float:
        """Deploy a version; give the seconds that it took over SSH."""
        began = time.monotonic()
        self.host.run(f"/opt/peer/deploy {version}", user="shop", timeout=300)
        return time.monotonic() - began
