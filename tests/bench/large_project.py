# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Django project of 20 apps with 25 models each, live in its first release, with a pending migration in every app (control node)."""

from __future__ import annotations

import pathlib
import subprocess

from tests.support.django_project import Project, django_python
from tests.support.rehearsals import live_release

APPS, MODELS = 20, 25

FIELDS = """\
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length={length}, db_index=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    active = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)
    note = models.TextField(blank=True)
"""
#: What the second release does to the first table of an app: (operation, what its model has more, length of `name`).
CHANGES = [
    (
        'migrations.AddField("table{n}", "remark", models.TextField(null=True)),',
        "    remark = models.TextField(null=True)\n",
        100,
    ),
    (
        'migrations.AddField("table{n}", "weight", models.IntegerField(db_default=0)),',
        "    weight = models.IntegerField(db_default=0)\n",
        100,
    ),
    (
        'migrations.AlterField("table{n}", "name", models.CharField(max_length=200, db_index=True)),',
        "",
        200,
    ),
    (
        'migrations.AddIndex("table{n}", models.Index(fields=["active", "created"], name="active_{n}")),',
        '\n    class Meta:\n        indexes = [models.Index(fields=["active", "created"], name="active_{n}")]\n',
        100,
    ),
    (
        'migrations.AddField("table{n}", "other", models.ForeignKey("table{m}", models.CASCADE, null=True, related_name="+")),',
        '    other = models.ForeignKey("Table{m}", models.CASCADE, null=True, related_name="+")\n',
        100,
    ),
]


def model(number: int, first: int, more: str = "", length: int = 100) -> str:
    parent = (
        f'    parent = models.ForeignKey("Table{number - 1}", models.CASCADE, null=True)\n' if number > first else ""
    )
    fields = FIELDS.format(length=length) + parent
    return f"\n\nclass Table{number}(models.Model):\n{fields}{more.format(n=number, m=number + 1)}"


class LargeProject:
    """Where it is, and the parameters of modules for it."""

    def __init__(self, path: pathlib.Path, url: str) -> None:
        self.project, self.url = Project(path / "project"), url
        self.root = path / "srv"
        self.labels = [f"part{number}" for number in range(APPS)]
        installed = ", ".join(f'"{label}"' for label in self.labels)
        settings = (self.project.path / "site1" / "settings.py").read_text().replace('"things"]', f"{installed}]")
        self.project.write("site1/settings.py", settings)
        self.params = {"chdir": str(self.project.path), "python": django_python(), "environment": {"DATABASE_URL": url}}

    def manage(self, *arguments: str, url: str = "") -> None:
        """Run manage.py, as a person would."""
        argv = [django_python(), "manage.py", *arguments]
        done = subprocess.run(
            argv,
            cwd=self.project.path,
            env={"DATABASE_URL": url or self.url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed: {done.stderr[-2000:]}")

    def first_release(self) -> None:
        """Write it, migrate, and have it live."""
        for part, label in enumerate(self.labels):
            first = part * MODELS
            models = "".join(model(number, first) for number in range(first, first + MODELS))
            for name in ("__init__.py", "migrations/__init__.py"):
                self.project.write(f"{label}/{name}", "")
            self.project.write(f"{label}/models.py", "from django.db import models\n" + models)
        self.manage("makemigrations", "--verbosity", "0")
        self.manage("migrate", "--verbosity", "0")
        self._live()

    def second_release(self) -> None:
        """Write the models of the next release, and a migration for each app."""
        for part, label in enumerate(self.labels):
            first = part * MODELS
            operation, more, length = CHANGES[part % len(CHANGES)]
            models = model(first, first, more, length)
            models += "".join(model(number, first) for number in range(first + 1, first + MODELS))
            self.project.write(f"{label}/models.py", "from django.db import models\n" + models)
            migration = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
            migration += f'    dependencies = [("{label}", "0001_initial")]\n    operations = [\n        '
            migration += operation.format(n=first, m=first + 1) + "\n    ]\n"
            self.project.write(f"{label}/migrations/0002_next.py", migration)

    def _live(self) -> None:
        """Record of the models as they are that they are those of the live release."""
        live_release(self.root, self.params)
