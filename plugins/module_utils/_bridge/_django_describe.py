# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project is made of and what its models demand of the schema. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import sys
import typing as t

from . import _django_setup

DEMANDS_VERSION = 1


def describe(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The verb `describe`. Connects to nothing."""
    _django_setup.prepare(arguments, answer, "showmigrations")
    return of_project(arguments.get("alias") or "default")


def of_project(alias: str) -> dict[str, t.Any]:
    """The same of a project that is up. alias: of the database whose demands are asked for."""
    import django
    from django.apps import apps
    from django.conf import settings
    from django.db import connections

    return {
        "databases": {name: database(values) for name, values in sorted(settings.DATABASES.items())},
        "apps": [{"label": config.label, "name": config.name} for config in apps.get_app_configs()],
        "settings": settings.SETTINGS_MODULE,
        "static_root": str(getattr(settings, "STATIC_ROOT", None) or ""),
        "static_url": str(getattr(settings, "STATIC_URL", None) or ""),
        "media_root": str(getattr(settings, "MEDIA_ROOT", None) or ""),
        "staticfiles": apps.is_installed("django.contrib.staticfiles"),
        "versions": {"django": django.get_version(), "python": "{}.{}.{}".format(*sys.version_info[:3]), **_drivers()},
        "demands": demands(connections[alias]) if _known_engine(settings.DATABASES[alias]) else {},
    }


def of_release(connection: t.Any) -> dict[str, t.Any]:
    """What a verdict asks of a release: what its models demand of a database, and through which driver."""
    return {"demands": demands(connection), "drivers": _drivers(), "demands_all": demands_all()}


def demands_all() -> str:
    """What in the project fails while a migration is pending, "" for nothing: the check of django-health-check."""
    from django.apps import apps

    name = "health_check.contrib.migrations"
    return f"its health check ({name})" if apps.is_installed(name) else ""


def database(values: dict[str, t.Any]) -> dict[str, str]:
    """Everything about a database but its password and its free-form options."""
    return {name.lower(): str(values.get(name) or "") for name in ("ENGINE", "NAME", "HOST", "PORT", "USER")}


def _known_engine(values: dict[str, t.Any]) -> bool:
    engine = str(values.get("ENGINE") or "").lower()
    return not any(word in engine for word in ("mysql", "mariadb", "oracle", "dummy"))


def _drivers() -> dict[str, str]:
    found = {}
    for name in ("psycopg", "psycopg2"):
        module = sys.modules.get(name)
        if module is not None:
            found[name] = str(getattr(module, "__version__", "")).partition(" ")[0]
    return found


def demands(connection: t.Any) -> dict[str, t.Any]:
    """Tables, columns, foreign keys and unique sets that the models of one database rely on."""
    from django.apps import apps
    from django.db import router

    tables: dict[str, t.Any] = {}
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.proxy or meta.swapped or not router.allow_migrate_model(connection.alias, model):
            continue
        tables[meta.db_table] = {
            "model": meta.label,
            "managed": bool(meta.managed),
            "columns": {
                field.column: _column(field, connection) for field in meta.local_concrete_fields if field.column
            },
            "foreign_keys": [_foreign_key(field) for field in meta.local_concrete_fields if field.remote_field],
            "unique": _unique_sets(meta),
        }
    return {"version": DEMANDS_VERSION, "alias": connection.alias, "tables": tables}


def _column(field: t.Any, connection: t.Any) -> dict[str, t.Any]:
    from django.db.models.fields import NOT_PROVIDED

    return {
        "field": field.name,
        "type": _type_of(field, connection),
        "null": bool(field.null),
        "primary_key": bool(field.primary_key),
        # the database fills it when an INSERT leaves it out
        "db_default": getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED,
        "generated": bool(getattr(field, "generated", False) or type(field).__name__.endswith("AutoField")),
    }


def _type_of(field: t.Any, connection: t.Any) -> str:
    try:
        return str(field.db_type(connection) or "")
    except Exception:  # a field of another engine, or one that asks the server
        return ""


def _foreign_key(field: t.Any) -> dict[str, t.Any]:
    target = field.target_field
    return {
        "column": field.column,
        "table": target.model._meta.db_table,
        "references": target.column,
        "on_delete": getattr(field.remote_field.on_delete, "__name__", ""),
        "constraint": bool(getattr(field, "db_constraint", True)),
    }


def _unique_sets(meta: t.Any) -> list[list[str]]:
    """Sets of columns that are unique without a condition: an upsert can name them."""
    from django.db.models import UniqueConstraint

    sets = [[field.column] for field in meta.local_concrete_fields if field.unique]
    for names in meta.unique_together:
        sets.append([meta.get_field(name).column for name in names])
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint) and constraint.fields and constraint.condition is None:
            sets.append([meta.get_field(name).column for name in constraint.fields])
    return sets
