# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts that migrate before they start an application."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _start_scripts


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("python manage.py migrate --noinput", "manage.py migrate"),
        ("python3 ./manage.py --settings=a.b migrate", "manage.py migrate"),
        ("python -m django migrate", "django-admin migrate"),
        ("django-admin migrate && gunicorn shop.wsgi", "django-admin migrate"),
        ("flask db upgrade", "flask db upgrade"),
        ("exec flask --app shop --debug db upgrade", "flask db upgrade"),
        ("uv run flask db upgrade", "flask db upgrade"),
        ("uv run --frozen alembic -c conf/alembic.ini -x tenant=a upgrade head", "alembic upgrade"),
        ("python -m alembic --raiseerr upgrade heads || exit 1", "alembic upgrade"),
        ("sh -c 'alembic upgrade head && exec gunicorn a:b'", "alembic upgrade"),
        ("# alembic upgrade head", ""),
        ("gunicorn a:b  # after alembic upgrade head", ""),
        ("echo run alembic upgrade head first", ""),
        ("echo migrating && alembic upgrade head", "alembic upgrade"),
        ("alembic upgrade head --sql", ""),
        ("python manage.py migrate --check", ""),
        ("python manage.py makemigrations", ""),
        ("flask db migrate", ""),
        ("apt-get upgrade", ""),
        ("alembic current", ""),
    ],
)
def test_commands_that_migrate(line: str, command: str) -> None:
    assert _start_scripts.migrates(line) == command


def sites(**scripts: str) -> list[tuple[str, t.Any]]:
    """Give the places, and what switches each off."""
    return [(each["place"], each["switch"].get("name")) for each in _start_scripts.find(scripts)]


def test_lines_and_the_variables_that_they_hang_on() -> None:
    text = '#!/bin/sh\nuv run \\\n  alembic upgrade head\nif [ "$A" = 1 ]; then\n  flask db upgrade\nfi\nflask db upgrade\n'
    assert sites(**{"start.sh": text}) == [("start.sh:2", None), ("start.sh:5", "A"), ("start.sh:7", None)]
    other = "if [ -f x ]; then\n  true\nelse\n  flask db upgrade\nfi"
    assert sites(**{"start.sh": other}) == [("start.sh:4", None)]


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ('[ "$M" = "true" ] &&', None),
        ('[ "${M:-true}" = "true" ] &&', "0"),
        ('[ "${M:-0}" != "0" ] &&', None),
        ("[[ $M != no ]] &&", "no"),
        ('[ "$M" = "1" ] ||', "1"),
        ('[ -n "$M" ] &&', None),
        ('[ -z "$M" ] &&', "0"),
        ('[ ! -z "$M" ] &&', None),
        ('if [ "${M:-1}" == 1 ]; then', "0"),
    ],
)
def test_value_that_switches_it_off(condition: str, value: t.Any) -> None:
    (found,) = _start_scripts.find({"start.sh": f"{condition} alembic upgrade head"})
    assert found["switch"] == {"kind": "environment", "name": "M", "value": value}
    assert "M" in found["remedy"]


@pytest.mark.parametrize("condition", ["[ -f x ] &&", '[ "$A" = 1 ] && [ "$B" = 1 ] &&', "test x &&", ""])
def test_nothing_switches_it_off(condition: str) -> None:
    (found,) = _start_scripts.find({"start.sh": f"{condition} alembic upgrade head"})
    assert found["switch"] == {"kind": "wrapper"} and "deploy_without_migrations" in found["remedy"]


def test_what_it_breaks_is_said() -> None:
    django, alembic = _start_scripts.find({"a.sh": "python manage.py migrate", "b.sh": "alembic upgrade head"})
    assert "a.sh:1 applies migrations (manage.py migrate)" in django["evidence"]
    assert "holds back" in django["evidence"] and "no way back" not in django["evidence"]
    assert "no way back" in alembic["evidence"] and alembic["level"] == "note"


def test_other_kinds_of_files() -> None:
    procfile = "release: flask db upgrade\nweb: flask db upgrade && gunicorn a:b\n"
    package = '{\n  "scripts": {\n    "build": "vite",\n    "start": "alembic upgrade head && uvicorn a:b"\n  }\n}'
    assert sites(Procfile=procfile, **{"package.json": package}) == [("Procfile:2", None), ("package.json:4", None)]
    assert sites(**{"package.json": "[1"}) == sites(**{"package.json": '{"scripts": 1}'}) == []


def test_scripts_that_run_it() -> None:
    scripts = {
        "bin/migrate.sh": "flask db upgrade",
        "start.sh": "./bin/migrate.sh\nexec gunicorn a:b",
        "x.sh": "# migrate.sh",
    }
    (found,) = _start_scripts.find(scripts)
    assert found["scripts"] == ["bin/migrate.sh", "start.sh"]


@pytest.mark.parametrize(
    ("command", "path", "expected"),
    [
        ("/bin/sh {project}/start.sh {socket}", "start.sh", True),
        ("./docker/entrypoint.sh gunicorn", "docker/entrypoint.sh", True),
        ("bin/start web", "bin/start", True),
        ("honcho start web", "bin/start", False),
        ("honcho start web", "Procfile", True),
        ("npm run start", "package.json", True),
        ("gunicorn a:b", "start.sh", False),
    ],
)
def test_whether_a_unit_runs_it(command: str, path: str, expected: bool) -> None:
    assert _start_scripts.runs(command, path) is expected


def test_which_files_are_read(tmp_path: pathlib.Path) -> None:
    shell, top = "#!/usr/bin/env bash\nalembic upgrade head\n", tmp_path / "top"
    named = ["entrypoint.sh", "Procfile.dev", "run", "scripts/a.sh", "bin/b", "docker/c.sh", "deploy/d.sh", "app/e.sh"]
    for name in [*named, "other/f.sh", "notes", "g.py", "large.sh", ".git/h.sh"]:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("alembic upgrade head" if name == "notes" else shell)
    (top / "large.sh").write_text(shell + "#" * _start_scripts.LARGEST)
    (top / "binary.sh").write_bytes(b"\xff\xfe\n")
    assert sorted(_start_scripts.read_scripts(str(top / "app"))) == sorted(named)
    (top / ".git" / "h.sh").unlink()
    (top / ".git").rmdir()
    assert list(_start_scripts.read_scripts(str(top / "app"))) == ["e.sh"]
