# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a site in the old release of Wagtail; read by its `manage.py shell` (application's interpreter)."""

from django.contrib.auth.models import User
from wagtail.contrib.forms.models import FormSubmission
from wagtail.contrib.redirects.models import Redirect
from wagtail.contrib.search_promotions.models import SearchPromotion
from wagtail.core.models import Page, Workflow, WorkflowState
from wagtail.search.models import Query
from wagtail.users.models import UserProfile

editor = User.objects.create_superuser("editor", "editor@example.org", "x")
UserProfile.get_for_user(editor)
root = Page.get_first_root_node()
for number in range(20):
    page = root.add_child(instance=Page(title=f"Page {number}", slug=f"page-{number}"))
    page.save_revision(user=editor, log_action=True).publish()
    page.save_revision(user=editor, submitted_for_moderation=True)
    Redirect.objects.create(old_path=f"/old-{number}", redirect_page=page)
    FormSubmission.objects.create(page=page, form_data='{"a": 1}')
    query = Query.get(f"word {number}")
    query.add_hit()
    SearchPromotion.objects.create(query=query, page=page)
WorkflowState.objects.create(page=page, workflow=Workflow.objects.first(), requested_by=editor)
