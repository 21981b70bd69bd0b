# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where revisions lie, and what is read of a project."""

from __future__ import annotations

import os

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _files, _location

REVISION = "revision = '{}'\ndown_revision = {!r}\ndef upgrade(): pass\n"


@pytest.fixture
def write(tmp_path):
    def write(name, text=""):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text, encoding="utf-8")
        return path

    return write


def places(tmp_path, location):
    return os.path.relpath(location.script, str(tmp_path)), [
        os.path.relpath(p, str(tmp_path)) for p in location.versions
    ]


@pytest.mark.parametrize(
    ("ini", "script", "versions"),
    [
        ("script_location = alembic\n", "alembic", ["alembic/versions"]),
        ("script_location = %(here)s/alembic\n", "alembic", ["alembic/versions"]),
        ("script_location = shop.db:alembic\n", "shop/db/alembic", ["shop/db/alembic/versions"]),
        ("script_location = inner:alembic\n", "src/inner/alembic", ["src/inner/alembic/versions"]),
        ("script_location = lib:alembic\nprepend_sys_path = . other\n", "other/lib/alembic", ["other/lib/alembic/versions"]),
        ("script_location = alembic\nversion_locations = a b, c\n", "alembic", ["a", "b", "c"]),
        ("script_location = alembic\nversion_locations = a:b\npath_separator = os\n", "alembic", ["a", "b"]),
        ("script_location = alembic\nversion_locations = a;%(here)s/b\nversion_path_separator = ;\n", "alembic", ["a", "b"]),
        ("script_location = alembic\nsqlalchemy.url = postgresql://%(USER)s\n", "alembic", ["alembic/versions"]),
    ],
)  # fmt: skip
def test_places_of_an_ini_file(tmp_path, write, ini, script, versions):
    for name in ("alembic", "shop/db/alembic", "src/inner/alembic", "other/lib/alembic"):
        write(f"{name}/env.py")
        (tmp_path / name / "versions").mkdir()
    for name in "abc":
        (tmp_path / name).mkdir()
    write("alembic.ini", f"[alembic]\n{ini}")
    found = _location.locate(str(tmp_path))
    assert places(tmp_path, found) == (script, versions) and found.findings == ()


def test_section_of_one_of_several_databases(tmp_path, write):
    write("alembic.ini", "[alembic]\nscript_location = one\n[billing]\nscript_location = two\n")
    assert places(tmp_path, _location.locate(str(tmp_path), section="billing"))[0] == "two"
    assert places(tmp_path, _location.locate(str(tmp_path), section="a_bind"))[0] == "one"


def test_flask_migrate_writes_no_location(tmp_path, write):
    write("migrations/alembic.ini", "[alembic]\n# nothing\n[loggers]\nkeys = root\n")
    write("migrations/env.py")
    write("migrations/versions/a1.py", REVISION.format("a1", None))
    found = _files.read_project(str(tmp_path))
    assert places(tmp_path, found.location) == ("migrations", ["migrations/versions"]) and found.chain.heads == ("a1",)
    assert list(found.revisions) == ["migrations/versions/a1.py"]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('Migrate(app, db, directory="db/changes")', "db/changes"),
        ('Migrate(app, db, "db/changes")', "db/changes"),
        ('PLACE = "db/changes"\nmigrate = flask_migrate.Migrate(directory=PLACE)', "db/changes"),
        ('from .more import migrate\nmigrate.init_app(app, db, directory="db/changes")', "db/changes"),
        ('Migrate(app, db, directory="nowhere")', "migrations"),
        ('Migrate(app, db, directory=os.path.join(HERE, "db/changes"))', "migrations"),
        ('mail.init_app(app, db, directory="db/changes")', "migrations"),
        ("Migrate(app, db)", "migrations"),
        ("Migrate(", "migrations"),
    ],
)
def test_the_directory_that_the_code_gives_to_flask_migrate(tmp_path, write, code, found):
    for name in ("migrations", "db/changes"):
        write(f"{name}/alembic.ini", "[alembic]\n")
        write(f"{name}/env.py")
        write(f"{name}/versions/a1.py", REVISION.format("a1", None))
    write("shop/start.py", f"{code}\n")
    told = _files.read_project(str(tmp_path))
    assert places(tmp_path, told.location) == (found, [f"{found}/versions"])
    assert list(told.revisions) == [f"{found}/versions/a1.py"] and "shop/start.py" in told.sources


def test_pyproject(tmp_path, write):
    pytest.importorskip("tomllib")
    write("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/db"\nversion_locations = ["db/x", "y"]\n'
                            "recursive_version_locations = true\n")  # fmt: skip
    found = _location.locate(str(tmp_path))
    assert places(tmp_path, found) == ("db", ["db/x", "y"]) and found.recursive
    assert [each.kind for each in found.findings] == ["no_env", "no_versions", "no_versions"]
    write("alembic.ini", "[alembic]\nversion_locations = z\n")  # which comes before pyproject.toml, option by option
    assert places(tmp_path, _location.locate(str(tmp_path))) == ("db", ["z"])


@pytest.mark.parametrize(
    ("name", "text", "config", "kind", "part"),
    [
        ("x", "", "", "no_config", "neither alembic.ini nor"),
        ("deploy/alembic.ini", "", "", "no_config", "set config to deploy/alembic.ini"),
        ("x", "", "conf/a.ini", "no_config", "config conf/a.ini is not a file"),
        ("alembic.ini", "script_location = alembic\n", "", "config_unreadable", "alembic.ini cannot be read"),
        ("alembic.ini", "[alembic]\n", "", "no_script_location", "alembic.ini has no script_location"),
        ("alembic.ini", "[alembic]\nscript_location = gone\n", "", "no_env", "gone has no env.py"),
    ],
)
def test_projects_without_a_place(tmp_path, write, name, text, config, kind, part):
    write(name, text)
    found = _files.read_project(str(tmp_path), config)
    assert found.findings[0].kind == kind and part in f"{found.findings[0].evidence}; {found.findings[0].remedy}"


def test_project_without_revisions(tmp_path, write):
    write("alembic.ini", "[alembic]\nscript_location = db\n")
    write("db/env.py")
    write("db/versions/.gitkeep")
    assert [(each.kind, each.level) for each in _files.read_project(str(tmp_path)).findings] == [
        ("no_revisions", "note")
    ]


def test_what_is_read_of_a_project(tmp_path, write):
    write("alembic.ini", "[alembic]\nscript_location = db\n")
    write("db/env.py")
    write("db/versions/a1_x.py", REVISION.format("a1", None))
    write("db/versions/b2_x.py", REVISION.format("b2", "a1"))
    write("db/versions/e5_x.py", b"# -*- coding: latin-1 -*-\n# \xe9\n" + REVISION.format("e5", "b2").encode())
    write("db/versions/f6_x.py", b"# \xe9\n")
    write("db/versions/README", "down_revision")
    write("db/versions/old/c3_x.py", REVISION.format("c3", "b2"))
    write("db/versions/__pycache__/d4_x.cpython-311.pyc")
    write("app/model.py", "x = 1")
    write("other/env.py")
    write("other/versions/z9.py", REVISION.format("z9", None))
    write("venv/pyvenv.cfg")
    write("venv/lib/x.py", REVISION.format("v8", "b2"))
    write("tests/data/y.py", REVISION.format("y7", "b2"))
    found = _files.read_project(str(tmp_path))
    assert found.chain.order == ("a1", "b2", "e5") and "app/model.py" in found.sources
    assert "venv/lib/x.py" not in found.sources and "db/versions/a1_x.py" not in found.sources
    assert [(each.kind, each.object) for each in found.findings] == [
        ("unreadable", "db/versions/f6_x.py"),
        ("outside", "c3"),
    ]

    write("alembic.ini", "[alembic]\nscript_location = db\nrecursive_version_locations = true\n")
    assert "c3" in _files.read_project(str(tmp_path)).chain.revisions
