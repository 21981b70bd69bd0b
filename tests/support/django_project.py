# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real Django projects, an environment with Django, and run_command as a module has it (control node)."""

from __future__ import annotations

import fcntl
import functools
import os
import pathlib
import subprocess
import textwrap
import typing as t

from tests.support.paths import CHECKOUT
from tests.support.shop import python_for_app, shop_wheelhouse

REQUIREMENTS = CHECKOUT / "tests" / "apps" / "shop" / "base" / "requirements.txt"

MANAGE = """\
#!/usr/bin/env python
import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
"""

SETTINGS = """\
import os
from urllib.parse import unquote, urlsplit

SECRET_KEY = os.environ.get("SECRET_KEY", "key-of-the-settings-file")
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "things"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ROOT_URLCONF = "site1.urls"
url = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": url.port or "",
    }
}
"""

MODELS = """\
from django.db import models


class Thing(models.Model):
    name = models.CharField(max_length=50)
"""


class Project:
    """A Django project `site1` with one app `things`; write() adds or replaces files."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        for name in ("site1/__init__.py", "things/__init__.py", "things/migrations/__init__.py"):
            self.write(name, "")
        self.write("manage.py", MANAGE)
        self.write("site1/settings.py", SETTINGS)
        self.write("site1/urls.py", "urlpatterns = []\n")
        self.write("things/models.py", MODELS)
        self.migration(
            "0001_initial",
            """
            migrations.CreateModel("Thing", [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50)),
            ]),
            """,
            after="",
            head="initial = True",
        )

    def write(self, name: str, text: str) -> pathlib.Path:
        """Write one file of the project."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def migration(self, name: str, operations: str, after: str, head: str = "", before: str = "") -> str:
        """Write a migration of `things` and give its id. `before` stands above its class, `head` inside."""
        dependencies = f'[("things", "{after}")]' if after else "[]"
        text = "from django.db import migrations, models\n"
        text += textwrap.dedent(before) + "\n\nclass Migration(migrations.Migration):\n"
        text += textwrap.indent(textwrap.dedent(head).strip(), "    ") + "\n"
        text += f"    dependencies = {dependencies}\n    operations = [\n{operations}\n    ]\n"
        self.write(f"things/migrations/{name}.py", text)
        return f"things.{name}"


@functools.cache
def django_python() -> str:
    """Give the interpreter of an environment with the sample application's Django and driver; made once, then kept.

    SEAMLESS_TEST_DJANGO_PYTHON names another one, to try other versions of Python, Django and driver.
    """
    given = os.environ.get("SEAMLESS_TEST_DJANGO_PYTHON")
    if given:
        return given
    wheels = shop_wheelhouse()
    target = wheels.with_name(wheels.name.replace("wheels", "django"))
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / ".complete").exists():
            subprocess.run([python_for_app(), "-m", "venv", "--clear", str(target)], check=True, capture_output=True)
            argv = [str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-index"]
            argv += ["--find-links", str(wheels), "--requirement", str(REQUIREMENTS)]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"The environment with Django cannot be made: {done.stderr[-1500:]}")
            (target / ".complete").touch()
    return str(target / "bin" / "python")


def run_command(argv: list[str], **options: t.Any) -> tuple[int, str, str]:
    """Do what AnsibleModule.run_command does with the arguments that adapters use."""
    done = subprocess.run(
        argv,
        input=options.get("data", "").encode(),
        cwd=options.get("cwd"),
        env={**os.environ, **options.get("environ_update", {})},
        pass_fds=options.get("pass_fds", ()),
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
