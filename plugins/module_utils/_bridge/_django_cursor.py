# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements of our own on the application's connection. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t


def rows_of(connection: t.Any, sql: str, arguments: t.Any = None) -> list[t.Any]:
    """Past the wrappers, so that it is neither counted nor limited itself."""
    with connection.wrap_database_errors:
        connection.ensure_connection()
        cursor = connection.connection.cursor()
        try:
            cursor.execute(sql, arguments) if arguments else cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()
