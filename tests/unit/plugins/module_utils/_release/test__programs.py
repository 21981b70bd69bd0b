# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release whose services could never run is refused."""

from __future__ import annotations

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _programs


@pytest.mark.parametrize("command", ["/v/bin/gunicorn x", "gunicorn x", "", None])
def test_programs_that_are_there_or_not_told_by_their_path(command):
    _programs.check([{"unit": "web", "command": command}, {"name": "a"}], {"/v/bin/gunicorn"}.__contains__)


def test_a_program_that_is_missing():
    for lead in ("", "/usr/bin/env PYTHONPATH=/a:/b "):
        units = [
            {"unit": "web", "command": "/v/bin/gunicorn x"},
            {"unit": "beat", "command": f"{lead}/v/bin/celery -A shop"},
        ]
        with pytest.raises(DeployError, match="units has beat, and the program of beat, /v/bin/celery, does not exist"):
            _programs.check(units, {"/v/bin/gunicorn"}.__contains__)
