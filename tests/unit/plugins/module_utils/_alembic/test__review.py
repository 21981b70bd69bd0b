# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a revision from its text: operations, downgrade, foreign keys, constraints, data."""

from __future__ import annotations

import textwrap
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _chain, _review, _revision, _sql, _walk

HEAD = "from alembic import op\nimport sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql\n"
USERS = "op.create_table('users', sa.Column('id', sa.Integer(), primary_key=True))"


def revision(own: str, down: t.Any, up: str, back: str = "pass", more: str = "", **names: t.Any) -> str:
    """Write a revision file."""
    values = "".join(
        f"{name} = {value!r}\n" for name, value in {"revision": own, "down_revision": down, **names}.items()
    )
    functions = "".join(
        f"\n\ndef {name}():\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
        for name, body in (("upgrade", up), ("downgrade", back))
        if body
    )
    return HEAD + values + textwrap.dedent(more) + functions


def reviews(*files: str, sources: t.Any = None) -> list:
    """Review these files."""
    texts = {f"versions/{number}.py": each for number, each in enumerate(files, 1)}
    return _review.review_all(_chain.read_chain(texts), texts, sources)


def review(up: str, back: str = "pass", more: str = "", before: str = USERS) -> t.Any:
    """Review one revision after one that made the table users."""
    return reviews(revision("a1", None, before, "op.drop_table('users')"), revision("b2", "a1", up, back, more))[1]


def kinds(found: t.Any) -> list:
    """Give (kind, level, object) of its findings."""
    return [(each.kind, each.level, each.object) for each in found.findings]


def operations(body: str, more: str = "") -> list:
    """Give (kind, table, name) of what upgrade() does."""
    tree = _revision.parsed(revision("a1", None, body, more=more))
    return [(each.kind, each.table, each.name) for each in _walk.read_direction(tree, "upgrade").operations]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("op.add_column('users', sa.Column('nick', sa.String(20)))", [("add_column", "users", "nick")]),
        ("op.add_column(table_name='users', column=sa.Column('nick', sa.String(20)), schema='auth')", [("add_column", "auth.users", "nick")]),
        ("op.create_index(op.f('ix_a'), 'users', ['nick'], unique=False)", [("create_index", "users", "ix_a")]),
        ("op.rename_table('users', 'people')", [("rename_table", "users", "people")]),
        ("with op.batch_alter_table('users', schema=None) as batch_op:\n    batch_op.drop_column('nick')\n"
         "    batch_op.create_unique_constraint('uq', ['nick'])",
         [("drop_column", "users", "nick"), ("create_unique_constraint", "users", "uq")]),
        ("for table in ('a', 'b'):\n    op.drop_table(table)", [("drop_table", "a", ""), ("drop_table", "b", "")]),
        ("if op.get_bind().dialect.name == 'sqlite':\n    op.drop_table('a')\nelse:\n    op.drop_table('b')",
         [("drop_table", "a", ""), ("drop_table", "b", "")]),
        ("try:\n    op.drop_table('a')\nexcept Exception:\n    op.drop_table('b')\nfinally:\n    op.drop_table('c')",
         [("drop_table", "a", ""), ("drop_table", "b", ""), ("drop_table", "c", "")]),
        ("TABLE = 'users'\nop.drop_table(TABLE)", [("drop_table", "users", "")]),
        ("op.drop_table(name_of_today())", [("drop_table", "", "")]),
        ("op.execute('UPDATE users SET a = 1; DELETE FROM old')", [("sql", "users", ""), ("sql", "old", "")]),
        ("op.execute(sa.text(\"ALTER TABLE users ADD COLUMN x int\"))", [("sql", "users", "")]),
        ("op.execute(f'UPDATE {TABLE} SET a = 1')", [("sql", "notes", "")]),
        ("op.execute('UPDATE %s SET a = 1' % other)", [("sql", "", "")]),
        ("bind = op.get_bind()\nbind.execute(sa.text('DELETE FROM users'))", [("sql", "users", "")]),
        ("t1 = sa.table('users', sa.column('a'))\nop.execute(t1.update().values(a=1))", [("rows", "users", "")]),
        ("session = orm.Session(bind=op.get_bind())\nsession.add_all([1])\nsession.commit()", [("rows", "", ""), ("rows", "", "")]),
        ("found = op.get_bind().execute(sa.select(x)).fetchall()", []),
        ("names = sa.inspect(op.get_bind()).get_table_names()\nseen = set(names)\nseen.add('x')", []),
        ("op.bulk_insert(sa.table('roles'), [])", [("rows", "roles", "")]),
        ("Base.metadata.create_all(op.get_bind())", [("create_all", "", "")]),
        ("safe_add_column('users', sa.Column('nick', sa.Text()))", [("add_column", "users", "nick")]),
        ("add('users')", [("drop_table", "users", "")]),
        ("other.create_table('x')", []),
    ],
)  # fmt: skip
def test_what_an_upgrade_does(body: str, expected: list) -> None:
    assert operations(body, "TABLE = 'notes'\ndef add(table):\n    op.drop_table(table)\n") == expected


def test_functions_of_several_databases() -> None:
    text = "def upgrade(name):\n    globals()['upgrade_%s' % name]()\ndef upgrade_one(): op.drop_table('a')\ndef upgrade_two(): op.drop_table('b')\n"
    found = _walk.read_direction(_revision.parsed("from alembic import op as o\n" + text), "upgrade").operations
    assert [each.table for each in found] == ["a", "b"]
    again = (
        "from alembic import op as o\ndef upgrade():\n    o.drop_table('a')\n    upgrade()\n"  # which would never end
    )
    assert _walk.read_direction(_revision.parsed(again), "upgrade").operations[0].table == "a"


@pytest.mark.parametrize(
    ("up", "back", "state", "left"),
    [
        ("op.create_table('a', sa.Column('id', sa.Integer()))", "op.drop_table('a')", "complete", ""),
        ("op.create_table('a', sa.Column('id', sa.Integer()))", "op.execute('DROP TABLE IF EXISTS a')", "complete", ""),
        ("op.create_table('a')\nop.create_index('ix', 'a', ['id'])", "op.drop_table('a')", "complete", ""),
        ("op.create_table('a')\nop.create_table('b')", "op.drop_table('a')", "incomplete", "leaves table b behind"),
        ("op.execute('CREATE TABLE a (id int)')", "op.drop_table('a')", "complete", ""),
        ("op.create_table('a')", "pass", "empty", "leaves table a"),
        ("op.create_table('a')", "'''Nothing.'''\npass", "empty", "leaves table a"),
        ("pass", "pass", "complete", ""),
        ("op.create_table('a')", "", "missing", "has no downgrade()"),
        ("op.drop_column('users', 'a')", "raise NotImplementedError('no way back')", "refuses", "only raises"),
        ("op.add_column('users', sa.Column('a', sa.Text()))\nop.add_column('users', sa.Column('b', sa.Text()))",
         "op.drop_column('users', 'a')", "incomplete", "leaves column users.b behind"),
        ("with op.batch_alter_table('users') as b:\n    b.add_column(sa.Column('a', sa.Text()))",
         "with op.batch_alter_table('users') as b:\n    b.drop_column('a')", "complete", ""),
        ("op.drop_column('users', 'a')", "op.add_column('users', sa.Column('a', sa.Text()))", "complete", ""),
        ("op.drop_column('users', 'a')", "op.create_index('x', 'users', ['id'])", "incomplete", "the dropped column users.a"),
        ("op.create_unique_constraint('uq', 'users', ['a'])", "op.drop_constraint('uq', 'users')", "complete", ""),
        ("op.create_unique_constraint('uq', 'users', ['a'])", "op.drop_constraint('other', 'users')", "incomplete", "constraint uq"),
        ("op.rename_table('users', 'people')", "op.rename_table('people', 'users')", "complete", ""),
        ("op.alter_column('users', 'a', nullable=False)", "op.alter_column('users', 'a', nullable=True)", "complete", ""),
        ("op.alter_column('users', 'a', new_column_name='b')", "op.alter_column('users', 'b', new_column_name='a')", "complete", ""),
        ("op.alter_column('users', 'a', nullable=False)", "op.drop_table('other')", "incomplete", "the change of users.a"),
        ("op.create_index('ix', 'users', ['a'])", "op.drop_index('ix')", "complete", ""),
        ("op.execute('CREATE EXTENSION citext')", "pass", "empty", "leaves CREATE EXTENSION citext"),
        ("op.execute('CREATE VIEW v AS SELECT 1')", "op.execute('DROP VIEW v')", "complete", ""),
        ("op.execute(\"UPDATE users SET a = 'x'\")", "pass", "complete", ""),
        ("op.create_table('tmp')\nop.drop_table('tmp')", "pass", "empty", "the dropped table tmp"),
        ("for n in names():\n    op.drop_column(n, 'a')", "for n in names():\n    op.add_column(n, sa.Column('a'))", "complete", ""),
    ],
)  # fmt: skip
def test_downgrades(up: str, back: str, state: str, left: str) -> None:
    found = review(up, back)
    assert found.downgrade == state
    said = [each for each in found.findings if each.kind.startswith("downgrade_")]
    assert bool(said) == (state != "complete") and all(left in each.evidence and each.remedy for each in said)


STATUS = "sa.Column('state', sa.Enum('a', 'b', name='state'))"


@pytest.mark.parametrize(
    ("up", "back", "left"),
    [
        (f"op.create_table('a', {STATUS})", "op.drop_table('a')", ["state"]),
        (f"op.create_table('a', {STATUS})", "op.drop_table('a')\nop.execute('DROP TYPE state')", []),
        (f"op.create_table('a', {STATUS})", "op.drop_table('a')\nsa.Enum(name='state').drop(op.get_bind())", []),
        (
            "op.create_table('a', sa.Column('s', postgresql.ENUM('a', name='state', create_type=False)))",
            "op.drop_table('a')",
            [],
        ),
        (
            "op.create_table('a', sa.Column('s', sa.Enum('a', name='state', native_enum=False)))",
            "op.drop_table('a')",
            [],
        ),
    ],
)
def test_types_that_stay(up: str, back: str, left: list) -> None:
    assert [each.object for each in review(up, back).findings if each.kind == "type_left"] == left


def test_type_of_an_earlier_revision_is_not_left_by_a_later_one() -> None:
    before = f"{USERS}\nop.add_column('users', {STATUS})"
    found = review(f"op.create_table('a', {STATUS})", "op.drop_table('a')", before=before)
    assert found.findings == ()


def test_constraint_that_autogenerate_gave_no_name() -> None:
    up, back = (
        "op.create_foreign_key(None, 'users', 'users', ['a'], ['id'])",
        "op.drop_constraint(None, 'users', type_='foreignkey')",
    )
    found = review(up, back)
    assert ("constraint_without_name", "warning", "users") in kinds(found) and found.findings[
        0
    ].place == "versions/2.py:13"
    assert not any(
        kind == "constraint_without_name" for kind, _level, _object in kinds(review(up, back.replace("None", "name()")))
    )


def test_what_it_touches() -> None:
    new = review(
        "op.create_table('a', sa.Column('x', sa.Integer()))\nop.create_index('ix', 'a', ['x'])", "op.drop_table('a')"
    )
    assert new.creates == ("a",) and new.touches == () and new.to_json()["only_new_tables"] is True
    old = review(
        "op.add_column('users', sa.Column('x', sa.Integer()))\nop.execute('UPDATE other SET a = 1')\nop.execute('SELECT 1 FROM z')"
    )
    assert old.touches == ("users", "other") and old.to_json()["only_new_tables"] is False and old.data


@pytest.mark.parametrize(
    ("up", "words"),
    [
        ("op.create_unique_constraint('uq', 'users', ['a'])", "create_unique_constraint uq on users"),
        ("op.create_index('ix', 'users', ['a'], unique=True)", "create_index unique index ix on users"),
        ("op.alter_column('users', 'a', nullable=False)", "users.a becomes NOT NULL"),
        ("op.alter_column('users', 'a', nullable=True)", "users.a may be NULL"),
        ("op.drop_constraint('fk', 'users', type_='foreignkey')", "drop_constraint fk on users"),
        (
            "op.execute('ALTER TABLE users ADD CONSTRAINT c CHECK (a > 0)')",
            "ALTER TABLE users ADD CONSTRAINT c CHECK (a > 0)",
        ),
        ("op.create_index('ix', 'users', ['a'])", ""),
        ("op.alter_column('users', 'a', type_=sa.Text())", ""),
        ("op.create_table('n', sa.Column('a', sa.Integer()))\nop.create_unique_constraint('uq', 'n', ['a'])", ""),
    ],
)
def test_constraints_of_tables_in_use(up: str, words: str) -> None:
    found = review(up, "raise NotImplementedError")
    assert found.constraints == ((words,) if words else ())
    assert any(each.kind == "constraint_changed" for each in found.findings) == bool(words)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("sa.Column('a', sa.Text(), nullable=False)", True),
        ("sa.Column('a', sa.Text(), nullable=False, server_default='')", False),
        ("sa.Column('a', sa.Text())", False),
    ],
)
def test_not_null_without_default(column: str, said: bool) -> None:
    found = review(f"op.add_column('users', {column})", "op.drop_column('users', 'a')")
    assert kinds(found) == ([("not_null_without_default", "warning", "users.a")] if said else [])


def table(name: str, kind: str = "sa.Integer()", more: str = "") -> str:
    """Write an operation that makes a table."""
    return f"op.create_table('{name}', sa.Column('id', {kind}, nullable=False), {more}sa.PrimaryKeyConstraint('id'))"


@pytest.mark.parametrize(
    ("kind", "said"),
    [("sa.Integer()", ""), ("sa.BigInteger()", "bigint"), ("postgresql.UUID(as_uuid=True)", "uuid"), ("sa.INTEGER", ""),
     ("sa.BigInteger().with_variant(sa.Integer(), 'sqlite')", "bigint"), ("sa.String(36)", "text")],
)  # fmt: skip
def test_primary_keys_of_another_type(kind: str, said: str) -> None:
    base = "\n".join(table(name) for name in ("users", "notes"))
    found = review(table("tags", kind), "op.drop_table('tags')", before=base)
    assert [each.object for each in found.findings if each.kind == "primary_key_type"] == (["tags"] if said else [])
    assert all(f"type {said}; 2 of 3 tables have integer" in each.evidence for each in found.findings)


def test_key_that_refers_to_another_table_has_its_type() -> None:
    before = "\n".join([table("users", "sa.Uuid()"), *map(table, ("notes", "tags", "links"))])
    profile = "op.create_table('profiles', sa.Column('id', sa.Uuid(), sa.ForeignKey('users.id'), primary_key=True))"
    assert kinds(review(profile, "op.drop_table('profiles')", before=before)) == []


def test_no_usual_type_of_primary_keys() -> None:
    assert kinds(review(table("tags", "sa.Uuid()"), "op.drop_table('tags')", before=table("users"))) == []


def test_foreign_keys_and_the_order_of_revisions() -> None:
    link = table("links", more="sa.Column('tag_id', sa.Integer(), sa.ForeignKey('tags.id')), ")
    tags = revision("t1", None, table("tags"), "op.drop_table('tags')", branch_labels=("tags",))
    back = "op.drop_table('links')"
    alone = reviews(tags, revision("l1", None, link, back, branch_labels=("links",)))[1]
    assert (
        kinds(alone) == [("foreign_key_without_order", "warning", "tags")]
        and "depends_on = 't1'" in alone.findings[0].remedy
    )
    assert alone.references == ("tags",)
    ordered = reviews(tags, revision("l1", None, link, back, branch_labels=("links",), depends_on="t1"))[1]
    assert kinds(ordered) == [("foreign_key_to_other_feature", "note", "tags")]
    assert "branch tags, from branch links" in ordered.findings[0].evidence


def test_features_are_the_packages_of_the_models() -> None:
    up = "op.create_foreign_key('fk', 'orders', 'users', ['user_id'], ['id'])"
    before = USERS + "\n" + table("orders", more="sa.Column('user_id', sa.Integer()), ")
    texts = [revision("a1", None, before), revision("b2", "a1", up, "op.drop_constraint('fk', 'orders')")]
    models = "class X(Base):\n    __tablename__ = '{}'\n"

    def said(orders: str, users: str) -> list:
        sources = {orders: models.format("orders"), users: models.format("users"), "broken.py": "__tablename__ = ("}
        return [
            each.evidence
            for each in reviews(*texts, sources=sources)[1].findings
            if each.kind == "foreign_key_to_other_feature"
        ]

    assert (
        "of another feature (shop.accounts, from shop.orders)"
        in said("shop/orders/models.py", "shop/accounts/models/user.py")[0]
    )
    assert said("shop/models/order.py", "shop/models/user.py") == []
    assert said("models.py", "models.py") == []


@pytest.mark.parametrize(
    ("own", "key", "part"),
    [
        ("sa.Integer()", "sa.BigInteger()", "or the larger keys fail"),
        ("sa.Integer()", "sa.Uuid()", "PostgreSQL refuses"),
        ("sa.Integer()", "sa.Integer()", ""),
    ],
)
def test_types_of_foreign_keys(own: str, key: str, part: str) -> None:
    up = table("notes", key, f"sa.Column('user_id', {own}), sa.ForeignKeyConstraint(['user_id'], ['users.id']), ")
    found = [
        each
        for each in review(up, "op.drop_table('notes')", before=table("users", key)).findings
        if each.kind == "foreign_key_type"
    ]
    assert len(found) == bool(part) and all(part in each.remedy and each.object == "notes.user_id" for each in found)


def test_tables_named_by_their_models() -> None:
    up = "op.create_table(Tag.__tablename__, sa.Column('id', sa.Integer(), primary_key=True))"
    files = [
        revision("a1", None, up, "op.drop_table(Tag.__tablename__)"),
        revision("b2", "a1", "op.drop_table(Gone.__tablename__)"),
    ]
    first, second = reviews(
        *files, sources={"shop/models.py": "class Tag(Base):\n    __tablename__ = 'tags'\n    __tablename__.x = 1\n"}
    )
    assert first.creates == ("tags",) and first.downgrade == "complete"
    assert second.touches == () and "the dropped table ?" in second.findings[0].evidence


@pytest.mark.parametrize(
    "change",
    [
        "op.create_primary_key('pk', 'users', ['x'])",
        "op.alter_column('users', 'id', type_=sa.BigInteger())",
        "op.drop_column('users', 'id')",
    ],
)
def test_key_that_was_changed_says_nothing_of_its_type(change: str) -> None:
    up = table(
        "notes",
        "sa.Uuid()",
        "sa.Column('user_id', sa.BigInteger()), sa.ForeignKeyConstraint(['user_id'], ['users.id']), ",
    )
    files = [
        revision("a1", None, table("users")),
        revision("b2", "a1", change),
        revision("c3", "b2", up, "op.drop_table('notes')"),
    ]
    assert kinds(reviews(*files)[2]) == []
    assert [kind for kind, _level, _object in kinds(reviews(files[0], files[2].replace("'b2'", "'a1'"))[1])] == [
        "foreign_key_type"
    ]


def test_types_of_a_project_s_own_are_not_compared() -> None:
    up = table(
        "notes",
        "sa.Integer()",
        "sa.Column('user_id', sa.String(20)), sa.ForeignKeyConstraint(['user_id'], ['users.id']), ",
    )
    found = review(up, "op.drop_table('notes')", before=table("users", "StringID()"))
    assert not any(kind == "foreign_key_type" for kind, _level, _object in kinds(found))


def test_data_and_models_of_the_day() -> None:
    found = review("op.execute('INSERT INTO users VALUES (1)')\nBase.metadata.create_all(op.get_bind())")
    assert kinds(found) == [("create_all_in_revision", "warning", "b2"), ("data", "note", "users")] and found.data
    assert not review("op.execute('CREATE VIEW v AS SELECT 1')", "op.execute('DROP VIEW v')").data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a; b -- c; d\n;", ["a", "b"]),
        ("SELECT ';'; /* ; */ x", ["SELECT ';'", "x"]),
        ("DO $$ BEGIN; END $$; y", ["DO $$ BEGIN; END $$", "y"]),
        ("  ", []),
    ],
)
def test_statements_of_sql(text: str, expected: list) -> None:
    assert _sql.statements(text) == expected


@pytest.mark.parametrize(
    ("text", "table", "rows"),
    [
        ('ALTER TABLE ONLY "auth"."users" ADD x int', "auth.users", False),
        ("CREATE UNIQUE INDEX CONCURRENTLY ix ON notes (a)", "notes", False),
        ("insert or ignore into a values (1)", "a", True),
        ("WITH x AS (SELECT 1) UPDATE b SET c = 1", "", True),
        ("SELECT setval('s', 1)", "", True),
        ("SELECT 1", "", False),
        ("DROP TABLE IF EXISTS x", "x", False),
    ],
)
def test_what_a_statement_is_about(text: str, table: str, rows: bool) -> None:
    assert _sql.table_of(text) == table and _sql.writes_rows(text) is rows
