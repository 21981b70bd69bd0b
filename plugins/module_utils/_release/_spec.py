# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a release as its fragments document them, and the release that they ask for. Target; PRIVATE to the collection."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._environment import environment_values
from ansible_collections.seamless.deploy.plugins.module_utils._release import _options
from ansible_collections.seamless.deploy.plugins.module_utils._release._dependencies import InstallOptions
from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import (
    split_credentials,
    without_password,
)
from ansible_collections.seamless.deploy.plugins.module_utils._release._pack import DEFAULT_EXCLUDE
from ansible_collections.seamless.deploy.plugins.module_utils._release._wanted import Wanted
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name


def source_spec() -> dict[str, t.Any]:
    """Options of the fragment `_source`."""
    return {
        "repository": {"type": "str"},
        "version": {"type": "str"},
        "key": {"type": "str", "no_log": True},
        "key_file": {"type": "path", "no_log": False},
        "known_hosts": {"type": "str", "choices": ["strict", "accept-new"], "default": "strict"},
        "submodules": {"type": "bool", "default": False},
        "source": {"type": "path"},
        "source_origin": {"type": "str"},
        "exclude": {"type": "list", "elements": "str", "default": DEFAULT_EXCLUDE},
        "project_dir": {"type": "str", "default": "."},
        "required_files": {"type": "list", "elements": "str", "default": []},
    }


def install_spec() -> dict[str, t.Any]:
    """Options of the fragment `_install`."""
    return {
        "installer": {"type": "str", "choices": ["auto", "pip", "uv", "none"], "default": "auto"},
        "python": {"type": "str", "default": "python3"},
        "requirements": {"type": "list", "elements": "str", "default": []},
        "index_url": {"type": "str", "no_log": True},
        "wheelhouse": {"type": "path"},
        "install_project": {"type": "bool", "default": False},
    }


def wanted_from(params: dict[str, t.Any]) -> Wanted:
    """The release that the options ask for, checked. Raises DeployError."""
    return Wanted(
        install=InstallOptions(
            installer=params["installer"],
            requirements=tuple(_options.inner_path("requirements", name) for name in params["requirements"]),
            index_url=params["index_url"] or "",
            wheelhouse=params["wheelhouse"] or "",
            install_project=params["install_project"],
        ),
        python=params["python"] or "python3",
        project_dir=_options.inner_path("project_dir", params["project_dir"]),
        required_files=tuple(_options.inner_path("required_files", name) for name in params["required_files"]),
        shared=_options.shared_paths(params["shared"]),
        environment=environment_values(params["environment"]),
        configuration=params["configuration"],
        units=params["units"],
        who=params["who"] or user_name(),
    )


def secrets_of(params: dict[str, t.Any]) -> set[str]:
    """Values that must not show wherever they occur."""
    found = {params["key"], params["index_url"], split_credentials(params["repository"] or "")[2]}
    return {secret for secret in found if secret}


def shown(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """The invocation as it may be seen: names of variables, no values."""
    safe = copy.deepcopy(params)
    safe["environment"] = dict.fromkeys(params["environment"] or {}, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
    safe["repository"] = without_password(params["repository"]) if params["repository"] else None
    return {"module_args": safe}
