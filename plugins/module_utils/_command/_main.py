# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one command and says what came of it. Developer's machine; PRIVATE to the collection."""

from __future__ import annotations

import argparse
import json
import sys
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._command import _actions, _words
from ansible_collections.seamless.deploy.plugins.module_utils._command._arguments import ADMIN_URL, parser
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

COMMANDS: t.Dict[str, t.Callable[[argparse.Namespace], _actions.Answer]] = {
    "status": _actions.status,
    "check": _actions.check,
    "validate": _actions.validate,
    "safe-upgrade": _actions.safe_upgrade,
    "reset-heads": _actions.reset_heads,
    "merge-heads": _actions.merge_heads,
    "prune": _actions.prune,
}
#: Options of the modules -> what a person sets here.
_NAMES = {
    "login_host and login_port": ADMIN_URL,
    "login_url": ADMIN_URL,
    "backup_dest": "--backup",
    "scratch_database": "--scratch-database",
}


def main(argv: t.Sequence[str]) -> int:
    """The exit code."""
    options = parser().parse_args(argv)
    try:
        answer = COMMANDS[options.command](options)
    except DeployError as exc:
        return _failed(exc, options.json)
    except KeyboardInterrupt:
        return 130
    _say(json.dumps(answer.told, indent=2, default=str) if options.json else "\n".join(answer.lines))
    return answer.code


def _failed(exc: DeployError, as_json: bool) -> int:
    message = exc.msg
    for option, name in _NAMES.items():
        message = message.replace(option, name)
    if as_json:
        _say(json.dumps({"msg": message, **exc.result}, indent=2, default=str))
        return 1
    found = [*_words.diagnosis(exc.result), *_words.findings(t.cast(list, exc.result.get("findings") or []))]
    sys.stderr.write("\n".join([f"migrations: {message}", *found]) + "\n")
    return 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
