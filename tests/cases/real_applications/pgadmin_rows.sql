-- Copyright (c) 2026, seamless.deploy contributors
-- GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Rows of an owner of servers in the old release of pgAdmin.

INSERT INTO servergroup (id, user_id, name) VALUES (2, 1, 'Production'), (3, 1, 'Test');
INSERT INTO server (id, user_id, servergroup_id, name, host, port, maintenance_db, username, comment, shared, kerberos_conn, connection_params)
VALUES (1, 1, 2, 'first', 'db1.example.org', 5432, 'postgres', 'app', 'x', 1, 0, '{"sslmode": "prefer", "connect_timeout": 10}'),
       (2, 1, 2, 'second', 'db2.example.org', 5432, 'postgres', 'app', 'x', 0, 0, '{"sslmode": "require"}'),
       (3, 1, 3, 'third', 'db3.example.org', 5433, 'postgres', 'app', NULL, 0, 0, NULL);
INSERT INTO setting (user_id, setting, value) VALUES (1, 'Browser/Layout', '{}'), (1, 'Debugger/Layout', '{}');
INSERT INTO user_macros (mid, uid, name, sql) VALUES (1, 1, 'count', 'SELECT count(*) FROM shop');
INSERT INTO debugger_function_arguments (server_id, database_id, schema_id, function_id, arg_id, is_null, is_expression, use_default, value)
VALUES (1, 5, 2200, 16400, 0, 0, 0, 0, '7'), (1, 5, 2200, 16400, 1, 1, 0, 0, '');
