# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments of releases: pip and uv, indexes with passwords, locks, projects (control node)."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

from tests.support.paths import tool
from tests.support.release import BasicAuthServer, Repository, Target, make_wheel, recording_run, run_command


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> Repository:
    made = Repository(tmp_path / "origin")
    made.commit({"manage.py": "one"})
    return made


@pytest.fixture
def target(tmp_path: pathlib.Path) -> Target:
    return Target(tmp_path / "srv" / "shop")


@pytest.fixture
def wheelhouse(tmp_path: pathlib.Path) -> pathlib.Path:
    make_wheel(tmp_path / "wheelhouse", "greeting", "1.0")
    return tmp_path / "wheelhouse"


@pytest.fixture
def uv(monkeypatch: pytest.MonkeyPatch) -> str:
    path = shutil.which("uv") or tool("uv")
    monkeypatch.setenv("PATH", os.path.dirname(path) + os.pathsep + os.environ["PATH"])
    return path


PYPROJECT = """[project]
name = "shop"
version = "1.0"
requires-python = ">=3.8"
dependencies = ["greeting"]

[build-system]
requires = []
"""


def greets(made: dict[str, t.Any]) -> bool:
    rc, out, err = run_command([os.path.join(made["venv"], "bin", "greeting")])
    assert not rc, err
    return made["venv"] in out


def is_compiled(made: dict[str, t.Any]) -> bool:
    return any("greeting" in str(path) for path in pathlib.Path(made["venv"]).rglob("*.pyc"))


@pytest.mark.parametrize("installer", ["pip", "uv"])
@pytest.mark.parametrize("files", [{"requirements.txt": "greeting==1.0\n"}, {"pyproject.toml": PYPROJECT}])
def test_pip_and_uv(
    repository: Repository, target: Target, wheelhouse: pathlib.Path, uv: str, installer: str, files: dict[str, str]
) -> None:
    repository.commit(files)
    first = target.deploy(repository, installer=installer, wheelhouse=str(wheelhouse))
    assert first["dependencies"] == "installed" and is_compiled(first) and greets(first)
    assert first["manifest"]["dependencies"]["installer"] == installer
    repository.commit({"manage.py": "two", "README": "x"})
    second = target.deploy(repository, installer=installer, wheelhouse=str(wheelhouse))
    assert second["dependencies"] == "reused"
    target.activate(second["release"])
    shutil.rmtree(first["release_path"])
    assert greets(second)


@pytest.mark.parametrize("wheels", [True, False])
def test_a_lock_of_uv(repository: Repository, target: Target, wheelhouse: pathlib.Path, uv: str, wheels: bool) -> None:
    (repository.path / "pyproject.toml").write_text(
        PYPROJECT.partition("[build-system]")[0] + f'[tool.uv]\nno-index = true\nfind-links = ["{wheelhouse}"]\n'
    )
    subprocess.run([uv, "lock", "--quiet"], cwd=repository.path, check=True)
    repository.commit({})
    made = target.deploy(repository, **({"wheelhouse": str(wheelhouse)} if wheels else {}))
    assert made["manifest"]["dependencies"]["installer"] == "uv" and is_compiled(made) and greets(made)
    repository.commit({"manage.py": "two"})
    assert target.deploy(repository, **({"wheelhouse": str(wheelhouse)} if wheels else {}))["dependencies"] == "reused"


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_an_index_with_a_password(
    repository: Repository, wheelhouse: pathlib.Path, tmp_path: pathlib.Path, uv: str, installer: str
) -> None:
    (wheel,) = wheelhouse.iterdir()
    simple = tmp_path / "www" / "simple" / "greeting"
    simple.mkdir(parents=True)
    shutil.copy(wheel, simple)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (simple / "index.html").write_text(f'<a href="{wheel.name}#sha256={digest}">{wheel.name}</a>')
    repository.commit({"requirements.txt": "greeting==1.0\n"})
    arguments: list[str] = []
    target = Target(tmp_path / "srv", recording_run(arguments))
    with BasicAuthServer(tmp_path / "www", "robot", "pa55word") as server:
        url = f"http://robot:pa55word@{server.host}/simple"
        made = target.deploy(repository, installer=installer, index_url=url)
        repository.commit({"requirements.txt": "greeting==3.0\n"})
        with pytest.raises(DeployError) as caught:
            target.prepare(repository, installer=installer, index_url=url)
    assert greets(made) and (f"/simple/greeting/{wheel.name}", True) in server.seen
    assert "greeting==3.0" in caught.value.msg and "pa55word" not in caught.value.msg
    assert caught.value.result["stderr"] and "pa55word" not in str(caught.value.result)
    assert not [line for line in arguments if "pa55word" in line]
    assert b"pa55word" not in b"".join(path.read_bytes() for path in (tmp_path / "srv").rglob("*") if path.is_file())


def test_a_failed_installation_leaves_nothing(repository: Repository, target: Target, wheelhouse: pathlib.Path) -> None:
    live = target.deploy(repository, installer="none")
    repository.commit({"requirements.txt": "absent==9\n"})
    with pytest.raises(DeployError, match=r"requirements.txt cannot be installed: pip says: ERROR.*absent==9"):
        target.prepare(repository, wheelhouse=str(wheelhouse))
    assert os.listdir(target.root / "releases") == [live["release"]]
    assert [name for name in os.listdir(target.root / ".deploy") if name.startswith("tmp-")] == []


def test_dynamic_dependencies_are_refused(repository: Repository, target: Target, wheelhouse: pathlib.Path) -> None:
    text = PYPROJECT.replace('dependencies = ["greeting"]', 'dynamic = ["dependencies"]')
    repository.commit({"pyproject.toml": text})
    with pytest.raises(DeployError, match="are dynamic.*set install_project=true"):
        target.prepare(repository, installer="pip", wheelhouse=str(wheelhouse))


def test_the_project_itself(repository: Repository, target: Target, tmp_path: pathlib.Path) -> None:
    backend = """
import zipfile
def build_wheel(directory, settings=None, metadata=None):
    name = "shop-1.0-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + name, "w") as wheel:
        wheel.writestr("shop_itself.py", open("body.py").read())
        wheel.writestr("shop-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n")
        wheel.writestr("shop-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("shop-1.0.dist-info/RECORD", "")
    return name
"""
    build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    text = '[project]\nname = "shop"\nversion = "1.0"\n' + build
    repository.commit({"pyproject.toml": text, "backend.py": backend, "body.py": "value = 1\n"})
    for value in (1, 2):
        repository.commit({"body.py": f"value = {value}\n"})
        made = target.deploy(repository, install_project=True)
        rc, out, err = run_command([made["python"], "-c", "import shop_itself; print(shop_itself.value)"], cwd="/")
        assert (rc, out.strip()) == (0, str(value)), err


def test_nothing_to_install_is_said(repository: Repository, target: Target) -> None:
    repository.commit({"poetry.lock": ""})
    made = target.prepare(repository)
    assert made["dependencies"] == "none" and os.access(made["python"], os.X_OK)
    assert any("poetry.lock is not supported" in warning for warning in made["warnings"])


UNITS = [{"unit": "web", "name": "shop-web-1"}]


def test_pulled_first_and_installed_after(repository: Repository, target: Target, wheelhouse: pathlib.Path) -> None:
    repository.commit({"requirements.txt": "greeting==1.0\n", "media/logo": ""})
    options = {"wheelhouse": str(wheelhouse), "shared": ["media"], "environment": {"A": "1"}}
    pulled = target.prepare(repository, state="pulled", **options)
    assert pulled["dependencies"] == "installed" and pulled["manifest"]["result"] == "pulled"
    path = pathlib.Path(pulled["release_path"])
    assert (path / "manage.py").exists() and not (path / ".venv").exists() and not (path / "media").is_symlink()
    with pytest.raises(DeployError, match="is not complete"):
        target.activate(pulled["release"])
    (path / "built.js").write_text("what a hook builds")
    made = target.run(release=pulled["release"], units=UNITS, **options)
    assert made["changed"] and greets(made) and (path / "built.js").exists() and (path / "media").is_symlink()
    assert sorted(made) == sorted(pulled) and made["manifest"]["units"] == UNITS
    assert not target.run(release=pulled["release"], units=UNITS, **options)["changed"]
    target.activate(made["release"])
    again = target.prepare(repository, state="pulled", **options)
    assert again["live"] and not again["changed"] and again["previous_units"] == UNITS
    assert not target.run(release=again["release"], units=UNITS, **options)["changed"]


def test_an_installation_that_failed_can_be_tried_again_or_given_up(
    repository: Repository, target: Target, wheelhouse: pathlib.Path
) -> None:
    repository.commit({"requirements.txt": "greeting==2.0\n"})
    options = {"wheelhouse": str(wheelhouse)}
    pulled = target.prepare(repository, state="pulled", **options)
    with pytest.raises(DeployError, match="greeting==2.0"):
        target.run(release=pulled["release"], **options)
    make_wheel(wheelhouse, "greeting", "2.0")
    assert greets(target.run(release=pulled["release"], **options))
    repository.commit({"requirements.txt": "greeting==3.0\n"})
    pulled = target.prepare(repository, state="pulled", **options)
    with pytest.raises(DeployError, match="greeting==3.0"):
        target.run(release=pulled["release"], **options)
    assert target.run(state="rejected", release=pulled["release"], reason="x")["changed"]
    assert not os.path.exists(pulled["release_path"])
