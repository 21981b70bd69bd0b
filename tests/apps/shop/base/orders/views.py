# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and endpoints of the print shop (application's interpreter)."""

import json
import os

from django.db import transaction
from django.http import FileResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from orders.models import BindingGroup, Document, Order, PrintJob
from shop.release import RELEASE


def answer(status=200, **content):
    """Answer in JSON, signed with release and process."""
    return JsonResponse({**content, "release": RELEASE, "pid": os.getpid()}, status=status)


def describe(order):
    """Tell of an order what a customer sees."""
    return {
        "id": order.pk,
        "token": order.token,
        "customer": order.user.phone_number,
        "payment_method": order.payment_method,
    }


@require_GET
def home(request):
    """Show the first page, with hashed static files."""
    return render(request, "orders/home.html", {"release": RELEASE, "pid": os.getpid()})


@csrf_exempt
@require_http_methods(["GET", "POST"])
def orders(request):
    """List the newest orders, or take a new one."""
    if request.method == "GET":
        newest = Order.objects.select_related("user").order_by("-pk")[:20]
        return answer(orders=[describe(each) for each in newest])
    try:
        wanted = json.loads(request.body)
        token, phone_number = str(wanted["token"]), str(wanted["phone_number"])
    except (ValueError, KeyError, TypeError):
        return answer(400, error="an order needs a token and a phone_number")
    with transaction.atomic():
        user, _created = User.objects.get_or_create(phone_number=phone_number, defaults={"username": phone_number})
        made = Order.objects.create(user=user, token=token, payment_method=wanted.get("payment_method", "card"))
        BindingGroup.objects.create(order=made, binding=wanted.get("binding", "staple"))
        PrintJob.objects.create(order=made)
    return answer(201, **describe(made))


@require_GET
def order(request, pk):
    """Show one order with its documents."""
    found = get_object_or_404(Order.objects.select_related("user"), pk=pk)
    files = Document.objects.filter(binding_group__order=found).order_by("pk")
    return answer(**describe(found), documents=[each.pk for each in files])


@csrf_exempt
@require_POST
def documents(request, pk):
    """Take an uploaded file for an order."""
    if "file" not in request.FILES:
        return answer(400, error="a document needs a file")
    group, _created = BindingGroup.objects.get_or_create(order=get_object_or_404(Order, pk=pk))
    made = Document.objects.create(binding_group=group, file=request.FILES["file"])
    return answer(201, id=made.pk, name=made.file.name)


@require_GET
def document(request, pk):
    """Give an uploaded file back."""
    return FileResponse(get_object_or_404(Document, pk=pk).file.open("rb"))
