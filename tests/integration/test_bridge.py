# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge as a module uses it: through Ansible, in the application's interpreter (control node)."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _bridge_publish
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

from tests.support.django_calls import tables
from tests.support.django_project import SETTINGS, Project, django_python, run_command
from tests.support.paths import tool
from tests.support.playbook import playbook_environment
from tests.support.shop import python_for_app

NOWHERE = "postgresql://someone:lost-word@127.0.0.1:1/none"


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


def bridge(project: Project, environment: dict[str, str] | None = None, **options: t.Any) -> Bridge:
    """Give a bridge to the project."""
    params = {"chdir": str(project.path), "python": django_python(), "settings": None, "environment_file": None}
    params.update(environment={"DATABASE_URL": NOWHERE, **(environment or {})}, **options)
    return Bridge(run_command, params, DJANGO, str(project.path.parent / "bridge"))


def ansible(base: pathlib.Path, module: str, arguments: dict[str, t.Any], *flags: str) -> tuple[int, str]:
    """Run one module through the real ansible."""
    argv = [tool("ansible"), "localhost", "-i", "localhost,", "-c", "local", "-m", f"seamless.deploy.{module}", *flags]
    argv += ["-e", json.dumps({"ansible_python_interpreter": python_for_app()}), "-a", json.dumps(arguments)]
    done = subprocess.run(argv, env=playbook_environment(base), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_the_application_prints_is_no_answer(project: Project) -> None:
    loud = '\nprint(\'{"version": 1, "event": "result", "result": {}}\')\nos.write(2, b"x" * 200000)\n'
    project.write("site1/settings.py", SETTINGS + loud)
    result, progress = bridge(project).call("describe")
    assert result["settings"] == "site1.settings" and progress == []


def test_bridge_does_not_shadow_modules_of_the_application(project: Project) -> None:
    for name in ("run", "seamless", "json5", "_entry", "module_utils"):
        project.write(f"{name}.py", "NAME = 'mine'\n")
    lines = "import run, _entry, module_utils, sys\nassert run.NAME == _entry.NAME == module_utils.NAME == 'mine'\n"
    lines += "assert sys.argv == ['manage.py', 'showmigrations'] and sys.path[0] == os.getcwd(), sys.path\n"
    lines += (
        "assert not [path for path in sys.path if os.path.exists(os.path.join(path, 'seamless_bridge'))], sys.path\n"
    )
    project.write("site1/settings.py", "import os\n" + lines + SETTINGS)
    assert bridge(project).call("describe")[0]["settings"] == "site1.settings"
    safe, _progress = bridge(project, {"PYTHONSAFEPATH": "1"}).call("describe")
    assert safe["settings"] == "site1.settings"


def test_environment_file_and_its_precedence(project: Project) -> None:
    project.write(
        "site1/other.py", SETTINGS + 'MEDIA_ROOT = os.environ["ONE"] + os.environ["TWO"] + os.environ["VIRTUAL_ENV"]\n'
    )
    path = project.write("environment", "ONE='file'\nTWO='it'\"'\"'s'\nDJANGO_SETTINGS_MODULE=site1.other\n")
    found, _progress = bridge(project, {"ONE": "given"}, environment_file=str(path)).call("describe")
    home = pathlib.Path(django_python()).parents[1]
    assert found["settings"] == "site1.other" and found["media_root"] == f"givenit's{home}"


def test_application_that_asks_or_leaves_a_thread_behind_ends(project: Project) -> None:
    lines = "\nimport threading, time\nthreading.Thread(target=time.sleep, args=(3600,)).start()\n"
    project.write("site1/settings.py", SETTINGS + lines)
    assert bridge(project).call("describe")[0]["settings"] == "site1.settings"
    project.write("site1/settings.py", SETTINGS + "\ninput('Really? ')\n")
    with pytest.raises(DeployError, match="EOFError"):
        bridge(project).call("describe")


def test_process_that_dies_says_its_last_words(project: Project) -> None:
    project.write(
        "site1/settings.py", "import os, sys\nprint('last words', file=sys.stderr, flush=True)\nos._exit(7)\n"
    )
    with pytest.raises(DeployError, match="ended with code 7 and without an answer: last words") as caught:
        bridge(project).call("describe")
    assert caught.value.result["kind"] == "died" and caught.value.result["rc"] == 7


def test_other_databases_are_refused_or_redirected(project: Project) -> None:
    second = (
        '\nDATABASES["other"] = {**DATABASES["default"], "NAME": "second"}\nfrom django.db.backends.signals import *\n'
    )
    project.write("site1/settings.py", SETTINGS + second)
    project.write(
        "things/apps.py",
        "from django.apps import AppConfig\n\n\nclass ThingsConfig(AppConfig):\n    name = 'things'\n\n    def ready(self):\n"
        "        from django.db import connections\n        connections['other'].ensure_connection()\n",
    )
    with pytest.raises(DeployError, match=r"reached for the database 'other', which is out of bounds"):
        bridge(project).call("describe", other_databases="refuse")
    with pytest.raises(DeployError, match="Connection refused"):
        bridge(project).call("describe", other_databases={"other": "copy"})
    project.write("things/apps.py", "")
    found, _progress = bridge(project).call("describe", database_name="first_copy", other_databases={"other": "copy"})
    assert [found["databases"][alias]["name"] for alias in ("default", "other")] == ["first_copy", "copy"]


def test_through_ansible_in_check_mode_and_for_real(project: Project, database: t.Any, tmp_path: pathlib.Path) -> None:
    home = tmp_path / "bridge"
    arguments = {
        "chdir": str(project.path), "python": django_python(), "bridge_path": str(home),
        "environment": {"DATABASE_URL": database.url, "DEBUG": "0"},
    }  # fmt: skip
    code, planned = ansible(tmp_path, "django_migrate", arguments, "--check", "-vvvv")
    assert code == 0 and "things.0001_initial" in planned and not home.exists() and tables(database) == []
    code, done = ansible(tmp_path, "django_migrate", arguments, "-vvvv")
    assert code == 0 and "CHANGED" in done and "things_thing" in tables(database)
    assert (home / _bridge_publish.content_hash(_bridge_publish.bridge_files(DJANGO)) / "run.py").is_file()
    code, again = ansible(tmp_path, "django_migrate", arguments)
    assert code == 0 and '"changed": false' in again
    code, seen = ansible(tmp_path, "django_info", arguments, "-vvvv")
    assert code == 0 and '"pending": []' in seen
    code, failed = ansible(tmp_path, "django_migrate", {**arguments, "settings": "site1.gone"}, "-vvvv")
    assert code != 0 and "is not found from" in failed
    for output in (planned, done, again, seen, failed):
        assert database.password not in output and database.url not in output and "Traceback" not in output
        assert "seconds" not in output or "VALUE_SPECIFIED" not in output.partition("seconds")[2][:60]
    assert not list(project.path.rglob("__pycache__"))
