# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Django project whose first release is live, and rehearsals of the next (control node)."""

from __future__ import annotations

import json
import pathlib
import typing as t

from tests.support.django_project import Project, django_python
from tests.support.module import run_module


def live_release(root: pathlib.Path, application: dict[str, t.Any], reader: str = "django_info") -> None:
    """Make the release r1 of an application the live one, which demands what its models now do."""
    described = run_module(reader, {**application, "gather": "settings"})
    release = root / "releases" / "r1"
    release.mkdir(parents=True)
    manifest = {
        "version": 1,
        "release": "r1",
        "source": {"kind": "git", "location": "x", "version": "v1"},
        "commit": "0" * 40,
        "identity": "i",
        "prepared_at": "2026-01-01T00:00:00Z",
        "result": "good",
        "demands": described["demands"],
    }
    (release / ".release.json").write_text(json.dumps(manifest))
    (root / "current").symlink_to("releases/r1")


class Rehearse:
    """Calls the module for a project whose first release is live."""

    def __init__(self, project: Project, database: t.Any, base: pathlib.Path) -> None:
        self.project, self.database, self.base = project, database, base
        self.root = base / "srv"
        self.application = {
            "chdir": str(project.path),
            "python": django_python(),
            "environment": {"DATABASE_URL": database.url},
        }
        self.params = {
            **self.application,
            "bridge_path": str(base / "bridge"),
            "login_url": database.admin_url,
            "database_name": database.name,
            "client_path": str(database.server.bin_dir),
            "path": str(self.root),
        }

    def live(self) -> None:
        """Have the models as they are now be those of the live release."""
        live_release(self.root, self.application)

    def __call__(self, **more: t.Any) -> dict[str, t.Any]:
        before = self.catalog()
        result = run_module("migration_rehearse", {**self.params, **more})
        assert self.catalog() == before, "production was touched"
        scratch = self.database.execute("SELECT datname FROM pg_database WHERE datname LIKE 'seamless%'")
        assert scratch == [], "a scratch database is left"
        return result

    def catalog(self) -> list[tuple[t.Any, ...]]:
        return self.database.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        )


def change(rehearse: Rehearse, operation: str, models: str = "") -> None:
    """Write a second release: one more migration, and the models that go with it."""
    rehearse.project.migration("0002_change", operation, "0001_initial")
    if models:
        rehearse.project.write("things/models.py", models)
