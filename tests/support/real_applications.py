# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two applications from the package index, each in an old release and in a new one (control node)."""

from __future__ import annotations

import dataclasses
import fcntl
import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import typing as t

from tests.support.django_project import MANAGE
from tests.support.django_project import SETTINGS as DATABASES
from tests.support.paths import CHECKOUT

PROBE = CHECKOUT / "tests" / "support" / "real_probe.py"
SETTINGS = """
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
MEDIA_ROOT = "media"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
context = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]
context += ["django.contrib.messages.context_processors.messages"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": context},
    }
]
INSTALLED_APPS = [f"django.contrib.{name}" for name in DJANGO]
"""
WAGTAIL = """
DJANGO = "admin auth contenttypes sessions messages staticfiles".split()
{common}
names = "contrib.forms contrib.redirects contrib.settings contrib.search_promotions contrib.simple_translation "
names += "embeds sites users snippets documents images locales search admin"
INSTALLED_APPS = [f"wagtail.{{name}}" for name in names.split()] + ["{core}", "modelcluster", "taggit"] + INSTALLED_APPS
INSTALLED_APPS += [{more}]
WAGTAIL_SITE_NAME = "A site"
WAGTAILADMIN_BASE_URL = "http://localhost"
"""
OSCAR = """
from oscar.defaults import *

DJANGO = "admin auth contenttypes sessions messages staticfiles sites flatpages".split()
{common}
names = "analytics checkout address shipping catalogue communication partner basket payment offer order customer search"
parts = [(name, name) for name in [*names.split(), "voucher", "wishlists", "dashboard"]]
INSTALLED_APPS += ["oscar.config.Shop", "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig"]
INSTALLED_APPS += [f"oscar.apps.{{name}}.apps.{{name.capitalize()}}Config" for name, _name in parts]
names = "reports users orders catalogue offers partners pages ranges reviews vouchers communications shipping"
INSTALLED_APPS += [f"oscar.apps.dashboard.{{name}}.apps.{{name.capitalize()}}DashboardConfig" for name in names.split()]
INSTALLED_APPS += ["widget_tweaks", "haystack", "treebeard", "django_tables2"]
MIDDLEWARE += ["oscar.apps.basket.middleware.BasketMiddleware"]
SITE_ID = 1
HAYSTACK_CONNECTIONS = {{"default": {{"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}}}
OSCAR_DEFAULT_CURRENCY = "EUR"
"""


@dataclasses.dataclass(frozen=True)
class Release:
    """pythons: versions that it runs on, the preferred one first."""

    version: str
    requirements: tuple[str, ...]
    pythons: tuple[str, ...]
    settings: str


OLD, NEW = ("3.10", "3.9", "3.11"), ("3.11", "3.12", "3.13")
APPLICATIONS = {
    "wagtail": (
        Release(
            "2.16.3",
            ("wagtail==2.16.3", "Django==3.2.25", "psycopg2-binary", "setuptools<80"),
            OLD,
            WAGTAIL.format(common=SETTINGS, core="wagtail.core", more=""),
        ),
        Release(
            "8.0.1",
            ("wagtail==8.0.1", "Django==5.2.19", "psycopg[binary]"),
            NEW,
            WAGTAIL.format(common=SETTINGS, core="wagtail", more='"modelsearch", "django_tasks"'),
        ),
    ),
    "oscar": (
        Release(
            "3.1",
            ("django-oscar==3.1", "Django==3.2.25", "psycopg2-binary", "setuptools<80"),
            OLD,
            OSCAR.format(common=SETTINGS),
        ),
        Release(
            "4.2.1", ("django-oscar==4.2.1", "Django==5.2.19", "psycopg[binary]"), NEW, OSCAR.format(common=SETTINGS)
        ),
    ),
}


def interpreter(versions: t.Iterable[str]) -> str:
    """The first of these Pythons that starts and can make an environment, "" for none."""
    program = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    root = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions"
    base = getattr(sys, "_base_executable", sys.executable)
    for version in versions:
        beside = [str(path) for path in sorted(root.glob(f"{version}.*/bin/python"))]
        for found in filter(None, [base, shutil.which(f"python{version}"), *beside]):
            done = subprocess.run([found, "-c", program], capture_output=True, text=True, check=False)
            if done.returncode == 0 and done.stdout.strip() == version:
                return found
    return ""


@functools.cache
def environment(release: Release) -> str:
    """Give the interpreter of an environment with what the release needs; made once, then kept."""
    base = interpreter(release.pythons)
    key = hashlib.sha256(repr((base, release.requirements)).encode()).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "seamless-deploy"
    target = cache / f"real-{key}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / ".complete").exists():
            subprocess.run([base, "-m", "venv", "--clear", str(target)], check=True, capture_output=True)
            argv = [str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run([*argv, *release.requirements], capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{release.requirements[0]} cannot be installed: {done.stderr[-1500:]}")
            (target / ".complete").touch()
    return str(target / "bin" / "python")


class Application:
    """One release as a project on disk."""

    def __init__(self, release: Release, path: pathlib.Path) -> None:
        self.release, self.path, self.python = release, path, environment(release)
        database = DATABASES.partition("INSTALLED_APPS")[0] + "USE_TZ = True\nROOT_URLCONF = 'site1.urls'\nurl"
        database += DATABASES.partition("\nurl")[2]
        files = {"manage.py": MANAGE, "site1/__init__.py": "", "site1/urls.py": "urlpatterns = []\n"}
        for name, text in {**files, "site1/settings.py": database + release.settings}.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)

    def params(self, url: str) -> dict[str, t.Any]:
        """Options of the modules that use the bridge."""
        return {"chdir": str(self.path), "python": self.python, "environment": {"DATABASE_URL": url}}

    def manage(self, url: str, *arguments: str, given: str = "") -> str:
        """Run manage.py; give what it prints."""
        done = subprocess.run(
            [self.python, "manage.py", *arguments],
            cwd=self.path,
            env={**os.environ, "DATABASE_URL": url},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed: {done.stderr[-2000:]}")
        return done.stdout

    def probe(self, url: str) -> Probe:
        return Probe([self.python, str(PROBE)], self.path, {"DATABASE_URL": url})


class Probe:
    """A process of a release that stays, and says what of its models works on the database."""

    def __init__(self, argv: list[str], path: pathlib.Path, environment: dict[str, str]) -> None:
        # A file, as nobody reads a pipe in the meantime.
        self._said = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            argv,
            cwd=path,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def ask(self, what: str, **more: t.Any) -> t.Any:
        """Send a request, and wait for its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"what": what, **more}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self._said.seek(0)
            raise RuntimeError(f"the probe died at {what}: {self._said.read()[-2000:]}")
        return json.loads(answer)
