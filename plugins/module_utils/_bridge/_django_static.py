# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the static files of a project. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import io
import os
import typing as t

from . import _django_setup
from . import _exceptions as errors
from ._protocol import BridgeError


def preview(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The verb `plan` for static files: what would be collected; nothing is written."""
    return _collect(arguments, answer, dry_run=True)


def collect(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The verb `apply` for static files."""
    return _collect(arguments, answer, dry_run=False)


def _collect(arguments: dict[str, t.Any], answer: t.Any, dry_run: bool) -> dict[str, t.Any]:
    _django_setup.prepare(arguments, answer, "collectstatic")
    from django.conf import settings

    root = str(getattr(settings, "STATIC_ROOT", None) or "")
    counts = {"static_root": root and os.path.abspath(root), "modified": 0, "unmodified": 0, "post_processed": 0}
    reason = _why_not(root)
    if reason:
        return {**counts, "skipped": reason, "manifest": ""}
    return {**counts, **_run(dry_run), "skipped": "", "manifest": _manifest_name()}


def _why_not(root: str) -> str:
    from django.apps import apps

    if not apps.is_installed("django.contrib.staticfiles"):
        return "django.contrib.staticfiles is not in INSTALLED_APPS"
    if root:
        return ""
    from django.contrib.staticfiles.management.commands.collectstatic import Command
    from django.core.exceptions import ImproperlyConfigured

    try:
        needs_root = Command().is_local_storage()
    except ImproperlyConfigured:
        needs_root = True
    return "STATIC_ROOT is not set" if needs_root else ""


def _run(dry_run: bool) -> dict[str, t.Any]:
    from django.contrib.staticfiles.management.commands.collectstatic import Command

    command = Command(stdout=io.StringIO(), stderr=io.StringIO())
    options = {"interactive": False, "verbosity": 0, "clear": False, "link": False, "ignore_patterns": []}
    command.set_options(**options, dry_run=dry_run, post_process=True, use_default_ignore_patterns=True)
    try:
        found = command.collect()
    except OSError as exc:
        raise BridgeError(
            "static", f"the static files cannot be collected: {errors.summary(exc)}; correct it"
        ) from None
    except Exception as exc:  # such as a stylesheet that names a file which is not there
        place = errors.place_of(exc)
        message = f"collectstatic failed with {errors.summary(exc)}{', at ' + place if place else ''}; correct it"
        raise BridgeError("static", message) from None
    return {name: len(found.get(name) or ()) for name in ("modified", "unmodified", "post_processed")}


def _manifest_name() -> str:
    from django.contrib.staticfiles.storage import staticfiles_storage

    return str(getattr(staticfiles_storage, "manifest_name", "") or "")
