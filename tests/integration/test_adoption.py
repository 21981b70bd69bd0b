# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkout with a real git is looked at; what only runs on a booted host is in tests/lab/test_adoption.py."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _checkout


def run(argv, **_options):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def checkout(tmp_path):
    """A clone on a server, with what people do there over the years."""
    origin, here = tmp_path / "origin", tmp_path / "shop"

    def git(*arguments, cwd):
        base = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
        subprocess.run([*base, *arguments], cwd=cwd, check=True, capture_output=True)

    files = {
        "src/manage.py": "import sys",
        "src/shop/wsgi.py": "application = None\n",
        "src/shop/settings.py": "import os\n",
        "src/orders/migrations/0001_initial.py": "",
        "src/orders/migrations/__init__.py": "",
        ".gitignore": "0002*\n.env\nvenv/\n",
    }
    origin.mkdir()
    for name, text in files.items():
        (origin / name).parent.mkdir(parents=True, exist_ok=True)
        (origin / name).write_text(text)
    git("init", "-q", cwd=origin)
    git("add", "-A", cwd=origin)
    git("commit", "-q", "-m", "Begin", cwd=origin)
    git("clone", "-q", f"file://{origin}", str(here), cwd=tmp_path)
    (here / "venv" / "bin").mkdir(parents=True)
    (here / "venv" / "pyvenv.cfg").write_text("")
    (here / "venv" / "lib" / "migrations").mkdir(parents=True)
    (here / "venv" / "lib" / "migrations" / "0001_other.py").write_text("call_command('migrate')")
    (here / "src" / ".env").write_text("A=1\n")
    return here, git


def examine(here):
    return _checkout.examine(run, str(here), str(here / "src"), str(here / "venv" / "bin" / "gunicorn"))


def test_a_clean_checkout(checkout):
    here, _git = checkout
    found = examine(here)
    assert (found.project, found.venv) == ("src", str(here / "venv"))
    assert (found.git.branch, found.git.remote) == ("main", f"file://{here.parent}/origin")
    assert found.environment_files == (str(here / "src" / ".env"),)
    assert found.findings == () and not found.reads_environment_file


def test_what_people_left_there_is_found(checkout):
    here, git = checkout
    (here / "src" / "orders" / "migrations" / "0002_ignored.py").write_text("")
    (here / "src" / "orders" / "migrations" / "0003_new.py").write_text("")
    (here / "src" / "shop" / "wsgi.py").write_text(
        "from django.core.management import call_command\ncall_command('migrate')\n"
    )
    (here / "src" / "shop" / "settings.py").write_text(
        "load_dotenv()\nINSTALLED_APPS = ['health_check.contrib.migrations']\n"
    )
    git("commit", "-q", "-m", "Fix at night", "src/shop/settings.py", cwd=here)
    found = examine(here)
    told = {each.kind: each for each in found.findings}
    assert sorted(told) == [
        "changed_on_server",
        "health_check_on_migrations",
        "migrates_at_start",
        "migrations_only_on_server",
        "unpushed",
    ]
    assert (
        told["migrates_at_start"].place == "src/shop/wsgi.py:2"
        and "when the application starts" in told["migrates_at_start"].what
    )
    only = told["migrations_only_on_server"].what
    assert "2 migration files" in only and "0002_ignored.py" in only and "0003_new.py" in only and "0001" not in only
    assert found.reads_environment_file


def test_without_git_it_is_said(tmp_path):
    (tmp_path / "manage.py").write_text("")
    found = _checkout.examine(run, str(tmp_path), str(tmp_path), "/usr/bin/gunicorn")
    assert [each.kind for each in found.findings] == ["not_in_git"]


@pytest.mark.parametrize("place", ["", "src", "src/deep/er"])
def test_the_root_is_found_from_where_a_unit_works(checkout, place):
    here, _git = checkout
    (here / "src" / "deep" / "er").mkdir(parents=True)
    assert _checkout.root_of(str(here / place).rstrip("/")) == str(here)
