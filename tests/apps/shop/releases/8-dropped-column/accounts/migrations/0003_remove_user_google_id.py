# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A nullable column goes, which the release before reads (application's interpreter)."""

from django.db import migrations


class Migration(migrations.Migration):
    """Contract: it may run when the release before has gone."""

    dependencies = [("accounts", "0002_user_nickname")]
    operations = [
        migrations.RemoveField("user", "google_id"),
    ]
