# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the text of an application says about migrations. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _start_scripts

_CALL = re.compile(
    r"call_command\(\s*['\"]migrate['\"]|execute_from_command_line\([^)]*['\"]migrate['\"]|\bcommand\.upgrade\("
    r"|flask_migrate\b.*\bupgrade\(|(?<!def )(?<![.\w])upgrade\(directory="
)
#: Files that run when an application starts.
_STARTING = re.compile(
    r"(^|/)((wsgi|asgi|apps|urls|settings|app|main|application|__init__|gunicorn(\.conf|_conf)?)\.py|manage\.py)$"
)
_NO_APPLICATION = re.compile(
    r"(^|/)(tests?|migrations|management/commands|docs?)(/|$)|(^|/)(test_\w+|conftest|fabfile|tasks)\.py$"
)
_HEALTH = re.compile(
    r"health_check\.contrib\.migrations|django_migrations|migration_plan\(|showmigrations|check_migrations",
    re.IGNORECASE,
)
_READS_FILE = re.compile(r"load_dotenv|read_env\(|\bdotenv\b|from decouple|import decouple|env_file\s*=")


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something a person should know before the installation is adopted.

    kind: a stable word. level: `stop` refuses, `warning` needs a look, `note` explains. remedy: what to do.
    """

    kind: str
    level: str
    what: str
    remedy: str = ""
    place: str = ""

    def to_json(self) -> dict[str, str]:
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return ". ".join(part.rstrip(".") for part in (self.what, self.remedy) if part) + "."


def migrates(line: str) -> bool:
    """Whether a line of a shell script or of a unit applies migrations."""
    return bool(_start_scripts.migrates(line))


def migrating_lines(text: str, python: bool) -> list[int]:
    """The numbers of the lines that apply migrations."""
    return [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if not line.lstrip().startswith("#") and (_names_command(line) or (python and _CALL.search(line)))
    ]


def _names_command(line: str) -> bool:
    return any(written.search(line) for written in _start_scripts.COMMANDS.values())


def is_application(path: str) -> bool:
    """Whether a file of a checkout belongs to what runs, and not to its tests or commands."""
    return not _NO_APPLICATION.search(path)


def at_start(path: str) -> bool:
    """Whether a file is run when the application starts."""
    return bool(_STARTING.search(path))


def asks_for_migrations(path: str, text: str) -> bool:
    """Whether a file looks like a health check that fails while migrations are pending."""
    if "health_check.contrib.migrations" in text:
        return True
    return bool(re.search(r"health|ready|alive|status", path, re.IGNORECASE) and _HEALTH.search(text))


def reads_environment_file(text: str) -> bool:
    return bool(_READS_FILE.search(text))


def migration_at_start(place: str, sure: bool) -> Finding:
    """The application migrates by itself."""
    return Finding(
        "migrates_at_start",
        "warning",
        f"{place} applies migrations {'when the application starts' if sure else 'from inside the application, perhaps at its start'}",
        "take it out before the first deploy, or set deploy_without_migrations: a deploy has migrated before it starts a release; "
        "what starts would do it again, in several workers at once, without the budget for locks, and also what a deploy holds back on purpose",
        place,
    )


def migration_in_unit(unit: str, place: str, command: str) -> Finding:
    """The unit migrates before it starts the application."""
    return Finding(
        "migrates_at_start",
        "note",
        f"{unit} applies migrations when it starts ({place}: {command})",
        "nothing to do for releases, whose units do not take this over; but when the way back starts the old installation again, "
        "it runs once more, with the old code, which then finds nothing to apply",
        place,
    )


def health_by_migrations(place: str) -> Finding:
    return Finding(
        "health_check_on_migrations",
        "warning",
        f"{place} looks like a health check that fails while migrations are pending, or that the database knows and the code does not",
        "name another path in deploy_health_path, or take this check out of it: in an online deploy one of two releases always "
        "runs beside a database that is not exactly its own",
        place,
    )


def only_on_server(paths: t.Sequence[str]) -> Finding:
    shown = ", ".join(paths[:8]) + (f" and {len(paths) - 8} more" if len(paths) > 8 else "")
    return Finding(
        "migrations_only_on_server",
        "stop",
        f"{len(paths)} migration file{'s are' if len(paths) > 1 else ' is'} in this checkout and not in git: {shown}",
        "commit them (also when .gitignore names them) and push: a release made from the repository would lack them, "
        "and Django would make others of the same numbers. If they are of no use, remove them and, where they are applied, "
        "the rows in django_migrations. adopt_accept: [migrations_only_on_server] goes on without",
    )
