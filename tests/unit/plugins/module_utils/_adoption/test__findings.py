# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the text of an application says about migrations."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _findings


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("/opt/shop/venv/bin/python manage.py migrate --noinput", True),
        ("python3 ./manage.py --settings=a.b migrate", True),
        ("django-admin migrate", True),
        ("flask db upgrade && gunicorn app:app", True),
        ("exec flask --app shop db upgrade", True),
        ("alembic -c alembic.ini upgrade head", True),
        ("# manage.py migrate", False),
        ("python manage.py makemigrations", False),
        ("python manage.py showmigrations", False),
        ("apt-get upgrade", False),
    ],
)
def test_lines_of_shell_that_migrate(line: str, found: bool) -> None:
    assert _findings.migrates(line) is found


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("import x\ncall_command('migrate', interactive=False)\n", [2]),
        ('call_command( "migrate")', [1]),
        ("command.upgrade(config, 'head')", [1]),
        ("from flask_migrate import upgrade\nupgrade(directory='migrations')", [2]),
        ("os.system('python manage.py migrate')", [1]),
        ("# call_command('migrate')", []),
        ("call_command('collectstatic')", []),
        ("def upgrade(directory=None): ...", []),
    ],
)
def test_python_that_migrates(text: str, lines: list) -> None:
    assert _findings.migrating_lines(text, True) == lines


@pytest.mark.parametrize(
    ("path", "application", "start"),
    [
        ("shop/wsgi.py", True, True),
        ("orders/apps.py", True, True),
        ("gunicorn.conf.py", True, True),
        ("orders/views.py", True, False),
        ("orders/tests/test_x.py", False, False),
        ("orders/management/commands/load.py", False, False),
        ("orders/migrations/0001_initial.py", False, False),
        ("conftest.py", False, False),
    ],
)
def test_which_files_run_when_an_application_starts(path: str, application: bool, start: bool) -> None:
    assert _findings.is_application(path) is application
    assert not application or _findings.at_start(path) is start


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("shop/settings.py", "INSTALLED_APPS = ['health_check.contrib.migrations']", True),
        ("shop/health.py", "plan = executor.migration_plan(targets)", True),
        ("shop/health.py", "return JsonResponse({})", False),
        ("orders/load.py", "executor.migration_plan(targets)", False),
    ],
)
def test_health_checks_that_look_at_migrations(path: str, text: str, found: bool) -> None:
    assert _findings.asks_for_migrations(path, text) is found


def test_a_finding_ends_with_what_to_do() -> None:
    finding = _findings.only_on_server([f"orders/migrations/{number:04}_x.py" for number in range(10)])
    assert finding.level == "stop" and "and 2 more" in finding.what
    assert str(finding).endswith("goes on without.")
