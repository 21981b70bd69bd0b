# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real applications with Alembic as projects that are deployed, each in an old release and in a new one (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import runpy
import shutil
import typing as t

from tests.support import sample, visits
from tests.support.real_alembic import CASES, INI, KINDS, releases
from tests.support.real_applications import interpreter
from tests.support.whole_samples import SampleStage, SampleWhole, stage_of

#: Serves the models of each; beside what their migrations need.
SERVER = ("gunicorn==23.0.0", "packaging==25.0")
#: The list is complete, and some of it is source without a wheel.
ALONE = ("--no-deps", "--use-pep517")
WEB = "{venv}/bin/gunicorn service:app --bind unix:{socket} --workers 2 --threads 4"


class RealRepository(sample.SampleRepository):
    """Two commits, of which only the list of packages differs."""

    name = "service"

    def __init__(self, base: pathlib.Path, name: str) -> None:
        self.path = base.resolve() / f"{name}.git-work"
        shutil.copytree(CASES / name, self.path)
        shutil.copy(CASES / "service.py", self.path)
        self.git("init", "--quiet", "--initial-branch=main")
        # The lists are complete: what else such a package asks for has nothing to do with its database.
        self.change({"uv.toml": "[pip]\nno-deps = true\n", ".gitignore": "alembic.ini\n"}, "The service")
        for number in (1, 2):
            lines = requirements(name, number)
            self.change({"requirements.txt": "".join(f"{line}\n" for line in lines)}, f"Release {number}", f"r{number}")


def requirements(name: str, number: int) -> list[str]:
    """Give the packages of a release, all of them."""
    listed = [line for line in releases(name)[number - 1].requirements if line != "--no-deps"]
    there = {line.partition("==")[0].lower() for line in listed}
    return listed + [line for line in SERVER if line.partition("==")[0] not in there]


class RealApplication:
    """What a stage asks of an application."""

    PATH = "/rows/"

    def __init__(self, name: str) -> None:
        self.name, self.kind = name, KINDS[name]
        written = runpy.run_path(str(CASES / name / "written.py"))
        self.TABLE, self.COLUMN = written["TABLE"], written["COLUMN"]

    def python(self, number: int) -> str:
        return interpreter(releases(self.name)[number - 1].pythons)

    def wheelhouse(self) -> pathlib.Path:
        """Fetch the wheels of both releases, each for its own Python."""
        house, other = (
            sample.wheels("\n".join([*ALONE, *requirements(self.name, number)]), None, self.python(number))
            for number in (1, 2)
        )
        for wheel in other.glob("*.whl"):
            if not (house / wheel.name).exists():
                shutil.copy(wheel, house)
        return house

    def variables(
        self, repository: sample.SampleRepository, release: int, url: str, house: pathlib.Path
    ) -> dict[str, t.Any]:
        """Write what an inventory says of the application itself."""
        environment = {"DATABASE_URL": url, "RELEASE": str(release)}
        own: dict[str, t.Any] = {"deploy_shared_paths": ["alembic.ini"], "deploy_alembic_config": "alembic.ini"}
        if self.kind.engine == "sqlite":
            own = {"deploy_shared_paths": ["data"]}
            environment |= {
                "FLASK_APP": "models",
                "PGADMIN_SETUP_EMAIL": "owner@example.org",
                "PGADMIN_SETUP_PASSWORD": "secret12",
            }
        return {
            **own,
            "deploy_app": self.name,
            "deploy_framework": "alembic",
            "deploy_repository": repository.url,
            "deploy_version": f"r{release}",
            "deploy_python": self.python(release),
            "deploy_installer": "uv",
            "deploy_wheelhouse": str(house),
            "deploy_environment": environment,
            "deploy_required_environment": ["DATABASE_URL"],
            "deploy_units": [{"name": "web", "class": "web", "command": WEB}],
        }

    def fill(self, url: str) -> None:
        """Have the rows of production."""
        text = (CASES / f"{self.name}_rows.sql").read_text()
        with visits.connect(url) as cursor:
            (cursor.executescript if visits.kind(url) == "sqlite" else cursor.execute)(text)


class RealWhole(SampleWhole):
    """Whole deploys of a real application."""

    def __init__(self, scene: SampleStage) -> None:
        super().__init__(scene)
        self.column = scene.of.COLUMN

    def live(self, release: int, **changes: t.Any) -> None:
        """Make sure that this release serves; a file beside the releases knows its database."""
        kind, shared = self.scene.of.kind, self.root / "shared"
        if kind.location and not shared.exists():
            shared.mkdir(parents=True)
            path = shared / "alembic.ini"
            path.touch(mode=0o600)
            path.write_text(INI.format(location=kind.location, url=self.scene.url.replace("%", "%%")))
        super().live(release, **changes)


@contextlib.contextmanager
def real(folder: pathlib.Path, name: str) -> t.Iterator[RealWhole]:
    """Set a stage up for one of the real applications."""
    of = RealApplication(name)
    with stage_of(of, lambda base: RealRepository(base, name), folder, of.kind.engine == "sqlite") as scene:
        yield RealWhole(scene)
