# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample application as a git repository with its releases, and a wheelhouse for it (control node)."""

from __future__ import annotations

import contextlib
import pathlib

import psycopg2

from tests.support import sample
from tests.support.sample import APPS, SampleRepository, wheels

build_wheel, python_for_app = sample.build_wheel, sample.python_for_app
APP = APPS / "shop"

FILL_USERS = """
INSERT INTO accounts_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
                           date_joined, phone_number, avatar_url, created_at, updated_at)
SELECT '', false, 'filled-' || n, '', '', '', false, true, now(), '+49' || (1000000 + n), '', now(), now()
FROM generate_series(1, %(users)s) AS n ON CONFLICT DO NOTHING
"""
FILL_ORDERS = """
INSERT INTO orders_order (user_id, token, payment_method, payment_screenshot, created_at)
SELECT ids[1 + n %% array_length(ids, 1)], 'filled-' || n, (ARRAY['card', 'cash', 'transfer'])[1 + n %% 3], '',
       now() - make_interval(mins => (n %% 200000)::int)
FROM generate_series(1, %(orders)s) AS n,
     (SELECT array_agg(id) AS ids FROM accounts_user WHERE username LIKE 'filled-%%') AS customers
"""


def fill(url: str, orders: int = 200_000, users: int = 2_000) -> int:
    """Fill the tables of release 1 (or 2) with rows; give the number of orders."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(FILL_USERS, {"users": users})
            cursor.execute(FILL_ORDERS, {"orders": orders})
            return cursor.rowcount


class ShopRepository(SampleRepository):
    """The print shop, release by release."""

    name = "shop"


def shop_wheelhouse(base: pathlib.Path | None = None, python: str = "") -> pathlib.Path:
    """Give a directory with every wheel that a release of the shop needs; downloaded once, then kept."""
    return wheels((APP / "base" / "requirements.txt").read_text(), base, python)
