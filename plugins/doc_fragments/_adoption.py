# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is adopted, and as what. Control node (documentation only); PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  path:
    description:
      - Directory of the installation, usually a checkout of git. Found from O(unit) when it is not given; one of both is required.
    type: path
  unit:
    description:
      - The service of systemd that serves now. Found from O(path) when it is not given.
    type: str
  app:
    description: Name of the application.
    type: str
    required: true
  root:
    description: Root of the application, where its releases will be.
    type: path
    required: true
  socket_dir:
    description: Directory of the sockets and of the entrance.
    type: path
    required: true
  user:
    description: User who owns the releases. Without it the one that the installation runs as.
    type: str
  units:
    description:
      - The units that releases will have, each with C(name), C(class) and C(command). The existing units are taken for those of the same name
        or, where there is one of a class on both sides, for that one. They are replaced by them in the first deploy.
    type: list
    elements: dict
    default: []
  shared:
    description:
      - Paths in the checkout that releases will share, besides C(MEDIA_ROOT) and a C(.env) file that the application reads itself.
    type: list
    elements: str
    default: []
  environment:
    description:
      - The variables that releases will be told. They are compared with what the installation is told; the values of neither are shown.
    type: dict
    default: {}
  framework:
    description: Whether the application is asked about its models and migrations, through Django.
    type: str
    choices: [django, none]
    default: django
  settings:
    description: Django's settings module. Without it C(DJANGO_SETTINGS_MODULE), and without that the name that C(manage.py) falls back to.
    type: str
  accept:
    description: Kinds of findings that would stop the adoption, and shall not.
    type: list
    elements: str
    default: []
  entrance:
    description:
      - How requests come in. V(link) leads the lines of nginx to the entrance.
      - V(port) takes the port of the service over for the whole host. It costs a stop of a moment, for which O(stop) is needed.
    type: str
    choices: [link, port]
    default: link
  listen:
    description: The address and port that are taken over with O(entrance=port).
    type: str
  stop:
    description: Whether a stop of a moment is agreed to.
    type: bool
    default: false
  health_path:
    description: Path that the installation answers when it is healthy.
    type: str
    default: /health/
  health_status:
    description: Status of that answer.
    type: int
    default: 200
  health_host:
    description: Host header of that request.
    type: str
    default: localhost
"""
