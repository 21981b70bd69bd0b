# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the bridge every framework needs. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:  # never run: whatever is imported anywhere in the text is in the module's payload
    from ansible_collections.seamless.deploy.plugins.module_utils import (  # noqa: F401
        _bridge,
        _migration,
    )
    from ansible_collections.seamless.deploy.plugins.module_utils._bridge import (  # noqa: F401
        _backwards,
        _blockers,
        _budget,
        _entry,
        _exceptions,
        _failure,
        _guards,
        _indexes,
        _locks,
        _observer,
        _pooler,
        _protocol,
        _run,
        _sandbox,
        _session,
        _sqlite_locks,
        _statements,
        _vacuums,
        _watcher,
        _whole,
    )


class Parts(t.NamedTuple):
    """The bridge of one framework: the modules that it consists of, as they are called below module_utils."""

    framework: str
    names: t.Tuple[str, ...]


def named(packages: t.Mapping[str, str]) -> t.Tuple[str, ...]:
    """All of these modules, by their package, as they are called below module_utils."""
    return tuple(f"{package}{name}" for package, names in packages.items() for name in names.split())


#: Read and not imported, which would take as long as all else of a module.
COMMON = named(
    {
        "": """
            _bridge _migration
        """,
        "_bridge.": """
            _backwards _blockers _budget _entry _exceptions _failure _guards _indexes _locks _observer
            _pooler _protocol _run _sandbox _session _sqlite_locks _statements _vacuums _watcher _whole
        """,
    }
)
