-- Copyright (c) 2026, seamless.deploy contributors
-- GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Rows of an identity service in the old release of Keystone.

INSERT INTO project (id, name, domain_id, is_domain, enabled, extra) VALUES ('<<keystone.domain.root>>', '<<keystone.domain.root>>', '<<keystone.domain.root>>', true, false, '{}')
ON CONFLICT DO NOTHING;
INSERT INTO project (id, name, domain_id, is_domain, enabled, extra) VALUES ('default', 'Default', '<<keystone.domain.root>>', true, true, '{}');
INSERT INTO project (id, name, domain_id, parent_id, is_domain, enabled, extra)
SELECT md5('project' || n), 'project-' || n, 'default', 'default', false, true, '{}' FROM generate_series(1, 20) AS n;
INSERT INTO trust (id, trustor_user_id, trustee_user_id, project_id, impersonation, expires_at, expires_at_int)
SELECT md5('trust' || n), md5('user' || n), md5('user' || n + 1), md5('project' || n), true, timestamp '2030-01-01', 1893456000000000
FROM generate_series(1, 20) AS n;
INSERT INTO access_rule (service, path, method, external_id, user_id)
SELECT 'compute', '/v2/servers/' || n, 'GET', md5('rule' || n), md5('user' || n) FROM generate_series(1, 20) AS n;
INSERT INTO service_provider (id, auth_url, sp_url, enabled, description, relay_state_prefix)
VALUES ('beta', 'https://beta.example.org/auth', 'https://beta.example.org/saml', true, '', 'ss:mem:');
INSERT INTO mapping (id, rules) SELECT 'mapping-' || n, '[]' FROM generate_series(1, 3) AS n;
INSERT INTO endpoint_group (id, name, filters) VALUES ('group', 'group', '{}');
INSERT INTO project_endpoint_group (endpoint_group_id, project_id) SELECT 'group', md5('project' || n) FROM generate_series(1, 10) AS n;
INSERT INTO revocation_event (user_id, issued_before, revoked_at, audit_id)
SELECT md5('user' || n), timestamp '2026-01-01', timestamp '2026-01-01', 'audit-' || n FROM generate_series(1, 30) AS n;
