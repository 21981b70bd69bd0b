#!/bin/sh
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What a team's own script does on its host: fetch, install, migrate, collectstatic, restart, look. The peer of `./run bench deploy`.
set -eu
cd /opt/peer/shop
git fetch --quiet --tags origin
git checkout --quiet --force "$1"
.venv/bin/pip install --quiet --disable-pip-version-check --no-index --find-links /opt/wheels --requirement requirements.txt
set -a
. /opt/peer/env
set +a
.venv/bin/python manage.py migrate --noinput --verbosity 0
.venv/bin/python manage.py collectstatic --noinput --verbosity 0
sudo systemctl restart peer.service
for second in 1 2 3 4 5 6 7 8 9 10; do
    curl --silent --fail --output /dev/null --header 'Host: localhost' http://127.0.0.1:8100/health/ && exit 0
    sleep 0.5
done
exit 1
