# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a project has its alembic.ini, and the Flask application that its env.py asks for.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import typing as t

from . import _exceptions as errors
from ._protocol import BridgeError

_OF_FLASK = os.path.join("migrations", "alembic.ini")
_USUAL = ("alembic.ini", _OF_FLASK)


class Found(t.NamedTuple):
    """config: Alembic's Config. app: the Flask application, None without one. warnings: sentences."""

    config: t.Any
    app: t.Any
    warnings: t.List[str]


def find(arguments: t.Dict[str, t.Any]) -> Found:
    """The project in the working directory. Raises BridgeError."""
    given = arguments.get("config")
    path = config_path(given)
    if path and not wants_flask(path) and not arguments.get("app"):
        return Found(_with_x(_config(path), arguments), None, [])
    skipped: t.List[str] = []
    app = _flask_app(arguments.get("app"), skipped) if path else _app_that_may_know(arguments.get("app"), skipped)
    app.app_context().push()
    if not given and path in ("", _OF_FLASK):
        path = _path_of(app, path)
    return Found(_with_x(_config_of_flask(app, path, arguments.get("x")), arguments), app, skipped)


def _with_x(config: t.Any, arguments: t.Dict[str, t.Any]) -> t.Any:
    """As the command line hands them to context.get_x_argument(), with all else of it that an env.py may read."""
    if config.cmd_opts is None:
        config.cmd_opts = argparse.Namespace(x=None, name=config.config_ini_section, autogenerate=False, sql=False)
    if arguments.get("x"):
        config.cmd_opts.x = list(arguments["x"])
    return config


def config_path(option: t.Optional[str]) -> str:
    """The file that says where the revisions are, "" where only an application may know. Raises BridgeError."""
    project = os.getcwd()
    if option:
        if not os.path.isfile(option):
            raise BridgeError("config_missing", f"`config` is {option!r}, and there is no such file in {project}")
        return option
    for path in _USUAL:
        if os.path.isfile(path):
            return path
    return "pyproject.toml" if _in_pyproject("pyproject.toml") else ""


def _no_config() -> BridgeError:
    return BridgeError(
        "config_missing",
        f"there is neither {' nor '.join(_USUAL)} in {os.getcwd()}; correct `chdir` (the project directory) or set `config`",
    )


def _app_that_may_know(option: t.Optional[str], skipped: t.List[str]) -> t.Any:
    """The Flask application of a project that has its revisions in another directory than usual. Raises BridgeError."""
    if importlib.util.find_spec("flask_migrate") is None:
        raise _no_config()
    try:
        return _flask_app(option, skipped)
    except BridgeError:
        if option or os.environ.get("FLASK_APP"):
            raise
        raise _no_config() from None


def _path_of(app: t.Any, usual: str) -> str:
    """The alembic.ini in the directory that the application gave to Flask-Migrate. Raises BridgeError where there is none at all."""
    directory = str(getattr(app.extensions.get("migrate"), "directory", "") or "")
    path = os.path.join(directory, "alembic.ini")
    if directory and os.path.isfile(path):
        return path
    if usual:
        return usual
    if not directory:
        raise _no_config()
    raise BridgeError(
        "config_missing",
        f"the application keeps its migrations in {directory}, and there is no alembic.ini; correct `directory` of its "
        "Migrate(), or set `config`",
    )


def _in_pyproject(path: str) -> bool:
    text = _text(path)
    return any(line.strip() == "[tool.alembic]" for line in text.splitlines())


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def wants_flask(path: str) -> bool:
    """Whether its env.py works on Flask's current application: that of Flask-Migrate does."""
    location = _config(path).get_main_option("script_location") or os.path.dirname(path)
    return "current_app" in _text(os.path.join(location, "env.py"))


def _config(path: str) -> t.Any:
    from alembic.config import Config

    if os.path.basename(path) != "pyproject.toml":
        return Config(path)
    try:
        return Config(toml_file=path)
    except TypeError:
        raise BridgeError(
            "config", f"{path} configures Alembic, and the release's Alembic reads alembic.ini only; set `config`"
        ) from None


def _config_of_flask(app: t.Any, path: str, x: t.Optional[t.List[str]]) -> t.Any:
    """As `flask db` makes it, with what the application adds by @migrate.configure."""
    data = app.extensions.get("migrate")
    own = _config(path)
    if data is None or own.get_main_option("script_location"):  # no directory of `flask db`
        return own
    config = data.migrate.get_config(os.path.dirname(path) or ".", x_arg=x or None)
    # the rest of the template reads it, and only the command line sets it
    for name in ("autogenerate", "sql"):
        if not hasattr(config.cmd_opts, name):
            setattr(config.cmd_opts, name, False)
    return config


def _flask_app(option: t.Optional[str], skipped: t.List[str]) -> t.Any:
    """Flask's own way: FLASK_APP, else wsgi.py or app.py, and an application factory in it. Raises BridgeError."""
    try:
        from flask import cli
    except ImportError:
        raise BridgeError(
            "framework_missing", "env.py uses Flask's current_app, and the release's environment has no Flask"
        ) from None
    with contextlib.suppress(Exception):
        cli.load_dotenv()  # .env and .flaskenv, where python-dotenv is installed
    name = option or os.environ.get("FLASK_APP") or None
    try:
        with harmless(skipped):
            return cli.ScriptInfo(app_import_path=name).load_app()
    except cli.NoAppException as exc:
        raise BridgeError(
            "app",
            f"the Flask application cannot be found: {errors.first_line(str(exc))}; set `app` as FLASK_APP has it",
        ) from None
    except BridgeError:
        raise
    except BaseException as exc:  # also sys.exit()
        place = errors.place_of(exc)
        advice = "install what is missing" if isinstance(exc, ImportError) else "correct it, or `environment`"
        where = f", at {place}" if place else ""
        raise BridgeError(
            "app", f"the Flask application {name or ''} cannot be loaded: {errors.summary(exc)}{where}; {advice}"
        ) from None


@contextlib.contextmanager
def harmless(skipped: t.List[str]) -> t.Iterator[None]:
    """While an application is loaded it makes no tables and runs no migrations: that is what this process is for."""
    from alembic import command
    from sqlalchemy import MetaData

    def skip(name: str) -> t.Callable[..., None]:
        def instead(*_args: t.Any, **_kwargs: t.Any) -> None:
            said = f"the application calls {name} when it is loaded; that was left out here"
            if said not in skipped:
                skipped.append(said)

        return instead

    replaced = [(MetaData, "create_all", "create_all()"), (command, "upgrade", "Alembic's upgrade()")]
    with contextlib.suppress(ImportError):
        import flask_migrate

        replaced.append((flask_migrate, "upgrade", "flask_migrate.upgrade()"))
    originals = [(owner, name, getattr(owner, name)) for owner, name, _said in replaced]
    for owner, name, said in replaced:
        setattr(owner, name, skip(said))
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)
