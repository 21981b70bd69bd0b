# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the helpers of migration authors do with what is there already: one case a line of data."""

from __future__ import annotations

import typing as t

USERS = """
safe_create_table(
    "users",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.String(50), nullable=False, server_default="x"),
    sa.Column("boss_id", sa.Integer(), sa.ForeignKey("users.id", ondelete="CASCADE", name="fk_boss")),
    sa.Column("mail", sa.String(), index=True),
    sa.Column("born", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Column("color", sa.Enum("red", "green", name="color")),
    sa.CheckConstraint("id > 0", name="ck_positive"),
    sa.UniqueConstraint("name", name="uq_name"),
)
"""
ORDERS = """
safe_create_table("orders", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("user_id", sa.Integer()))
"""


class Case(t.NamedTuple):
    """`run` once, then `run` with `changed` replaced: skipped when nothing is, else an error that names `difference`."""

    name: str
    run: str
    changed: tuple[str, str] = ("", "")
    difference: str = ""
    before: str = USERS


BOTH = [
    Case("table", USERS, before=""),
    Case("longer text", USERS, ("String(50)", "String(60)"), "column name", before=""),
    Case("nullable", USERS, ("nullable=False, ", ""), "column name", before=""),
    Case("default", USERS, ('server_default="x"', 'server_default="y"'), "default 'y'", before=""),
    Case("one column less", USERS, ('    sa.Column("mail", sa.String(), index=True),\n', ""), "it has column mail", before=""),
    Case("other rule of a key", USERS, ("CASCADE", "SET NULL"), "on delete set null", before=""),
    Case("key of another name", USERS, ("fk_boss", "fk_chief"), "foreign key of the name fk_chief", before=""),
    Case("other check", USERS, ("id > 0", "id > 1"), "CHECK", before=""),
    Case("unique of another name", USERS, ("uq_name", "uq_other"), "uq_other", before=""),
    Case("without the index", USERS, (", index=True", ""), before=""),
    Case("column", 'safe_add_column("users", sa.Column("age", sa.Integer(), nullable=False, server_default="0"))\n'),
    Case("column of another type", 'safe_add_column("users", sa.Column("age", sa.Integer()))\n', ("Integer", "String"), "age"),
    Case("column with a key", 'safe_add_column("users", sa.Column("peer_id", sa.Integer(), '
         'sa.ForeignKey("users.id", name="fk_peer")))\n'),
    Case("column with another key", 'safe_add_column("users", sa.Column("peer_id", sa.Integer(), '
         'sa.ForeignKey("users.id", name="fk_peer")))\n', ('name="fk_peer"', 'name="fk_peer", onupdate="CASCADE"'), "on update cascade"),
    Case("column with a time", 'safe_add_column("users", sa.Column("seen", sa.DateTime(), server_default=sa.func.now()))\n'),
    Case("column with an index", 'safe_add_column("users", sa.Column("city", sa.String(9), index=True))\n'),
    Case("column with an Enum", 'safe_add_column("users", sa.Column("shade", sa.Enum("a", "b", name="shade")))\n'),
    Case("computed column", 'safe_add_column("users", sa.Column("twice", sa.Integer(), sa.Computed("id * 2", persisted=True)))\n'),
    Case("index", 'safe_create_index("ix_both", "users", ["name", "mail"], unique=True)\n'),
    Case("index on others", 'safe_create_index("ix_both", "users", ["name", "mail"])\n', ('"mail"', '"born"'), "born"),
    Case("index not unique", 'safe_create_index("ix_both", "users", ["name"], unique=True)\n', (", unique=True", ""), "unique"),
    Case("index on an expression", 'safe_create_index("ix_low", "users", [sa.text("lower(name)")])\n'),
    Case("index on some rows", 'safe_create_index("ix_some", "users", ["name"], postgresql_where=sa.text("id > 9"), '
         'sqlite_where=sa.text("id > 9"))\n'),
    Case("index on other rows", 'safe_create_index("ix_some", "users", ["name"], postgresql_where=sa.text("id > 9"), '
         'sqlite_where=sa.text("id > 9"))\n', ("id > 9", "id > 8"), "id > 8"),
    Case("with Alembic's own option", 'safe_create_index("ix_name", "users", ["name"], if_not_exists=True)\n'
         'safe_add_column("users", sa.Column("age", sa.Integer()), if_not_exists=True)\n'),
    Case("foreign key", ORDERS + 'safe_create_foreign_key("fk_user", "orders", "users", ["user_id"], ["id"], ondelete="CASCADE")\n'),
    Case("other foreign key", ORDERS + 'safe_create_foreign_key("fk_user", "orders", "users", ["user_id"], ["id"])\n',
         ('["id"])', '["id"], ondelete="CASCADE")'), "on delete cascade"),
    Case("unique constraint", ORDERS + 'safe_create_unique_constraint("uq_user", "orders", ["user_id"])\n'),
    Case("other unique constraint", ORDERS + 'safe_create_unique_constraint("uq_user", "orders", ["user_id"])\n',
         ('["user_id"])', '["user_id", "id"])'), "UNIQUE (user_id, id)"),
]  # fmt: skip

POSTGRESQL = [
    Case("other labels", USERS, ('"green"', '"blue"'), "'red', 'blue'", before=""),
    Case("labels of a new column", 'safe_add_column("users", sa.Column("shade", sa.Enum("a", "b", name="shade")))\n',
         ('"b"', '"c"'), "'a', 'c'"),
    Case("other method", 'safe_create_index("ix_name", "users", ["name"])\n', ('["name"]', '["name"], postgresql_using="hash"'), "hash"),
    Case("array and json", 'safe_add_column("users", sa.Column("tags", sa.dialects.postgresql.ARRAY(sa.String())))\n'
         'safe_add_column("users", sa.Column("more", sa.dialects.postgresql.JSONB()))\n'),
    Case("identity", 'safe_create_table("counted", sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True))\n'),
    Case("identity of another kind", 'safe_create_table("counted", sa.Column("id", sa.BigInteger(), sa.Identity(always=True), '
         "primary_key=True))\n", ("always=True", "always=False"), "by default"),
    Case("deferrable key", 'safe_create_table("orders", sa.Column("user_id", sa.Integer()))\nsafe_create_foreign_key("fk_user", '
         '"orders", "users", ["user_id"], ["id"], deferrable=True, initially="DEFERRED")\n'),
]  # fmt: skip

#: Every drop twice: the second one finds nothing.
DROPS = """
safe_drop_index("ix_users_mail", "users")
safe_drop_constraint("uq_name", "users", type_="unique")
safe_drop_constraint("fk_boss", "users", type_="foreignkey")
safe_drop_column("users", "mail")
"""
