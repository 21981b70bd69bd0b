# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of the command line. Pure; developer's machine; PRIVATE to the collection."""

from __future__ import annotations

import argparse

#: Where the password of the role that may create scratch databases is expected: never among the arguments.
ADMIN_URL = "MIGRATIONS_ADMIN_URL"
#: Below the project.
BACKUP = ".migration-backups"

_EPILOG = f"""PostgreSQL: what is proven is built on a scratch database, which {ADMIN_URL} in the environment makes
(postgresql://role:password@host/postgres). The code is 0 when all is well, 1 when something was found or refused, 2 for a wrong call."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="migrations",
        description="Alembic and Flask-Migrate for those who write migrations: proven on a scratch database, not guessed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = made.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    _command(
        commands, "status", "what the database has on record, what is pending, and where it differs from the models"
    )
    _command(
        commands, "check", "the chain of revisions and each of them, from their files alone", database=False
    ).add_argument("--strict", action="store_true", help="fail on warnings too")
    _proving(_command(commands, "validate", "check, and which revision the database is really at, proven"))
    upgrade = _repairing(_command(commands, "safe-upgrade", "put the record right where that is proven, then upgrade"))
    upgrade.add_argument("revision", nargs="?", default="heads", help="as alembic upgrade takes it; default: heads")
    upgrade.add_argument("--unproven", action="store_true", help="without a scratch database: upgrade only")
    reset = _repairing(_command(commands, "reset-heads", "have on record what the database is proven to be at"))
    reset.add_argument("--confirm", metavar="DATABASE", default="", help="record all heads without any proof")
    merge = _repairing(
        _command(commands, "merge-heads", "write a merge revision, where the heads do not touch the same objects")
    )
    merge.add_argument("--message", default="", help="of the new revision")
    prune = _repairing(_command(commands, "prune", "make one new base of all revisions up to one, proven equal"))
    prune.add_argument(
        "revision", nargs="?", default="", help="the last one to go into the base; default: the only head"
    )
    prune.add_argument(
        "--accept-rows", action="store_true", help="although some of them write rows, which the base will not"
    )
    return made


def _command(
    commands: argparse._SubParsersAction, name: str, text: str, database: bool = True
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=text, description=text)
    made.add_argument("--directory", "-C", default=".", help="of the project: where one runs alembic or flask db")
    made.add_argument(
        "--config", help="alembic.ini, relative to the project; default: where Alembic and Flask-Migrate have it"
    )
    made.add_argument("--json", action="store_true", help="the whole answer, for programs")
    if database:
        made.add_argument(
            "--python", help="the project's interpreter; default: the active environment, .venv, venv, or that of uv"
        )
        made.add_argument("--app", help="FLASK_APP, where it is not in the environment")
        made.add_argument(
            "--environment-file", help="NAME=value lines that the project needs; default: .env, if there is one"
        )
        made.add_argument("--database", default="default", help="one of several databases")
        made.add_argument(
            "-x",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="an argument of env.py, as alembic -x hands it over",
        )
    return made


def _proving(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    made.add_argument(
        "--scratch-database", help="an empty database made beforehand, for a role that may not create one"
    )
    made.add_argument(
        "--ignore", action="append", default=[], metavar="NAME", help="an object that belongs to somebody else"
    )
    return made


def _repairing(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    made.add_argument("--dry-run", action="store_true", help="show what would be done")
    made.add_argument("--backup", default=BACKUP, metavar="DIRECTORY", help="for what is changed; default: %(default)s")
    return _proving(made)
