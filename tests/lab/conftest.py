# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where there can be no lab its tests are left out, and the long ones where nobody asked for them (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import sys
import typing as t

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.lab.needs import why_not
from tests.lab.stage import LabStage, lab_stage

HERE = pathlib.Path(__file__).resolve().parent
LONG = "takes minutes: ./run test lab --long"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let people ask for the long tests."""
    with contextlib.suppress(ValueError):  # the integration tests have it too
        parser.addoption("--long", action="store_true", help="run the long tests too")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and send fewer requests where nobody measures."""
    config.addinivalue_line("markers", f"long: {LONG}")
    if not config.getoption("--long"):
        LabStage.most_requests = 100


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what cannot run, or need not."""
    mine = [item for item in items if HERE in item.path.parents]
    problem = why_not() if mine else ""
    for item in mine:
        if problem:
            item.add_marker(pytest.mark.skip(reason=f"no lab here: {problem}"))
        elif item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason=LONG))


@pytest.fixture(scope="session")
def shared_host() -> t.Iterator[LabStage]:
    """Boot one host for the files whose usual tests leave a host as the next file wants it."""
    with lab_stage() as stage:
        yield stage


@pytest.fixture(scope="module")
def one_host(request: pytest.FixtureRequest) -> t.Iterator[LabStage]:
    """One host that has everything; the long tests of a file leave more behind, so that it is the file's own then."""
    with contextlib.ExitStack() as stack:
        long = request.config.getoption("--long")
        yield stack.enter_context(lab_stage()) if long else request.getfixturevalue("shared_host")
