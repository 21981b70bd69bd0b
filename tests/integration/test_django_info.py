# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_info and the errors of a project that cannot be brought up (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.modules import django_info

from tests.support.django_calls import Migrate, tables
from tests.support.django_project import SETTINGS, Project, django_python, run_command

ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
NOWHERE = "postgresql://someone:lost-word@127.0.0.1:1/none"


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


def info(project: Project, url: str, **options: t.Any) -> dict[str, t.Any]:
    """Call the module's run()."""
    params: dict[str, t.Any] = {name: spec.get("default") for name, spec in django_info.argument_spec().items()}
    params.update(chdir=str(project.path), python=django_python(), environment={"DATABASE_URL": url})
    params.update(options)
    return django_info.run(params, Bridge(run_command, params, DJANGO, str(project.path.parent / "bridge")))


def fails(project: Project, url: str, **options: t.Any) -> DeployError:
    """Give the error of a call that must fail, and look that it holds no password."""
    with pytest.raises(DeployError) as caught:
        info(project, url, **options)
    shown = caught.value.msg + str(caught.value.result)
    assert "Traceback" not in caught.value.msg and "lost-word" not in shown and "wrong-word" not in shown
    return caught.value


def test_settings_need_no_database(project: Project) -> None:
    extra = 'MEDIA_ROOT = "/srv/media"\nSTATIC_ROOT = "/srv/static"\n'
    project.write("site1/settings.py", SETTINGS + extra)
    result = info(project, NOWHERE, gather="settings")
    assert result["databases"]["default"] == {
        "engine": "django.db.backends.postgresql", "name": "none", "host": "127.0.0.1", "port": "1", "user": "someone",
    }  # fmt: skip
    assert result["media_root"] == "/srv/media" and result["static_root"] == "/srv/static" and not result["staticfiles"]
    assert result["django_version"].count(".") >= 1 and {"label": "things", "name": "things"} in result["apps"]
    assert "lost-word" not in str(result)


def test_demands_of_the_models(project: Project) -> None:
    project.write(
        "things/models.py",
        "from django.db import models\n\n\nclass Owner(models.Model):\n    code = models.CharField(max_length=5, unique=True)\n\n\n"
        "class Thing(models.Model):\n    name = models.CharField(max_length=50)\n    note = models.TextField(null=True, db_column='remark')\n"
        "    owner = models.ForeignKey(Owner, models.CASCADE, null=True)\n    tags = models.ManyToManyField(Owner, related_name='+')\n\n"
        "    class Meta:\n        unique_together = [('name', 'owner')]\n",
    )
    demands = info(project, NOWHERE, gather="settings")["demands"]["tables"]
    thing = demands["things_thing"]
    assert (
        thing["columns"]["remark"]["null"]
        and not thing["columns"]["name"]["null"]
        and thing["columns"]["id"]["generated"]
    )
    assert thing["foreign_keys"] == [
        {"column": "owner_id", "table": "things_owner", "references": "id", "on_delete": "CASCADE", "constraint": True}
    ]
    assert ["name", "owner_id"] in thing["unique"] and ["code"] in demands["things_owner"]["unique"]
    assert "things_thing_tags" in demands


def test_reads_an_empty_and_a_migrated_database_without_writing(
    project: Project, database: t.Any, tmp_path: pathlib.Path
) -> None:
    empty = info(project, database.url)
    assert not empty["changed"] and "things.0001_initial" in empty["pending"] and empty["applied"] == []
    assert tables(database) == []
    Migrate(project, django_python(), database.url, tmp_path)()
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    result = info(project, database.url)
    assert result["pending"] == ["things.0002_note"] and "things.0001_initial" in result["applied"]
    assert result["model_changes"] == {"things": ["Remove field note from thing"]}
    assert "ADD COLUMN" in " ".join(result["plan"][0]["sql"]) and "things.0001_initial" in result["heads"]
    assert result["conflicts"] == {} and result["inconsistent"] == "" and result["missing"] == []
    project.migration("0002_other", ADD_NOTE, after="0001_initial")
    assert info(project, database.url)["conflicts"] == {"things": ["0002_note", "0002_other"]}


SLY = (
    "from django.db.migrations.operations.base import Operation\n\n\nclass Sly(Operation):\n    reduces_to_sql = True\n    reversible = True\n"
    "    def state_forwards(self, app_label, state): pass\n"
    "    def database_forwards(self, app_label, editor, old, new):\n"
    "        with editor.connection.cursor() as cursor:\n            cursor.execute('CREATE TABLE sly (id int)')\n"
    "    def database_backwards(self, *args): pass\n    def describe(self): return 'sly'\n"
)


def test_a_custom_operation_cannot_write_while_planning(
    project: Project, database: t.Any, tmp_path: pathlib.Path
) -> None:
    Migrate(project, django_python(), database.url, tmp_path)()
    project.migration("0002_sly", "Sly(),", after="0001_initial", before=SLY)
    project.migration("0003_note", ADD_NOTE, after="0002_sly")
    first, second = info(project, database.url)["plan"]
    assert first["data"] and "25006" in first["sql"][0] and "sly" not in tables(database)
    assert "ADD COLUMN" in " ".join(second["sql"])


def test_a_migration_whose_sql_is_not_known_leaves_the_others_theirs(
    project: Project, database: t.Any, tmp_path: pathlib.Path
) -> None:
    Migrate(project, django_python(), database.url, tmp_path)()
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    renamed = 'migrations.RenameField("thing", "note", "second"), Sly(),'
    project.migration("0003_sly", renamed, after="0002_note", before=SLY)
    project.migration("0004_rename", 'migrations.RenameField("thing", "second", "third"),', after="0003_sly")
    said = [" ".join(each["sql"]) for each in info(project, database.url)["plan"]]
    assert "not known before it runs" in said[1] and 'RENAME COLUMN "second" TO "third"' in said[2]
    assert [each["sql"] for each in info(project, database.url, sql=False)["plan"]] == [[], [], []]


def test_start_scripts_that_migrate(project: Project, database: t.Any) -> None:
    project.write(
        "start.sh", '#!/bin/sh\n[ "${MIGRATE:-1}" = "1" ] && python manage.py migrate\nexec gunicorn site1.wsgi\n'
    )
    (start,) = info(project, database.url)["starts"]
    assert (start["kind"], start["place"], start["command"]) == ("migrates_at_start", "start.sh:2", "manage.py migrate")
    assert start["switch"] == {"kind": "environment", "name": "MIGRATE", "value": "0"}


def test_system_checks_are_listed(project: Project, database: t.Any) -> None:
    project.write("site1/settings.py", SETTINGS.replace("DEFAULT_AUTO_FIELD", "UNUSED"))
    checks = info(project, database.url)["checks"]
    assert [(item["id"], item["level"], item["serious"]) for item in checks] in (
        [("models.W042", "warning", False)], [],  # Django 6 has no such warning
    )  # fmt: skip


def _without_manage(project: Project) -> None:
    (project.path / "manage.py").unlink()


def _silent_manage(project: Project) -> None:
    project.write("manage.py", "print('nothing')\n")


def _import_error(project: Project) -> None:
    project.write("site1/settings.py", "from site1 import helper\n")
    project.write("site1/helper.py", "\nimport not_installed_here\n")


def _syntax_error(project: Project) -> None:
    project.write("site1/settings.py", "DEBUG = \n")


def _missing_variable(project: Project) -> None:
    project.write("site1/settings.py", "import os\nKEY = os.environ['SHOP_KEY']\n")


def _exit(project: Project) -> None:
    project.write("site1/settings.py", "import sys\nsys.exit('no licence')\n")


def _model_error(project: Project) -> None:
    project.write("things/models.py", "from nowhere import models\n")


def _killed(project: Project) -> None:
    project.write("site1/settings.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")


@pytest.mark.parametrize(
    ("prepare", "options", "kind", "part"),
    [
        (None, {"chdir": "/nothing/here"}, None, "chdir /nothing/here is not a directory"),
        (None, {"python": "/nothing/python"}, None, "python /nothing/python is not there"),
        (None, {"python": "/usr/bin/env"}, "died", "without an answer"),
        (None, {"settings": "site1.gone"}, "settings_missing", "'site1.gone' is not found from"),
        (None, {"environment_file": "/nothing/env"}, None, "environment_file /nothing/env cannot be read"),
        (_without_manage, {}, "manage_missing", "there is no manage.py in"),
        (_silent_manage, {}, "manage", "names no settings module; set `settings`"),
        (_import_error, {}, "settings", "No module named 'not_installed_here', at site1/helper.py line 2"),
        (_syntax_error, {}, "settings", "SyntaxError"),
        (_missing_variable, {}, "settings", "KeyError: 'SHOP_KEY', at site1/settings.py line 2"),
        (_exit, {}, "settings", "sys.exit('no licence')"),
        (_model_error, {}, "settings", "No module named 'nowhere', at things/models.py line 1"),
        (_killed, {}, "died", "without an answer"),
    ],
)
def test_project_that_cannot_be_brought_up(
    project: Project,
    prepare: t.Callable[[Project], None] | None,
    options: dict[str, t.Any],
    kind: str | None,
    part: str,
) -> None:
    if prepare:
        prepare(project)
    error = fails(project, NOWHERE, **options)
    assert part in error.msg and error.result.get("kind") == kind


def test_connection_that_is_refused_says_which_and_why(project: Project, database: t.Any) -> None:
    nobody = fails(project, NOWHERE)
    assert "'default' (someone@127.0.0.1:1/none)" in nobody.msg and "nothing listens there" in nobody.msg
    port = database.server.port
    wrong = fails(project, f"postgresql://{database.user}:wrong-word@127.0.0.1:{port}/{database.name}")
    assert f"({database.user}@127.0.0.1:{port}/{database.name})" in wrong.msg and "the password is refused" in wrong.msg
    gone = fails(project, database.url.rpartition("/")[0] + "/no_such_database")
    assert "the database 'no_such_database' does not exist" in gone.msg


def test_role_that_may_not_create_tables(project: Project, database: t.Any, tmp_path: pathlib.Path) -> None:
    other = f"{database.name}_guest"
    database.server.create_database(other, other, "a-word-of-its-own")
    url = database.server.url(database.name, other)
    error = Migrate(project, django_python(), url, tmp_path).fails()
    assert error.result["kind"] == "privilege" and f'GRANT CREATE ON SCHEMA public TO "{other}"' in error.msg
    assert tables(database) == []
