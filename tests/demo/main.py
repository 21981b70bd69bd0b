# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo behind ./run demo, guarded so that it cleans up however it ends (control node).

Runs as `python tests/demo/main.py` or `python -m tests.demo`, with the tools environment's Python;
`--keep-log` keeps what the playbooks said even when all went well.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.demo.screen import Screen

STAGE = "--on-stage"
KEEP_LOG = "--keep-log"


class Stopped(BaseException):
    """Somebody wants the demo to end."""


def main() -> int:
    """Run the demo in a session of its own and pass on what the terminal says.

    Who started us may lose patience while we clean up, and kill us. The demo itself notices our end by the pipe
    that closes, and clears its stage all the same: servers, services and files.
    """
    if STAGE in sys.argv:
        return on_stage()
    # Not a private copy of the module: `-m tests.demo` and `main.py` both come here.
    argv = [sys.executable, str(pathlib.Path(__file__).resolve()), STAGE, *sys.argv[1:]]
    play = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)

    def pass_on(number: int, _frame: types.FrameType | None) -> None:
        play.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = play.wait()
    return code if code >= 0 else 128 - code


def on_stage() -> int:
    """Show the demo and clear the stage."""
    from tests.demo.story import tell

    ending = threading.Event()

    def stop(_number: int, _frame: types.FrameType | None) -> None:
        # The second Ctrl-C must not interrupt the cleaning.
        if not ending.is_set():
            ending.set()
            raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    screen = Screen(time.monotonic())
    try:
        return tell(screen, ending, KEEP_LOG in sys.argv)
    except Stopped:
        screen.say("Stopped on request; everything is cleaned up.")
        return 130


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
