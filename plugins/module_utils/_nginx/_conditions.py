# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a handover demands of nginx, before anything is switched. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _config, _upstreams
from ansible_collections.seamless.deploy.plugins.module_utils._service._drain import accepts
from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor


def check(files: t.Mapping[str, str], entrance: str, kind: str, version: tuple[int, ...], written: bool) -> list[str]:
    """The places that lead to the entrance. Pure; raises DeployError when none does, or when one keeps its connections."""
    who = "the site of deploy_nginx_template" if written else "nginx's configuration"
    if kind == "upstream":
        if entrance in files:
            return [entrance]
        raise DeployError(
            f"{who} does not read {entrance}: write 'include {entrance};' into the upstream of the application"
        )
    leads = _upstreams.leads_to(_config.expand(files), entrance, version)
    if not leads:
        raise DeployError(
            f"{who} has no proxy_pass that leads to the entrance: write 'proxy_pass http://unix:{entrance};' into the location "
            "of the application, or set deploy_web_server to none"
        )
    kept = [lead for lead in leads if lead.keeps]
    if kept:
        raise DeployError(
            f"nginx would keep connections to {entrance} for later requests ({kept[0].keeps}; proxy_pass in {kept[0].where}), and "
            "they would stay with the old release after a switch. Write 'proxy_http_version 1.0;' and 'proxy_set_header "
            "Connection close;' beside that proxy_pass, or set deploy_entrance to upstream, which reloads nginx at every switch"
        )
    return [lead.where for lead in leads]


def check_reached(visitor: Visitor, entrance: str, kind: str) -> None:
    """nginx's own user may go to the entrance, and connects where somebody listens. Raises DeployError."""
    if kind == "upstream":
        return
    visitor.check_directory(os.path.dirname(entrance))
    if accepts(entrance):
        visitor.check_socket(entrance)
