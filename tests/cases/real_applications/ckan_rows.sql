-- Copyright (c) 2026, seamless.deploy contributors
-- GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Rows of a catalogue in the old release of CKAN.

INSERT INTO "user" (id, name, email, created, state, sysadmin)
SELECT 'user-' || n, 'user' || n, 'user' || n || '@example.org', now(), 'active', n = 1 FROM generate_series(1, 10) AS n;
INSERT INTO "group" (id, name, title, type, state, approval_status, is_organization, created)
SELECT 'group-' || n, 'group' || n, 'Group ' || n, 'organization', 'active', 'approved', true, now() FROM generate_series(1, 5) AS n;
INSERT INTO package (id, name, title, state, type, owner_org, private, creator_user_id, metadata_created, metadata_modified)
SELECT 'package-' || n, 'package' || n, 'Package ' || n, 'active', 'dataset', 'group-' || 1 + n % 5, false, 'user-' || 1 + n % 10, now(), now()
FROM generate_series(1, 50) AS n;
INSERT INTO resource (id, package_id, url, format, description, position, hash, state, webstore_url)
SELECT 'resource-' || n, 'package-' || 1 + n % 50, 'http://example.org/' || n, 'CSV', '', n / 50, '', 'active', 'x' FROM generate_series(1, 100) AS n;
INSERT INTO package_extra (id, package_id, key, value, state)
SELECT 'extra-' || n, 'package-' || 1 + n % 50, 'key-' || n / 50, 'value-' || n, CASE n % 9 WHEN 0 THEN 'deleted' ELSE 'active' END
FROM generate_series(0, 149) AS n WHERE n % 50 > 1;
INSERT INTO group_extra (id, group_id, key, value, state)
SELECT 'extra-' || n, 'group-' || n, 'country', 'value-' || n, 'active' FROM generate_series(1, 5) AS n;
INSERT INTO rating (id, user_id, package_id, rating) SELECT 'rating-' || n, 'user-' || n, 'package-' || n, n FROM generate_series(1, 5) AS n;
INSERT INTO revision (id, "timestamp", author, state) VALUES ('past', now(), 'user1', 'active');
INSERT INTO package_relationship_revision (id, revision_id, subject_package_id, state) VALUES ('past', 'past', 'package-2', 'active');
