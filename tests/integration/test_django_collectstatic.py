# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_collectstatic against real Django projects; needs no database (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.modules import django_collectstatic

from tests.support.django_project import SETTINGS, Project, django_python, run_command

STATIC = """
INSTALLED_APPS += ["django.contrib.staticfiles"]
STATIC_URL = "/static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT")
STATICFILES_STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
STORAGES = {"staticfiles": {"BACKEND": STATICFILES_STORAGE}}
import django
if django.VERSION >= (4, 2):
    del STATICFILES_STORAGE
"""
# Nothing listens there: collecting needs no database.
URL = "postgresql://nobody:nothing@127.0.0.1:1/none"


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a project with two static files."""
    project = Project(tmp_path / "project")
    project.write("site1/settings.py", SETTINGS + STATIC)
    project.write("things/static/site.css", 'body { background: url("paper.svg") }\n')
    project.write("things/static/paper.svg", "<svg/>\n")
    return project


def collect(project: Project, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    """Call the module's run()."""
    base = project.path.parent
    params: dict[str, t.Any] = {
        name: spec.get("default") for name, spec in django_collectstatic.argument_spec().items()
    }
    environment = {"DATABASE_URL": URL, "STATIC_ROOT": str(base / "collected")}
    params.update(
        chdir=str(project.path), python=django_python(), publish=str(base / "public"), environment=environment
    )
    params.update(options)
    bridge = Bridge(run_command, params, DJANGO, str(base / "bridge"))
    return django_collectstatic.run(params, check_mode, bridge)


def names(folder: pathlib.Path) -> set[str]:
    """Give the relative paths of all files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_collects_publishes_and_then_does_nothing(project: Project) -> None:
    first = collect(project)
    assert first["changed"] and first["copied"] == 2 and first["post_processed"] >= 2 and first["skipped_reason"] == ""
    base = project.path.parent
    assert "staticfiles.json" in names(base / "collected")
    assert names(base / "public") == names(base / "collected") - {"staticfiles.json"}
    assert first["published"] == 4
    second = collect(project)
    assert not second["changed"] and second["published"] == 0 and second["unmodified"] == 2


def test_next_release_keeps_the_files_of_the_last(project: Project) -> None:
    collect(project)
    public = project.path.parent / "public"
    before = names(public)
    project.write("things/static/site.css", "body { color: red }\n")
    second = collect(project, environment={"DATABASE_URL": URL, "STATIC_ROOT": str(project.path.parent / "second")})
    after = names(public)
    assert second["changed"] and before < after and len(after - before) == 1
    assert (public / "site.css").read_text() == "body { color: red }\n"
    assert not [name for name in after if name.startswith(".")]


def test_published_file_survives_a_change_of_the_collected_one(project: Project) -> None:
    collect(project)
    base = project.path.parent
    (base / "collected" / "paper.svg").unlink()
    assert (base / "public" / "paper.svg").read_text() == "<svg/>\n"


def test_check_mode_counts_and_touches_nothing(project: Project) -> None:
    planned = collect(project, check_mode=True)
    base = project.path.parent
    assert planned["changed"] and planned["copied"] == 2 and planned["published"] == 2
    assert not (base / "collected").exists() and not (base / "public").exists()
    done = collect(project)
    assert set(planned) == set(done)
    assert not collect(project, check_mode=True)["changed"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (SETTINGS, "django.contrib.staticfiles is not in INSTALLED_APPS"),
        (SETTINGS + STATIC + "STATIC_ROOT = None\n", "STATIC_ROOT is not set"),
    ],
)
def test_says_why_it_skips(project: Project, settings: str, reason: str) -> None:
    project.write("site1/settings.py", settings)
    result = collect(project)
    assert not result["changed"] and result["skipped_reason"] == reason


def test_a_stylesheet_that_names_a_missing_file(project: Project) -> None:
    project.write("things/static/site.css", 'body { background: url("gone.svg") }\n')
    with pytest.raises(DeployError, match=r"gone\.svg"):
        collect(project)


def test_refuses_to_publish_into_the_collected_files(project: Project) -> None:
    with pytest.raises(DeployError, match="lie in one another"):
        collect(project, publish=str(project.path.parent / "collected" / "public"))
